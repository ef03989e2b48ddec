"""validUntil: when a job's time is over, and what becomes of its runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from installations import ANA, Installation, a_job
from lives import at, end, events, start

from runner.operations.expire_jobs import expire_jobs
from runner.operations.over_time import over_time
from runner.operations.trigger import trigger_job
from runner.schedules.end_date import end_date
from runner.vocabulary.errors import IllegalTransition

END = "2026-11-23T13:00:00Z"  # an hour after NOW


def expire(here: Installation, name: str, hours: float) -> list[str]:
    uid = here.uid(name)
    ended = here.store.transact(lambda tx: expire_jobs(tx, [uid], at(hours)))
    return [f"{each.instance_id} {each.outcome} {each.reason}" for each in ended]


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2027-06-30T10:00:00Z", "UTC", datetime(2027, 6, 30, 10, tzinfo=UTC)),
        ("2027-06-30T10:00:00+02:00", "UTC", datetime(2027, 6, 30, 8, tzinfo=UTC)),
        ("2027-06-30T10:00", "Europe/Berlin", datetime(2027, 6, 30, 8, tzinfo=UTC)),
        ("2027-06-30", "Europe/Berlin", datetime(2027, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_a_date_is_its_whole_day_in_the_zone_of_the_schedule(text: str, zone: str, instant: datetime) -> None:
    spec = {"validUntil": text, "schedules": {"default": {"cron": "0 2 * * *", "timezone": zone}}}
    assert end_date(spec, "America/New_York") == instant


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
def test_the_end_of_the_calendar_means_for_ever(text: str, zone: str) -> None:
    end = end_date({"validUntil": text, "schedules": {}}, zone)
    assert end is not None and end.year == 9999
    assert end.astimezone(ZoneInfo("Pacific/Kiritimati")) > datetime(9999, 12, 28, tzinfo=UTC)
    assert end_date({"validUntil": "0001-01-01T00:00:00+14:00", "schedules": {}}, zone) < end


def test_without_a_schedule_the_runners_zone_counts() -> None:
    spec: dict[str, Any] = {"validUntil": "2027-06-30T10:00", "schedules": {}}
    assert end_date(spec, "Europe/Berlin") == datetime(2027, 6, 30, 8, tzinfo=UTC)
    assert end_date({**spec, "validUntil": None}, "UTC") is None


def test_a_job_is_held_when_its_time_is_over_and_not_before(sound: Installation) -> None:
    sound.install(a_job("tick", validUntil=END))
    assert expire(sound, "tick", 0.9) == []
    assert sound.holds("tick") == []
    expire(sound, "tick", 1)
    expire(sound, "tick", 2)
    assert sound.holds("tick") == [("expired", "system:clock")]
    with pytest.raises(IllegalTransition, match="hold expired"):
        trigger_job(sound.store, "tick", actor=ANA, key="x", now=at(2))


@pytest.mark.parametrize(("policy", "state"), [("finish", "RUNNING"), ("stop", "STOPPING")])
def test_what_runs_finishes_or_is_stopped(sound: Installation, policy: str, state: str) -> None:
    sound.install(a_job("tick", validUntil=END, onExpiry=policy))
    id = sound.run("tick")
    start(sound, id)
    expire(sound, "tick", 1)
    assert sound.instance(id).state == state
    if policy == "stop":
        end(sound, id, "stopped", at(1))
        assert (sound.instance(id).state, sound.instance(id).reason) == ("FAILED", "expired")
        assert events(sound, id)[-1].row == "I37"
    else:
        end(sound, id, "succeeded", at(1))


@pytest.mark.parametrize(("policy", "state"), [("finish", "SCHEDULED"), ("stop", "FAILED")])
def test_a_retry_that_waits_finishes_or_is_ended(sound: Installation, policy: str, state: str) -> None:
    sound.install(a_job("tick", validUntil=END, onExpiry=policy, retry="backoff"))
    id = sound.run("tick")
    start(sound, id)
    end(sound, id)
    expire(sound, "tick", 1)
    assert sound.instance(id).state == state


def test_a_start_that_waits_is_skipped(sound: Installation) -> None:
    sound.install(a_job("tick", validUntil=END))
    waiting = sound.run("tick", key="w")
    assert expire(sound, "tick", 1) == [f"{waiting} SKIPPED hold expired"]


def test_what_is_paused_when_the_time_is_over_has_failed(here: Installation) -> None:
    here.install(a_job("tick", validUntil=END))
    paused = here.run("tick", "PAUSED")
    assert expire(here, "tick", 1) == [f"{paused} FAILED expired"]
    assert events(here, paused)[-1].row == "I30"


def test_the_error_of_what_is_stopped_says_which_time_was_over(here: Installation) -> None:
    here.install(a_job("tick", validUntil=END, onExpiry="stop"))
    running = here.run("tick", "RUNNING")
    expire(here, "tick", 1)
    run = here.instance(running)
    with here.store.read() as reader:
        error = over_time(reader, run, "expired", at(1))
        late = over_time(reader, run._replace(expires_at=at(1)), "expired", at(1))
        long = over_time(reader, run, "timeout", at(1))
    assert error["description"].startswith(f"it was stopped: validUntil {END} has passed (")
    assert error["description"].endswith("), and onExpiry is stop")
    assert late["description"] == "it was still running at its deadline, and was stopped"
    assert long["description"] == "it was still running at its timeout, and was stopped"
