"""The starts to come as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, local_time, short, show_json, show_line, warn
from runner.vocabulary.duration import format_duration

if TYPE_CHECKING:
    from runner.dispatch.crowding import Crowd
    from runner.operations.starts_ahead import Ahead, HeldJob, OftenAhead, StartAhead
    from runner.schedules.zones import Transition

SHOWN_JOBS = 5
"""Jobs named in one pile-up."""

SHOWN = 30
"""Lines of each sort below the starts; the rest is counted."""


def show_json_of(ahead: Ahead) -> None:
    """One object."""
    show_json(
        {
            "from": instant(ahead.span[0]),
            "to": instant(ahead.span[1]),
            "zone": ahead.zone.key,
            "parallel": ahead.parallel,
            "pile_ups_until": instant(ahead.looked_until),
            "starts": [_start(start) for start in ahead.starts],
            "often": [
                {
                    "job": each.job,
                    "schedule": each.schedule,
                    "zone": each.zone,
                    "first": instant(each.first.at),
                    "last": instant(each.last.at),
                    "count": each.count,
                    "whole": each.whole,
                }
                for each in ahead.often
            ],
            "held": [
                {
                    "job": each.job,
                    "hold": each.hold.kind,
                    "owner": each.hold.owner,
                    "until": instant(each.until),
                }
                for each in ahead.held
            ],
            "changes": [
                {
                    "zone": zone,
                    "at": instant(change.at),
                    "kind": change.kind,
                    "offset_before_s": change.before.total_seconds(),
                    "offset_after_s": change.after.total_seconds(),
                }
                for zone, change in ahead.changes
            ],
            "pile_ups": [
                {
                    "at": instant(crowd.at),
                    "until": instant(crowd.until),
                    "starts": crowd.starts,
                    "waiting": crowd.waiting,
                    "longest_wait_s": crowd.longest_wait.total_seconds(),
                    "jobs": list(crowd.jobs),
                }
                for crowd in ahead.crowds
            ],
        }
    )


def _start(start: StartAhead) -> dict[str, Any]:
    return {
        "at": instant(start.slot.at),
        "due_at": instant(start.due_at),
        "local": start.slot.local,
        "zone": start.zone,
        "job": start.job,
        "schedule": start.schedule,
        "slots": list(start.slot.keys),
        "marks": list(start.slot.marks),
        "closes_at": instant(start.slot.closes_at),
        "expected_s": start.lasts.total_seconds(),
    }


def show_text(ahead: Ahead) -> None:
    """By the days of the Runner's zone; what concerns all of them after that."""
    day = ""
    width = max((len(start.job) for start in ahead.starts), default=0)
    for start in ahead.starts:
        own = start.slot.at.astimezone(ahead.zone)
        if f"{own:%a %Y-%m-%d}" != day:
            day = f"{own:%a %Y-%m-%d}"
            show_line(f"{day}  ({ahead.zone.key})")
        show_line(f"  {_line(start, width, ahead)}".rstrip())
    _show_some([_often(each, ahead) for each in ahead.often], "jobs that start often")
    _show_some([_change(zone, change) for zone, change in ahead.changes], "changes of clocks")
    _show_some([_crowd(crowd, ahead) for crowd in ahead.crowds], "pile-ups")
    if ahead.looked_until < ahead.until:
        warn(
            f"There are so many starts that pile-ups were looked for until {short(ahead.looked_until)} only."
        )
    _show_some([_held(held) for held in ahead.held], "jobs that are held")
    if not ahead.starts and not ahead.often:
        warn("No start is to be expected in that time.")


def _show_some(lines: Sequence[str], what: str) -> None:
    for line in lines[:SHOWN]:
        show_line(line)
    if len(lines) > SHOWN:
        show_line(f"and {len(lines) - SHOWN} more {what} (-o json has all)")


def _line(start: StartAhead, width: int, ahead: Ahead) -> str:
    local = local_time(start.slot.local)[11:]
    zone = "" if start.zone == ahead.zone.key else f"  {start.zone}"
    jitter = start.due_at - start.slot.at
    late = f"  +{format_duration(timedelta(seconds=round(jitter.total_seconds())))} jitter" if jitter else ""
    words = [*start.slot.marks]
    if start.slot.closes_at is not None:
        words.append(f"until {start.slot.closes_at.astimezone(start.slot_zone):%a %Y-%m-%d %H:%M}")
    marks = f"  {', '.join(words)}" if words else ""
    return f"{local}  {short(start.slot.at)[11:]}  {start.job:<{width}}{zone}{late}{marks}"


def _often(each: OftenAhead, ahead: Ahead) -> str:
    lasts = ahead.until - ahead.after if each.whole else each.last.at - each.first.at
    days = max(lasts / timedelta(days=1), 0.001)
    count = f"{each.count} starts" if each.whole else f"more than {each.count} starts"
    return f"often: {each.job}  {count}, about {round(each.count / days)} a day"


def _change(zone: str, change: Transition) -> str:
    before, after = ((change.at + offset).replace(tzinfo=None) for offset in (change.before, change.after))
    word = "put forward" if change.kind == "gap" else "put back"
    return f"clocks: {zone} {word} {before:%a %Y-%m-%d %H:%M} -> {after:%H:%M}  ({short(change.at)})"


def _crowd(crowd: Crowd, ahead: Ahead) -> str:
    at, until = (moment.astimezone(ahead.zone) for moment in (crowd.at, crowd.until))
    format_ = "%H:%M:%S" if at.date() == until.date() else "%a %Y-%m-%d %H:%M:%S"
    wait = format_duration(timedelta(seconds=round(crowd.longest_wait.total_seconds())))
    jobs = ", ".join(crowd.jobs[:SHOWN_JOBS]) + (", …" if len(crowd.jobs) > SHOWN_JOBS else "")
    return (
        f"pile-up: {at:%a %Y-%m-%d %H:%M:%S} to {until:{format_}}  {crowd.waiting} wait for one of "
        f"{ahead.parallel} places, up to {wait}: {jobs}"
    )


def _held(held: HeldJob) -> str:
    until = f" until {short(held.until)}" if held.until else ""
    return f"held: {held.job}  {held.hold.kind} by {held.hold.owner}{until}"
