"""Where does each problem of a file stand? A finding is a diagnostic that does not name its file yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from runner.declaration.problem import Problem
from runner.loading import limits, text
from runner.vocabulary.diagnostic import Diagnostic

Finding = tuple[int, int, str, str, str, str, str, str]
"""line, column, severity, rule, summary, detail, hint, source"""

_OTHER_PLACE = re.compile("\x1f(.*?)\x1f")
"""A path in a detail; like the finding's own it is relative to the source until somebody is told."""


def is_error(finding: Finding) -> bool:
    """Whether the finding is an error."""
    return finding[2] == "error"


def place_problems(raw: bytes, problems: Iterable[tuple[int, Problem]]) -> list[Finding]:
    """The findings for problems of the documents (by number) of a file, in one pass over it."""
    from runner.loading.places import places_by_document
    from runner.loading.quoted_line import quoted_line

    wanted: dict[int, list[Problem]] = {}
    for index, problem in problems:
        wanted.setdefault(index, []).append(problem)
    if not wanted:
        return []
    lines = text.lines_of(raw)
    findings: list[Finding] = []
    for index, places in places_by_document(raw, wanted):
        for problem in wanted.pop(index)[: limits.DIAGNOSTICS_PER_FILE]:
            line, column = (places.of_key if problem.at == "key" else places.of_value)(problem.path)
            findings.append(_finding(problem, line, column, quoted_line(lines, line)))
    for left in wanted.values():  # the file is not what it was when the problem was found
        findings.extend(_finding(problem, 0, 0, "") for problem in left)
    return findings


def from_diagnostic(diagnostic: Diagnostic) -> Finding:
    """The diagnostic without its file."""
    d = diagnostic
    return (d.line, d.column, d.severity, d.rule, d.summary, d.detail, d.hint, d.source)


def other_place(path: str, line: int) -> str:
    """`file:line` of something else than what the finding is about, for its detail."""
    return f"\x1f{path}\x1f:{line}"


def to_diagnostic(path: str, finding: Finding, shown: Callable[[str], str]) -> Diagnostic:
    """The diagnostic that the finding in `path` is; `shown` says how a path is told."""
    line, column, severity, rule, summary, detail, hint, source = finding
    detail = _OTHER_PLACE.sub(lambda match: shown(match[1]), detail)
    return Diagnostic(shown(path), line, column, severity, rule, summary, detail, hint, source)  # type: ignore[arg-type]


def _finding(problem: Problem, line: int, column: int, source: str) -> Finding:
    p = problem
    return (line, column, p.severity, p.rule, p.summary, p.detail, p.hint, source)
