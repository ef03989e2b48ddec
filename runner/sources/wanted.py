"""What of a repository is followed: a branch, a tag, the newest tag of a range of versions, or one commit?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.sources.versions import parse_range

Kind = Literal["branch", "tag", "semver", "commit"]
KINDS: tuple[Kind, ...] = ("branch", "tag", "semver", "commit")

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
# git check-ref-format(1), and no leading dash: it could be taken for an option.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|\A[-/.@]\Z|\A[-/.]|[/.]\Z")
LONGEST_REF = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """`name` is a branch, a tag, a range of versions or a full commit."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


DEFAULT = Wanted("branch", "main")


def wanted(kind: Kind, name: str) -> Wanted:
    """ValueError, in words, when git could not have it, or could take it for something else."""
    if kind == "semver":
        parse_range(name)
    elif kind == "commit":
        if not is_commit(name):
            raise ValueError("a commit is named in full: 40 (or 64) lower-case hex digits")
    elif len(name) > LONGEST_REF or not name or not name.isprintable() or _BAD_REF.search(name):
        raise ValueError(f"not a name that git allows for a {kind} (see git check-ref-format)")
    return Wanted(kind, name)


def wanted_of(ref: Mapping[str, Any] | None) -> Wanted:
    """Of a resolved `ref: {branch | tag | semver | commit: NAME}`; the branch `main` when there is none."""
    given = {kind: ref[kind] for kind in KINDS if ref and ref.get(kind)}
    if not given:
        return DEFAULT
    if len(given) > 1:
        raise ValueError(f"one of {', '.join(KINDS)}, not several")
    kind, name = next(iter(given.items()))
    return wanted(kind, str(name))


def wanted_from(text: str) -> Wanted:
    """As written on a command line: `main`, `tag:v1.2`, `semver:^1.2`, `commit:SHA` or the SHA alone,
    `refs/heads/x`, `refs/tags/x`.
    """
    if is_commit(text):
        return wanted("commit", text)
    for kind in KINDS:
        if text.startswith(f"{kind}:"):
            return wanted(kind, text[len(kind) + 1 :])
    if text.startswith("refs/tags/"):
        return wanted("tag", text.removeprefix("refs/tags/"))
    return wanted("branch", text.removeprefix("refs/heads/"))


def is_commit(text: str) -> bool:
    """Whether this is a full object name."""
    return _SHA.match(text) is not None
