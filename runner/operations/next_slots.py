"""The next starts of a job, or of an expression that no job has yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from heapq import merge

from runner.schedules.dialect import CronProblem
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule, Slot, slots_between
from runner.schedules.zones import ends_gap, zone_named
from runner.vocabulary.errors import RunnerError

_END = datetime.fromisoformat("9900-01-01T00:00:00+00:00")


def schedule_of_expression(cron: str, zone: str) -> tuple[Schedule, tuple[CronProblem, ...]]:
    """The schedule that an expression means in a zone, and its warnings; RunnerError names wrong fields."""
    from runner.schedules.cron import check_cron
    from runner.schedules.zones import check_zone

    if wrong := check_zone(zone):
        raise RunnerError(wrong)
    problems = check_cron(cron)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise RunnerError(f"{cron!r} is not a cron expression\n" + "\n".join(map(sentence, errors)))
    return schedule_from({"cron": cron, "timezone": zone}), tuple(problems)


def next_slots(schedules: Iterable[Schedule], *, after: datetime, count: int) -> tuple[Slot, ...]:
    """The first `count` slots after `after` of several schedules; a slot that two of them name comes once.

    Those of different schedules that land at the end of one gap are one start, as for the daemon (R3).
    """
    after_gaps: dict[tuple[datetime, str], int] = {}
    found: list[Slot] = []
    for slot in _in_order(tuple(schedules), after):
        zone = slot.key.partition("[")[2].removesuffix("]")  # only clock-like slots have one
        position = after_gaps.get((slot.at, zone))
        if position is not None:
            found[position] = _together(found[position], slot)
            continue
        if len(found) == count:
            break
        if zone and ends_gap(zone_named(zone), slot.at):
            after_gaps[slot.at, zone] = len(found)
        found.append(slot)
    return tuple(found)


def _together(first: Slot, further: Slot) -> Slot:
    keys = dict.fromkeys((*first.keys, *further.keys))
    return replace(first, merged=tuple(keys)[1:], marks=("gap", "merged"))


def sentence(problem: CronProblem) -> str:
    """A problem of a cron expression as one line, with its field."""
    return f"  {problem.field or 'expression'}: {problem.message}"


def _in_order(schedules: tuple[Schedule, ...], after: datetime) -> Iterator[Slot]:
    given: set[str] = set()
    position = after
    for slot in merge(
        *(slots_between(schedule, after, _END) for schedule in schedules), key=lambda slot: slot.at
    ):
        if slot.at > position:
            given.clear()
            position = slot.at
        if slot.key not in given:
            given.add(slot.key)
            yield slot
