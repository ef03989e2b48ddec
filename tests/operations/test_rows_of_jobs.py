"""The rows of a job's table, each reached by what really happens; those that change a hold leave an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from installations import ANA, NOW, Installation, a_group, a_job
from lives import a_slot_run, at, claim, end, fails, start

from runner.operations.claim_instance import Claimed
from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs
from runner.operations.end_holds import end_holds
from runner.operations.expire_waiting import expire_waiting
from runner.operations.groups import disable_groups, enable_groups
from runner.operations.job_moves import status_of
from runner.operations.reset import reset_jobs
from runner.operations.trigger import trigger_job

EVERY_HOUR = {"every": "1h"}


def act(here: Installation, verb: Callable[..., Any], *names: str, **more: Any) -> None:
    arguments = {"actor": ANA, "reason": "", "now": NOW, **more}
    here.store.transact(lambda tx: verb(tx, names, **arguments))


def status(here: Installation, name: str = "load") -> str:
    with here.store.read() as reader:
        return status_of(reader, here.uid(name), NOW).status


def rows(here: Installation, name: str = "load") -> list[tuple[str, str, str]]:
    """Those of the job's own events, oldest first."""
    with here.store.read() as reader:
        events = reader.events.of("Job", name)[::-1]
    return [(event.row, event.before, event.after) for event in events if event.row]


def test_disabling_and_enabling_a_sleeping_job(sound: Installation) -> None:
    sound.install(a_job("load"))
    act(sound, disable_jobs, "load")
    act(sound, disable_jobs, "load", reason="another reason renews it")
    act(sound, enable_jobs, "load")
    assert rows(sound)[1:] == [("J7", "ASLEEP", "DISABLED"), ("J2", "DISABLED", "ASLEEP")]


def test_a_group_holds_and_releases_its_jobs(sound: Installation) -> None:
    sound.install(a_group("night"), a_job("load", groups=["night"]))
    act(sound, disable_groups, "night")
    act(sound, enable_groups, "night")
    assert [row for row, *_ in rows(sound)[1:]] == ["J7", "J2"]


def test_a_hold_that_ends_by_itself_releases_the_job(sound: Installation) -> None:
    sound.install(a_job("load"))
    act(sound, disable_jobs, "load", until=at(1))
    sound.store.transact(lambda tx: end_holds(tx, at(1)))
    assert rows(sound)[-1] == ("J2", "DISABLED", "ASLEEP")


def test_a_failed_job_that_is_disabled_shows_that_it_has_failed_when_it_is_enabled(
    sound: Installation,
) -> None:
    sound.install(a_job("load", schedule=EVERY_HOUR, failAfter=1, retry="none"))
    fails(sound, "load", at(0))
    assert status(sound) == "FAILED"
    act(sound, disable_jobs, "load")
    act(sound, enable_jobs, "load")
    act(sound, reset_jobs, "load")
    assert rows(sound)[1:] == [
        ("J5", "RUNNING", "FAILED"),
        ("J11", "FAILED", "DISABLED"),
        ("J14", "DISABLED", "FAILED"),
        ("J9", "FAILED", "ASLEEP"),
    ]


def test_a_run_that_expires_while_it_waits_for_its_retry_makes_the_job_fail(sound: Installation) -> None:
    retry = {"initial": "30m", "maxAttempts": 5}
    sound.install(a_job("load", schedule=EVERY_HOUR, failAfter=1, retry=retry))
    id = a_slot_run(sound, "load", at(0))
    start(sound, id)
    end(sound, id)
    sound.store.transact(lambda tx: tx.instances.update(id, epoch=1, expires_at=at(0.25)))
    (ended,) = sound.store.transact(lambda tx: expire_waiting(tx, at(0.25)))
    assert (ended.outcome, ended.job_failed) == ("FAILED", True)
    assert rows(sound)[-1] == ("J8", "ASLEEP", "FAILED")


def test_a_job_is_held_while_it_runs_and_drains(sound: Installation) -> None:
    sound.install(a_job("load"))
    assert status(sound) == "ASLEEP"
    id = sound.run("load")
    start(sound, id)
    assert status(sound) == "RUNNING"  # J3
    act(sound, disable_jobs, "load")
    assert rows(sound)[-1] == ("J15", "RUNNING", "RUNNING")
    with sound.store.read() as reader:
        assert status_of(reader, sound.uid("load"), NOW).detail == "draining"
    end(sound, id, "succeeded")
    assert status(sound) == "DISABLED"  # J6


def test_a_job_comes_to_rest_when_its_last_run_has_ended(sound: Installation) -> None:
    sound.install(a_job("load"))
    id = sound.run("load")
    start(sound, id)
    end(sound, id, "succeeded")
    assert status(sound) == "ASLEEP"  # J4


def test_a_failed_job_and_one_that_is_disabled_run_by_hand(sound: Installation) -> None:
    sound.install(a_job("failed"), holds=("failure",))
    sound.install(a_job("disabled"), holds=("operator",))
    for name, force in (("failed", False), ("disabled", True)):
        started = trigger_job(sound.store, name, actor=ANA, key=name, now=NOW, force=force)
        assert isinstance(claim(sound, started.id), Claimed)
        assert status(sound, name) == "RUNNING"
        end(sound, started.id, "succeeded")
    assert (status(sound, "failed"), status(sound, "disabled")) == ("ASLEEP", "DISABLED")
    assert rows(sound, "failed")[1:] == [("J10", "FAILED", "RUNNING"), ("J9", "FAILED", "ASLEEP")]
    assert rows(sound, "disabled")[1:] == [("J12", "DISABLED", "RUNNING")]
