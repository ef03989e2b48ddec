"""Rules for calendars: dates that exist, and ends that are not before their beginnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path, Problem
from runner.declaration.rules.wording import mapping


def dates(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Every date and span of a Calendar; one without any leaves nothing out."""
    from runner.schedules.calendar import check_span
    from runner.schedules.slot import ScheduleProblem

    written = mapping(spec.get("dates"))
    if "dates" in spec and isinstance(spec["dates"], Mapping) and not written:
        detail = "the calendar has no date, so it leaves nothing out"
        yield Problem(
            ("spec", "dates"), "no-effect", "Field without effect", detail, severity="warning", at="key"
        )
    for name, each in written.items():
        path: Path = ("spec", "dates", name)
        ends = mapping(each)
        first, last = (ends.get("from"), ends.get("to")) if ends else (each, each)
        if not isinstance(first, str) or not isinstance(last, str):
            continue  # the schema tells it
        try:
            check_span(first, last)
        except ScheduleProblem as problem:
            yield Problem((*path, problem.field) if ends else path, "bad-date", "Bad date", str(problem))
