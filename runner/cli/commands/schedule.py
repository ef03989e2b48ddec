"""`runner schedule`: when does a job start, or when would it? And when do all of them?"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from runner.cli.acting import opened
from runner.cli.commands import calendar
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.schedules.slot import Schedule, Slot


@click.group()
def command() -> None:
    """Show the starts to come: of one job, or of all of them.

    \b
    Example:
      runner schedule next nightly-report
      runner schedule calendar --days 3
    """


command.add_command(calendar.command)


@command.command("next")
@click.argument("name", required=False, shell_complete=names_of("Job"))
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
@click.option("--from", "start", metavar="T", help="Slots after this instant (or local time); default now.")
@click.option("--zone", metavar="Z", help="With -e: the time zone (default UTC).")
@click.option("-e", "expression", metavar="CRON", help="Ask about a cron expression instead of a job.")
@output_option("text", "json")
@common_options
def next_(
    *,
    name: str | None,
    count: int,
    start: str | None,
    zone: str | None,
    expression: str | None,
    output: str,
    where: Where,
) -> None:
    """Show the next starts of the job NAME, or of a cron expression.

    Jitter is not added; what a gap or a repeated hour of the zone does to a slot is marked.

    \b
    Example:
      runner schedule next nightly-report -n 5
      runner schedule next --zone Europe/Zurich -e "30 2 * * *" --from 2026-03-28T00:00
    """
    if (name is None) == (expression is None):
        raise click.UsageError("name a job, or give an expression with -e (and its --zone)")
    if zone is not None and expression is None:
        raise click.UsageError("--zone goes with -e; a job has its own zone")
    ends_at, skipped = None, frozenset[str]()
    if name:
        schedules, ends_at, skipped = _of_job(name, where)
    else:
        schedules = _of_expression(str(expression), zone or "UTC")
    from runner.cli.views.values import show_json
    from runner.operations.next_slots import next_slots
    from runner.operations.skip_jobs import as_skipped

    after = _instant(start, schedules) if start is not None else datetime.now(UTC)
    slots = next_slots(schedules, after=after, count=count)
    slots = tuple(slot for slot in slots if ends_at is None or slot.at < ends_at)
    slots = tuple(as_skipped(slot) if slot.key in skipped else slot for slot in slots)
    if output == "json":
        show_json([_as_json(slot) for slot in slots])
    else:
        _show(slots)


def _of_job(name: str, where: Where) -> tuple[tuple[Schedule, ...], datetime | None, frozenset[str]]:
    """Its schedules, when its `validUntil` is over, and the slots to come that an operator skipped."""
    from runner.cli.views.values import short
    from runner.operations.installed_jobs import schedules_of
    from runner.operations.selection import installed
    from runner.operations.settings import zone_of_jobs_without_a_schedule
    from runner.operations.skip_jobs import skipped_ahead
    from runner.schedules.end_date import end_date

    with opened(where, read_only=True) as store, store.read() as reader:
        job = installed(reader, "Job", name)
        holds = sorted({hold.kind for hold in reader.holds.of(job.uid)})
        skipped = skipped_ahead(reader, datetime.now(UTC)).get(job.uid, frozenset())
        zone = zone_of_jobs_without_a_schedule(reader)
    schedules = tuple(schedules_of(job).values())
    if not schedules:
        print(f"Job {name!r} has no schedule; it starts by hand.", file=sys.stderr)
    elif holds:
        print(f"Job {name!r} is held ({', '.join(holds)}): it would start then.", file=sys.stderr)
    ends_at = end_date(job.resolved, zone) if schedules else None
    if ends_at is not None:
        print(f"Job {name!r} ends at {short(ends_at)} (validUntil).", file=sys.stderr)
    return schedules, ends_at, skipped


def _of_expression(expression: str, zone: str) -> tuple[Schedule, ...]:
    from runner.operations.next_slots import schedule_of_expression, sentence

    schedule, warnings = schedule_of_expression(expression, zone)
    for warning in warnings:
        print(f"warning:{sentence(warning)}", file=sys.stderr)
    return (schedule,)


def _instant(text: str, schedules: tuple[Schedule, ...]) -> datetime:
    from runner.schedules.at import read_instant
    from runner.schedules.slot import ScheduleProblem
    from runner.schedules.zones import zone_named

    zone = schedules[0].zone if schedules else zone_named("UTC")
    if len(text) == len("2026-12-01"):
        text += "T00:00"
    try:
        return read_instant(text, zone, field="--from").at
    except ScheduleProblem as problem:
        raise click.BadParameter(str(problem), param_hint="--from") from None


def _as_json(slot: Slot) -> dict[str, Any]:
    from runner.vocabulary.instants import to_text

    return {
        "at": to_text(slot.at),
        "local": slot.local,
        "slots": list(slot.keys),
        "marks": list(slot.marks),
        **({"closes_at": to_text(slot.closes_at)} if slot.closes_at else {}),
    }


def _show(slots: tuple[Slot, ...]) -> None:
    from runner.cli.views.values import local_time, short

    if not slots:
        print("No start follows.", file=sys.stderr)
        return
    locals_ = [f"{datetime.fromisoformat(slot.local):%a} {local_time(slot.local)}" for slot in slots]
    width = max(map(len, locals_))
    print(f"{'local':<{width}}  {'at (UTC)':<20}  marks")
    for slot, local in zip(slots, locals_, strict=True):
        print(f"{local:<{width}}  {short(slot.at):<20}  {_marks(slot)}".rstrip())


def _marks(slot: Slot) -> str:
    """`gap, merged: 02:00 02:30` — the local times that this start stands for, where they are not obvious.

    For a window, how long it is open: `until Tue 2026-12-01 04:00`.
    """
    if slot.closes_at is not None:
        return (
            f"until {slot.closes_at.astimezone(datetime.fromisoformat(slot.local).tzinfo):%a %Y-%m-%d %H:%M}"
        )
    marks = ", ".join(slot.marks)
    if "gap" not in slot.marks and "merged" not in slot.marks:
        return marks
    return f"{marks}: {' '.join(key.partition('[')[0].partition('T')[2] for key in slot.keys)}"
