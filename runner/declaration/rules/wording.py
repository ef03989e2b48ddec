"""Problems that many rules tell in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.declaration.problem import Path, Problem


def not_yet(path: Path, what: str, *, hint: str, at_key: bool = False) -> Problem:
    """Valid in the language, not executed by this release, never ignored; `hint` says what works instead."""
    detail = f"This release does not run {what} yet"
    return Problem(path, "not-yet", "Not in this release", detail, hint, at="key" if at_key else "value")


def exactly_one(path: Path, value: Mapping[str, Any], keys: Sequence[str], what: str) -> Iterator[Problem]:
    """A problem unless exactly one of the keys is there."""
    given = [key for key in keys if key in value]
    names = ", ".join(keys[:-1]) + f" and {keys[-1]}"
    if not given:
        yield Problem(path, "one-of", "One field is missing", f"{what} needs exactly one of {names}")
    for key in given[1:]:
        yield beside((*path, key), key, given[0], f"{what} takes exactly one of {names}")


def beside(path: Path, key: str, other: str, why: str) -> Problem:
    """Two fields that exclude each other."""
    detail = f"'{key}' cannot stand beside '{other}': {why}"
    return Problem(
        path, "both-given", "Fields that exclude each other", detail, "remove one of them", at="key"
    )
