"""The kinds of schedules: one table from the key that an author writes to the schedule it makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.at import at_schedule
from runner.schedules.calendar import Calendars, Without, calendars_in, entries_of
from runner.schedules.cron import cron_schedule
from runner.schedules.every import every_schedule
from runner.schedules.fire_and_forget import EXPIRES_IN, RETRY_EVERY, fire_and_forget
from runner.schedules.slot import Schedule, ScheduleProblem
from runner.schedules.trigger import trigger_schedule
from runner.vocabulary.names import nearest

Maker = Callable[[Mapping[str, Any], ZoneInfo, Calendars | None], Schedule]


def _window(resolved: Mapping[str, Any], zone: ZoneInfo, calendars: Calendars | None) -> Schedule:
    from runner.schedules.window_of import window_schedule  # only where a window is declared

    return window_schedule(resolved["window"], zone, calendars)


def _fire_and_forget(resolved: Mapping[str, Any], zone: ZoneInfo, _: Calendars | None) -> Schedule:
    declared = resolved["fireAndForget"]
    return fire_and_forget(
        declared.get("retryEvery", RETRY_EVERY), declared.get("expiresIn", EXPIRES_IN), zone
    )


KINDS: dict[str, Maker | None] = {
    "cron": lambda resolved, zone, _: cron_schedule(resolved["cron"], zone),
    "every": lambda resolved, zone, _: every_schedule(resolved["every"], resolved.get("anchor"), zone),
    "at": lambda resolved, zone, _: at_schedule(resolved["at"], zone),
    "window": _window,
    "fireAndForget": _fire_and_forget,
    "trigger": lambda resolved, zone, _: trigger_schedule(resolved["trigger"], zone),
}
"""Key → maker; None: `schedule_from` says that this release does not run it."""

MODIFIERS: dict[str, bool] = {"timezone": True, "jitter": True, "startDeadline": True, "calendars": True}
"""Key beside the kind → whether this release obeys it."""

EXECUTED = tuple(kind for kind, maker in KINDS.items() if maker is not None)


def schedule_from(resolved: Mapping[str, Any]) -> Schedule:
    """The schedule of a resolved declaration; equal declarations give the same object (and share its cache).

    ScheduleProblem (a ValueError with `field`) when it means nothing, or is a kind that this release does not
    run: never ignored in silence.
    """
    try:
        return _of_plain(tuple(resolved.items()))  # 10,000 jobs on 200 schedules cost as the 200
    except TypeError:  # some of it is a map or a list
        return _shared(json.dumps(resolved, sort_keys=True, default=str))


def kind_of(resolved: Mapping[str, Any]) -> str:
    """The one kind that a declaration names; ScheduleProblem when it names none, or two."""
    named = [key for key in KINDS if resolved.get(key) is not None]
    if len(named) != 1:
        found = f"found {' and '.join(named)}" if named else _nearest_kind(resolved)
        raise ScheduleProblem(
            named[1] if named else "", f"a schedule is exactly one of {', '.join(KINDS)}; {found}"
        )
    return named[0]


@lru_cache(maxsize=16384)
def _of_plain(items: tuple[tuple[str, Any], ...]) -> Schedule:
    return _shared(json.dumps(dict(items), sort_keys=True, default=str))


@lru_cache(maxsize=16384)
def _shared(content: str) -> Schedule:
    resolved = json.loads(content)
    try:
        zone = zones.zone_named(resolved.get("timezone") or "UTC")
    except ValueError as problem:
        kind_of(resolved)
        raise ScheduleProblem("timezone", str(problem)) from None
    return schedule_in(resolved, zone)


def forget_zones() -> None:
    """The tz database is another one now: schedules that are made from here on follow its rules."""
    ZoneInfo.clear_cache()
    zones.zone_named.cache_clear()
    _of_plain.cache_clear()
    _shared.cache_clear()


def schedule_in(resolved: Mapping[str, Any], zone: ZoneInfo) -> Schedule:
    """As `schedule_from`, by the rules of this zone, whatever the declaration says."""
    kind = kind_of(resolved)
    maker = KINDS[kind]
    if maker is None:
        raise ScheduleProblem(kind, not_yet(f"{kind} schedules"))
    entries = entries_of(resolved.get("calendars") or {})
    calendars = calendars_in(zone, entries) if entries else None
    schedule = maker(resolved, zone, calendars)
    # The hours of a window are cut by the calendars; of the other kinds whole slots are left out.
    return schedule if calendars is None or kind == "window" else Without(schedule, calendars)


def not_yet(what: str) -> str:
    """The sentence for something that may be declared and is not executed."""
    return f"this release does not run {what} yet; use {', '.join(EXECUTED[:-1])} or {EXECUTED[-1]}"


def _nearest_kind(resolved: Mapping[str, Any]) -> str:
    unknown = [key for key in resolved if key not in MODIFIERS and key not in KINDS and key != "anchor"]
    close = next((close for key in unknown if (close := nearest(key, KINDS))), None)
    return f"found none (did you mean {close!r}?)" if close else "found none"
