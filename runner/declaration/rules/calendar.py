"""Rules for calendars: dates that exist, and ends that are not before their beginnings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path, Problem
from runner.declaration.written import mapping

_DATE = re.compile(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}")
_WORD = re.compile(r"[a-z0-9]+")


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
            where = (*path, problem.field) if ends else path
            hint = f'the name comes first: {{{_named(first)}: "{name}"}}' if _is_date(name) else ""
            yield Problem(where, "bad-date", "Bad date", str(problem), hint)


def _is_date(text: Any) -> bool:
    return isinstance(text, str) and _DATE.fullmatch(text) is not None


def _named(text: str) -> str:
    """A word that may stand as a name, made of what stands as a date."""
    return "-".join(_WORD.findall(text.lower()))[:40] or "name"
