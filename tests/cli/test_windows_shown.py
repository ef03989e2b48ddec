"""What people read of windows, fire-and-forget and calendars: jobs show, schedule next, instances show."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from installations import Installation, a_job

NIGHT: dict[str, Any] = {"from": "2030-03-04", "to": "2030-03-29", "start": "22:00", "end": "04:00"}


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        (
            {"window": {**NIGHT, "weekdays": ["mon-fri"]}, "timezone": "Europe/Zurich"},
            "window 22:00-04:00 mon-fri from 2030-03-04 to 2030-03-29 (one run) Europe/Zurich",
        ),
        (
            {"window": {"start": "06:00", "end": "08:00", "repeat": "each"}},
            "window 06:00-08:00 (a run for each opening) UTC",
        ),
        ({"fireAndForget": {}}, "once, at once; tried again every 5m for 30m"),
    ],
)
def test_a_job_is_shown_with_its_schedule_in_words(
    here: Installation, say: Callable, schedule: dict[str, Any], told: str
) -> None:
    here.install(a_job("load", schedule=schedule))
    assert f"schedule     {told}\n" in say("jobs", "show", "load").out


def test_the_next_openings_are_shown_with_their_closes(here: Installation, say: Callable) -> None:
    here.install(a_job("load", schedule={"window": NIGHT, "timezone": "Europe/Zurich"}))
    assert say("schedule", "next", "load", "-n", "1").out.splitlines()[1] == (
        "Mon 2030-03-04 22:00:00+01:00  2030-03-04 21:00:00Z  until Tue 2030-03-05 04:00"
    )
    [opening] = json.loads(say("schedule", "next", "load", "-n", "1", "-o", "json").out)
    assert (opening["at"], opening["closes_at"]) == ("2030-03-04T21:00:00.000Z", "2030-03-05T03:00:00.000Z")
    assert opening["slots"] == ["window:2030-03-03T23:00:00Z"]


def test_a_window_is_part_of_the_list_of_jobs(here: Installation, say: Callable) -> None:
    here.install(a_job("load", schedule={"window": NIGHT}))
    [job] = json.loads(say("jobs", "list", "-o", "json").out)
    assert (job["status"], job["next_at"]) == ("ASLEEP", "2030-03-04T22:00:00.000Z")
