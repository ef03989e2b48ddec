"""A problem in a file: where it is, what it is, what was expected, what now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
_ORDER = {"error": 0, "warning": 1, "note": 2}


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
    """Sorted by file and place, errors before notes at one place, each once."""
    return tuple(
        sorted(
            dict.fromkeys(diagnostics),
            key=lambda d: (d.file, d.line, d.column, _ORDER[d.severity], d.rule, d.detail),
        )
    )


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error (warnings and notes stop nothing)."""
    return any(d.severity == "error" for d in diagnostics)
