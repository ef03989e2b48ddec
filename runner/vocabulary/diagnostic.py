"""A problem in a file: where it is, what it is, what was expected, what now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
_ORDER = {"error": 0, "warning": 1, "note": 2}
_IN_ANOTHER_FILE = re.compile(r"'([^'\n]{1,4096})' line (\d{1,9})\b")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `line` and `column` count from 1; 0 means the file as a whole.

    `summary` is fixed for a rule; `detail` has the value and the expectation; `source` is the line of the
    file as it stands there, for the snippet.
    """

    file: str
    line: int
    column: int
    severity: Severity
    rule: str
    summary: str
    detail: str = ""
    hint: str = ""
    source: str = ""

    @property
    def place(self) -> str:
        """`file:line:col`, or `file` when the file as a whole is meant."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def as_json(self) -> dict[str, Any]:
        """The keys that scripts rely on."""
        values = asdict(self)
        del values["source"]
        return values


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by file and place, errors before notes at one place, each once.

    What is told at the place that names another file is in the order of the lines of that.
    """
    return tuple(
        sorted(
            dict.fromkeys(diagnostics),
            key=lambda d: (
                d.file,
                d.line,
                d.column,
                _ORDER[d.severity],
                *_within(d.detail),
                d.rule,
                d.detail,
            ),
        )
    )


def _within(detail: str) -> tuple[str, int]:
    """The file that is named there and its line, for a detail that begins with them."""
    found = _IN_ANOTHER_FILE.match(detail)
    return (found[1], int(found[2])) if found else ("", 0)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error (warnings and notes stop nothing)."""
    return any(d.severity == "error" for d in diagnostics)
