"""Which repository is this? Its first commits tell it from every other, wherever it was cloned to."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from runner.git.repository import ask_git, is_in_a_repository

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/@]*@)?(?P<host>[^/:]*)(?::\d+)?/(?P<path>.+)\Z")
_SCP = re.compile(r"(?:[^/@:]+@)?(?P<host>[^/@:]+):(?P<path>[^/].*|/.+)\Z")


@dataclass(frozen=True, slots=True)
class Standing:
    """`prefix`: where a folder stands in its repository, `` for the top. `shallow`: its past was cut off."""

    prefix: str
    shallow: bool


def standing_of(folder: Path) -> Standing | None:
    """None outside of a repository, without git, or in doubt."""
    if not is_in_a_repository(folder):
        return None
    answer = ask_git(folder, "rev-parse", "--is-shallow-repository", "--show-prefix")
    if answer is None:
        return None
    shallow, _, prefix = answer.partition("\n")
    return Standing(prefix.removesuffix("\n"), shallow.strip() != "false")


def first_commits(folder: Path) -> tuple[str, ...]:
    """The commits without a parent that the one checked out comes from; empty when that cannot be told.

    Walks the whole history: ask once, and remember.
    """
    answer = ask_git(folder, "rev-list", "--max-parents=0", "HEAD")
    return tuple(sorted((answer or "").split()))


def has_any(folder: Path, commits: Collection[str]) -> bool:
    """Whether the repository has one of these commits, without looking through its history."""
    named = [sha for sha in commits if _SHA.match(sha)]
    if not named:
        return False
    return bool((ask_git(folder, "rev-list", "--no-walk", "--ignore-missing", *named) or "").strip())


def remote_of(folder: Path) -> str:
    """`host/path` of the remote `origin`, however it is spelt and without credentials; empty without one.

    A remote that is named by a relative path means something else elsewhere, so it is none.
    """
    url = (ask_git(folder, "config", "--get", "remote.origin.url") or "").strip()
    if url.startswith("/"):
        return _shortened(url)
    found = _URL.match(url) or _SCP.match(url)
    return _shortened(f"{found['host'].lower()}/{found['path'].lstrip('/')}") if found else ""


def _shortened(path: str) -> str:
    return path.rstrip("/").removesuffix(".git")
