"""A new daemon brings what the last one left to a true state."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, end, events, report, start, steps, task

from runner.execution.order import ErrorInfo
from runner.operations.cancel import cancel_instances
from runner.operations.claim_instance import Claimed
from runner.operations.outcome import Finished
from runner.operations.put_back import put_back
from runner.operations.recover import CANNOT_END, left_behind, recover
from runner.operations.trigger import trigger_job

TWO_STEPS = [{"name": "first", "shell": "true"}, {"name": "second", "shell": "true"}]


def a_started_run(here: Installation, name: str = "tick", **spec: Any) -> int:
    here.install(a_job(name, **spec))
    id = trigger_job(here.store, name, actor=ANA, key=name, now=NOW).id
    start(here, id)
    return id


def comes_back(here: Installation, now: Any = NOW) -> tuple[Finished, ...]:
    """What a new daemon does first."""
    with here.store.read() as reader:
        left = left_behind(reader)
    return here.store.transact(lambda tx: recover(tx, left, now))


def test_a_daemon_that_left_nothing_is_followed_by_one_that_recovers_nothing(sound: Installation) -> None:
    end(sound, a_started_run(sound), "succeeded")
    assert comes_back(sound) == ()


@pytest.mark.parametrize(
    ("on_crash", "state", "row"), [("resume", "SCHEDULED", "I16"), ("fail", "FAILED", "I17")]
)
def test_what_was_running_is_resumed_or_failed_as_declared(
    sound: Installation, on_crash: str, state: str, row: str
) -> None:
    id = a_started_run(sound, onCrash=on_crash)
    [finished] = comes_back(sound, at(1))
    assert (finished.instance_id, finished.state, finished.reason) == (id, state, "crash")
    last = events(sound, id)[-1]
    assert (last.row, last.who) == (row, "system:recovery")
    assert last.why == "the daemon ended without a word, and its processes with it"


def test_it_goes_on_after_the_last_completed_step_with_the_same_id(sound: Installation) -> None:
    sound.install(a_job("tick", steps=TWO_STEPS, onCrash="resume"))
    id = trigger_job(sound.store, "tick", actor=ANA, key="1", now=NOW).id
    claim(sound, id)
    report(sound, id, "start", step="first")
    report(sound, id, "complete", step="first", outputs={"rows": 3})
    report(sound, id, "start", step="second")
    comes_back(sound, at(1))
    assert steps(sound, id) == [("first", "COMPLETED"), ("second", "PENDING")]
    claimed = claim(sound, id, at(1))
    assert isinstance(claimed, Claimed)
    assert (claimed.instance.epoch, claimed.instance.attempt, claimed.instance.crashes) == (2, 1, 1)


def test_a_second_crash_uses_up_the_budget(sound: Installation) -> None:
    id = a_started_run(sound, onCrash="resume")
    comes_back(sound)
    start(sound, id)
    [finished] = comes_back(sound)
    assert (finished.state, finished.reason) == ("FAILED", "crash")


def test_what_was_being_cancelled_is_cancelled(sound: Installation) -> None:
    id = a_started_run(sound, onCrash="resume")
    sound.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    [finished] = comes_back(sound)
    assert (finished.state, finished.reason) == ("CANCELLED", "cancel")


def test_what_was_evicted_goes_on_with_the_same_id(sound: Installation) -> None:
    id = a_started_run(sound, onCrash="resume")
    end(sound, id, "stopped", error=ErrorInfo("stopped", "shutdown", "run"))
    [finished] = comes_back(sound, at(1))
    assert (finished.instance_id, finished.state, finished.reason) == (id, "SCHEDULED", "resumed")
    run = sound.instance(id)
    assert (run.due_at, run.crashes, task(sound, id)) == (at(1), 0, "RESCHEDULED")
    start(sound, id, at(1))
    assert end(sound, id, "succeeded", at(1)) is not None
    assert sound.instance(id).attempt == 1, "an eviction counts for nothing"


def test_what_was_claimed_and_never_started_is_put_back_whatever_on_crash_says(sound: Installation) -> None:
    sound.install(a_job("tick", onCrash="fail"))
    id = trigger_job(sound.store, "tick", actor=ANA, key="1", now=NOW).id
    claim(sound, id)
    finished = sound.store.transact(lambda tx: put_back(tx, id, 1, NOW))
    assert finished is not None and (finished.state, finished.reason) == ("PAUSED", "eviction")
    [resumed] = comes_back(sound, at(1))
    assert resumed.state == "SCHEDULED"
    start(sound, id, at(1))


def test_putting_back_ends_what_was_cancelled_meanwhile_and_leaves_later_epochs_alone(
    sound: Installation,
) -> None:
    sound.install(a_job("tick"))
    id = trigger_job(sound.store, "tick", actor=ANA, key="1", now=NOW).id
    claim(sound, id)
    assert sound.store.transact(lambda tx: put_back(tx, id, 7, NOW)) is None
    sound.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    finished = sound.store.transact(lambda tx: put_back(tx, id, 1, NOW))
    assert finished is not None and finished.state == "CANCELLED"


def test_an_instance_whose_definition_is_gone_only_ends(here: Installation) -> None:
    id = a_started_run(here, onCrash="resume")
    import sqlite3

    connection = sqlite3.connect(here.path)
    connection.execute("UPDATE job_instances SET digest = 'sha256:gone'")
    connection.commit()
    connection.close()
    [finished] = comes_back(here)
    assert finished.state == "FAILED"
    assert here.instance(id).state == "FAILED"


def test_a_run_whose_process_cannot_end_is_unknown_and_goes_on_when_that_is_gone(sound: Installation) -> None:
    id = a_started_run(sound, onCrash="resume")
    [finished] = sound.store.transact(lambda tx: recover(tx, (id,), at(1), is_there=lambda instance: True))
    assert (finished.state, finished.reason) == ("UNKNOWN", CANNOT_END)
    assert (events(sound, id)[-1].row, events(sound, id)[-1].why) == ("I20", CANNOT_END)
    again = sound.store.transact(lambda tx: recover(tx, (id,), at(2), is_there=lambda instance: True))
    assert again == ()
    [finished] = sound.store.transact(lambda tx: recover(tx, (id,), at(3)))
    assert (finished.state, finished.reason, events(sound, id)[-1].row) == ("SCHEDULED", "crash", "I42")
