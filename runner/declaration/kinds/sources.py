"""Where do declarations come from, beside the project's own folder?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.kinds.policies import FromAuthorization
from runner.declaration.texts import Duration, Line, Model, ObjectName


class GitRef(Model):
    """What is followed: exactly one."""

    branch: Line | None = Field(default=None, description="A branch; main when there is no ref")
    tag: Line | None = Field(default=None, description="A tag")
    semver: Line | None = Field(default=None, description="The newest tag in a range of versions: ^1.2, 1.x")
    commit: Line | None = Field(default=None, description="One commit, named in full")


class Verify(Model):
    """Who must have signed. Files are relative to the project, and not read from the repository."""

    what: Literal["commit", "each-commit", "tag"] = Field(
        default="commit",
        description="What must be signed: the commit at the top, each one since the last applied, or the tag",
    )
    allowed_signers: Line | None = Field(
        default=None, description="File of ssh keys that may sign (allowed signers of ssh-keygen)"
    )
    pgp_keys: Line | None = Field(default=None, description="File of OpenPGP public keys that may sign")


class Hint(Model):
    """Called after a push, at /hooks/_sources/NAME of the listener: the remote is asked at once."""

    secret: FromAuthorization = Field(description="What the call is signed with (HMAC-SHA256)")


class Git(Model):
    """A folder of a repository, followed by the daemon."""

    url: Line = Field(description="https, ssh, USER@HOST:PATH or file; without credentials")
    ref: GitRef | None = Field(default=None, description="What is followed; default the branch main")
    path: Line = Field(default="jobs.d", description="Folder in the repository; . is all of it")
    interval: Duration = Field(default="60s", description="How often the remote is asked")
    timeout: Duration = Field(default="5m", description="For each question to the remote")
    authorization: ObjectName | None = Field(
        default=None,
        description="Its values: private_key and known_hosts for ssh; token, or user and password, for https",
    )
    ca_file: Line | None = Field(
        default=None, description="Certificates (PEM) that an https remote may prove itself with; project's"
    )
    verify: Verify | None = Field(default=None, description="Apply only what is signed")
    webhook: Hint | None = Field(default=None, description="A hint to ask the remote now")


class Source(Model):
    """One further source of declarations."""

    git: Git = Field(description="A folder of a git repository")
