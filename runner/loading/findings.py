"""Where does each problem of a file stand? A finding is a diagnostic that does not name its file yet."""

from __future__ import annotations

from collections.abc import Iterable

from runner.declaration.problem import Problem
from runner.loading import limits, text
from runner.vocabulary.diagnostic import Diagnostic

Finding = tuple[int, int, str, str, str, str, str, str]
"""line, column, severity, rule, summary, detail, hint, source"""


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


def to_diagnostic(file: str, finding: Finding) -> Diagnostic:
    """The diagnostic that the finding is in `file`."""
    return Diagnostic(file, *finding)  # type: ignore[arg-type]


def _finding(problem: Problem, line: int, column: int, source: str) -> Finding:
    p = problem
    return (line, column, p.severity, p.rule, p.summary, p.detail, p.hint, source)
