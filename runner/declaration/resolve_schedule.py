"""A schedule in its long form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.declaration.facts import is_cron_text
from runner.declaration.resolve import Surroundings, spec_of

CRON_FIELDS = ("minute", "hour", "day", "month", "wday")
EPOCH = "1970-01-01T00:00:00Z"


def resolved_schedule(schedule: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """`{cron | every and anchor | at, timezone, jitter, startDeadline}`; `timezone` when it names none."""
    found: dict[str, Any] = {}
    if "cron" in schedule:
        found["cron"] = cron_text(schedule["cron"])
    elif "every" in schedule:
        found["every"] = schedule["every"]
        found["anchor"] = schedule.get("anchor", EPOCH)
    elif "at" in schedule:
        found["at"] = schedule["at"]
    return {
        **found,
        "timezone": schedule.get("timezone") or timezone,
        "jitter": schedule.get("jitter"),
        "startDeadline": schedule.get("startDeadline"),
    }


def schedules_of(spec: Mapping[str, Any], around: Surroundings) -> dict[str, dict[str, Any]]:
    """A job's schedules by name; a single one is called `default`; named Schedules are copied in."""
    written = dict(spec.get("schedules") or {})
    if spec.get("schedule") is not None:
        written = {"default": spec["schedule"]}
    return {name: _one(each, around) for name, each in written.items()}


def cron_text(cron: str | Mapping[str, Any]) -> str:
    """Five fields with one space between them."""
    if isinstance(cron, str):
        return " ".join(cron.split())
    return " ".join(str(cron.get(field, "*")) for field in CRON_FIELDS)


def _one(schedule: str | Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    if isinstance(schedule, Mapping):
        return resolved_schedule(schedule, around.timezone)
    if is_cron_text(schedule):
        return resolved_schedule({"cron": schedule}, around.timezone)
    if schedule not in around.schedules:
        raise LookupError(f"there is no Schedule/{schedule}")
    return resolved_schedule(spec_of(around.schedules[schedule]), around.timezone)
