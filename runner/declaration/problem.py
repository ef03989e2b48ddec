"""One thing that is wrong in one document, before anyone knows the line it stands on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from runner.vocabulary.diagnostic import Severity

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnostic without a place: `path` leads from the document's root to the value, or to its key.

    `at` says which of the two is meant: an unknown field is wrong in its key, a bad duration in its value.
    A path may lead further than the document goes (a missing field): the nearest existing part is the place.
    """

    path: Path
    rule: str
    summary: str
    detail: str = ""
    hint: str = ""
    severity: Severity = "error"
    at: Literal["key", "value"] = "value"

    def below(self, *path: str | int) -> Problem:
        """The same problem, seen from a value that holds this one at `path`."""
        return replace(self, path=(*path, *self.path))


def quoted(value: object, limit: int = 60) -> str:
    """A value as a person sees it in a message: short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text[: limit * 2].split())
    return f"'{text[: limit - 1]}…'" if len(text) > limit else f"'{text}'"


def listed(names: object, limit: int = 12) -> str:
    """Known names for a message: `a, b, c`, cut with an ellipsis."""
    every = [str(n) for n in names] if hasattr(names, "__iter__") else []
    return ", ".join(every[:limit]) + (", …" if len(every) > limit else "") if every else "none"
