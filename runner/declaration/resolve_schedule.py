"""A schedule in its long form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.declaration.named_elsewhere import is_cron_text
from runner.declaration.surroundings import Surroundings, spec_of
from runner.declaration.triggers import resolved_trigger

CRON_FIELDS = ("minute", "hour", "day", "month", "wday")
EPOCH = "1970-01-01T00:00:00Z"
FIRE_AND_FORGET = {"retryEvery": "5m", "expiresIn": "30m"}
WINDOW: Mapping[str, Any] = {
    "from": None,
    "to": None,
    "weekdays": [],
    "lastStart": None,
    "onClose": "pause",
    "closeGrace": "5m",
    "retryEvery": "5m",
    "repeat": "range",
}


def resolved_schedule(schedule: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """`{cron | every and anchor | at | …, timezone, jitter, startDeadline}`; calendars with their dates, only
    where there are any.
    """
    found: dict[str, Any] = {}
    if "cron" in schedule:
        found["cron"] = cron_text(schedule["cron"])
    elif "every" in schedule:
        found["every"] = schedule["every"]
        found["anchor"] = schedule.get("anchor", EPOCH)
    elif "at" in schedule:
        found["at"] = schedule["at"]
    elif "fireAndForget" in schedule:
        found["fireAndForget"] = {**FIRE_AND_FORGET, **(schedule["fireAndForget"] or {})}
    elif "window" in schedule:
        declared = schedule["window"]
        windows = [declared] if isinstance(declared, Mapping) else declared
        found["window"] = [{**WINDOW, **each} for each in windows]
    elif "trigger" in schedule:
        found["trigger"] = resolved_trigger(schedule["trigger"])
    calendars = {name: _dates_of(name, around) for name in schedule.get("calendars") or ()}
    return {
        **found,
        "timezone": schedule.get("timezone") or around.timezone,
        "jitter": schedule.get("jitter"),
        "startDeadline": schedule.get("startDeadline"),
        **({"calendars": calendars} if calendars else {}),
    }


def resolved_dates(calendar: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The dates of a Calendar by name, each as `{from, to}`."""
    dates = spec_of(calendar).get("dates") or {}
    return {
        name: {"from": each, "to": each}
        if isinstance(each, str)
        else {"from": each["from"], "to": each["to"]}
        for name, each in sorted(dates.items())
    }


def _dates_of(name: str, around: Surroundings) -> dict[str, dict[str, str]]:
    if name not in around.calendars:
        raise LookupError(f"there is no Calendar/{name}")
    return resolved_dates(around.calendars[name])


def schedules_of(spec: Mapping[str, Any], around: Surroundings) -> dict[str, dict[str, Any]]:
    """A job's schedules by name; a single one is called `default`; named Schedules are copied in."""
    written = dict(spec.get("schedules") or {})
    if spec.get("schedule") is not None:
        written = {"default": spec["schedule"]}
    return {name: _one(each, around) for name, each in written.items()}


def own_retry(schedules: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether one of the resolved schedules has a `retryEvery` of its own."""
    return any("window" in each or "fireAndForget" in each for each in schedules.values())


def cron_text(cron: str | Mapping[str, Any]) -> str:
    """Five fields with one space between them."""
    if isinstance(cron, str):
        return " ".join(cron.split())
    return " ".join(str(cron.get(field, "*")) for field in CRON_FIELDS)


def _one(schedule: str | Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    if isinstance(schedule, Mapping):
        return resolved_schedule(schedule, around)
    if is_cron_text(schedule):
        return resolved_schedule({"cron": schedule}, around)
    if schedule not in around.schedules:
        raise LookupError(f"there is no Schedule/{schedule}")
    return resolved_schedule(spec_of(around.schedules[schedule]), around)
