"""Which commit does a folder stand at, and does it differ from it?

Asked of the git program, with nothing of the caller's environment that could redirect it and nothing of the
repository's configuration that would run a program: no hook, filter, fsmonitor, prompt, no lock, no network.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 10  # a repository on a dead network file system; an ordinary answer takes milliseconds

_SAFE = (
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.untrackedCache=keep",
    "-c", "core.pager=cat",
    "-c", "diff.external=",
    "-c", "submodule.recurse=false",
    "-c", "protocol.allow=never",
    "-c", "safe.bareRepository=explicit",
)  # fmt: skip
_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME")


@dataclass(frozen=True, slots=True)
class Commit:
    """`sha` in full; `branch` is None when none is checked out; `dirty`: the folder differs from it."""

    sha: str
    branch: str | None
    dirty: bool

    def __str__(self) -> str:
        branch = f" ({self.branch})" if self.branch else ""
        return f"{self.sha[:7]}{'+' if self.dirty else ''}{branch}"


def commit_of(folder: Path) -> Commit | None:
    """The commit of the work tree that `folder` stands in; None without one, without git, or in doubt.

    Files that git ignores do not make it dirty; those that it does not know do. Without any commit yet there
    is None too. Costs one git process, and none at all outside of a repository.
    """
    start = folder if folder.is_dir() else folder.parent
    if not is_in_a_repository(start):
        return None
    lines = ask_about_files(start, "status", "--porcelain=v2", "--branch", "--untracked-files=normal",
                            "--no-renames", "--ignore-submodules=all", "-z", "--", ".")  # fmt: skip
    if lines is None:
        return None
    sha, branch, dirty = "", None, False
    for line in lines.split("\0"):
        if line.startswith("# branch.oid "):
            sha = line.removeprefix("# branch.oid ")
        elif line.startswith("# branch.head "):
            branch = line.removeprefix("# branch.head ")
        elif line and not line.startswith("#"):
            dirty = True
    if len(sha) not in (40, 64):  # "(initial)": nothing is committed yet
        return None
    return Commit(sha, None if branch == "(detached)" else branch, dirty)


def is_in_a_repository(start: Path) -> bool:
    """Whether a folder lies in a work tree, without asking git."""
    here = start.resolve()
    return any((above / ".git").exists() for above in (here, *here.parents))


def ask_git(folder: Path, *arguments: str) -> str | None:
    """What git says, asked in `folder`; None when it fails, hangs or is not there."""
    answer = bytes_from_git(folder, *arguments)
    return None if answer is None else answer.decode("utf-8", "replace")


def ask_about_files(folder: Path, *arguments: str) -> str | None:
    """The same for what compares files of the work tree: no filter that the repository names is run for it.

    Those of the user and of the machine are: they asked for them (LFS).
    """
    listed = ask_git(folder, "config", "--show-scope", "--name-only", "--list", "-z")
    if listed is None:
        return None
    parts = listed.split("\0")
    own = {
        name
        for scope, name in zip(parts[::2], parts[1::2], strict=False)
        if scope not in ("system", "global") and _FILTER.fullmatch(name)
    }
    nothing: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(own))}
    for number, name in enumerate(own):  # not as `-c`: a name may hold an equals sign
        value = "false" if name.endswith(".required") else ""
        nothing |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    answer = bytes_from_git(folder, *arguments, given=nothing)
    return None if answer is None else answer.decode("utf-8", "replace")


_FILTER = re.compile(r"filter\..*\.(?:clean|smudge|process|required)", re.DOTALL)


def bytes_from_git(
    folder: Path, *arguments: str, feed: bytes = b"", given: Mapping[str, str] | None = None
) -> bytes | None:
    """The same as it comes; `feed` is its standard input, `given` stands beside its environment."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        **(given or {}),
    }
    try:
        done = subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=folder,
            env=environment,
            input=feed,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
