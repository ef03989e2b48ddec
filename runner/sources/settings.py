"""What was declared of one git source, checked and with its defaults?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from runner.sources.remote import Remote, parse_remote
from runner.sources.wanted import DEFAULT, Wanted, wanted_of
from runner.vocabulary.duration import parse_duration

INTERVAL = "60s"
TIMEOUT = "5m"
PATH = "jobs.d"
MAIN = "main"
"""What the source of a command line is called; one that is declared under this name takes its place."""

PREFIX = "git:"
"""Before the name of a git source, where it stands among the sources of objects."""

SHORTEST_INTERVAL = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Verify:
    """Whose signature the `what` must have. The files hold public keys; relative ones are the project's."""

    what: Literal["commit", "each-commit", "tag"] = "commit"
    allowed_signers: str | None = None
    pgp_keys: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Which key of which Authorization signs the hints."""

    authorization: str
    key: str


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One git source. `path` is the folder in the repository, `.` for all of it."""

    name: str
    remote: Remote
    wanted: Wanted = DEFAULT
    path: str = PATH
    interval: timedelta = timedelta(seconds=60)
    timeout: timedelta = timedelta(minutes=5)
    authorization: str | None = None
    ca_file: str | None = None
    verify: Verify | None = None
    webhook: Webhook | None = None

    @property
    def source(self) -> str:
        """What its objects are recorded under."""
        return PREFIX + self.name


def settings_of(name: str, declared: Mapping[str, Any]) -> SourceSettings:
    """Of a resolved `git:`; ValueError, in words, when it cannot be followed."""
    remote = parse_remote(str(declared["url"]))
    verify, webhook = declared.get("verify"), declared.get("webhook")
    checked = verify and Verify(verify["what"], verify["allowedSigners"], verify["pgpKeys"])
    found = SourceSettings(
        name=name,
        remote=remote,
        wanted=wanted_of(declared.get("ref")),
        path=checked_path(str(declared["path"])),
        interval=max(parse_duration(declared["interval"]), SHORTEST_INTERVAL),
        timeout=max(parse_duration(declared["timeout"]), SHORTEST_INTERVAL),
        authorization=declared.get("authorization"),
        ca_file=declared.get("caFile"),
        verify=checked or None,
        webhook=Webhook(webhook["secret"]["authorization"], webhook["secret"]["key"]) if webhook else None,
    )
    problem = problem_with(found)
    if problem:
        raise ValueError(problem)
    return found


def problem_with(found: SourceSettings) -> str:
    """What keeps it from being followed, in words; empty when nothing does."""
    if not found.remote.proves_itself and found.verify is None:
        anybody = f"over {found.remote.scheme}:// anybody on the way may answer"
        return f"{anybody}: use https or ssh, or verify signatures"
    if found.verify and found.verify.what == "tag" and found.wanted.kind not in ("tag", "semver"):
        return "verify.what: tag needs a ref with tag or semver"
    if found.ca_file and found.remote.scheme != "https":
        return "certificates (caFile) prove an https remote alone"
    if found.verify and found.verify.what == "each-commit" and found.wanted.kind == "commit":
        return "verify.what: each-commit needs a ref that moves on: branch, tag or semver"
    if found.verify and not (found.verify.allowed_signers or found.verify.pgp_keys):
        return "verify needs allowedSigners, pgpKeys or both"
    return ""


def checked_path(path: str) -> str:
    """Without `./` and a last slash; ValueError when it does not stay inside of the repository."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or any(part.lower() == ".git" for part in parts):
        raise ValueError("the path is a folder inside of the repository, without '..'")
    if not path.isprintable() or any(letter in '*?[]\\"!#' for letter in path):
        raise ValueError("the path has characters that are not taken in folder names here")
    return "/".join(parts) or "."
