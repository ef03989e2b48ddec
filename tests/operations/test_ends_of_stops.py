"""A run that is being stopped becomes what the stop was meant to make of it, and no stop loses a result."""

from __future__ import annotations

import pytest
from installations import Installation, a_job
from lives import a_slot_run, at, claim, contradictions, end, events, start, steps, task

from runner.operations.claim_instance import Claimed
from runner.operations.end_runs import stop_running


def a_stopping_run(here: Installation, intent: str) -> int:
    here.install(a_job("tick", schedule={"every": "1h"}))
    id = a_slot_run(here, "tick", at(1))
    start(here, id, at(1))
    run = here.instance(id)
    here.store.transact(lambda tx: stop_running(tx, run, intent, who="test", why="a test", now=at(1)))
    return id


@pytest.mark.parametrize(
    ("intent", "row", "state", "reason", "task_state", "step_state"),
    [
        ("operator", "I33", "CANCELLED", "operator", "CANCELLED", "FAILED"),
        ("disable", "I33", "CANCELLED", "disable", "CANCELLED", "FAILED"),
        ("replace", "I34", "REPLACED", "replace", "CANCELLED", "PENDING"),
        ("bounce", "I35", "SCHEDULED", "bounced", "RESCHEDULED", "PENDING"),
        ("pause", "I36", "PAUSED", "operator", "RESCHEDULED", "PENDING"),
        ("timeout", "I37", "FAILED", "timeout", "FAILED", "FAILED"),
        ("expired", "I37", "FAILED", "expired", "FAILED", "FAILED"),
    ],
)
@pytest.mark.parametrize("outcome", ["stopped", "crashed"])
def test_a_stop_ends_as_it_was_meant(
    sound: Installation,
    outcome: str,
    intent: str,
    row: str,
    state: str,
    reason: str,
    task_state: str,
    step_state: str,
) -> None:
    id = a_stopping_run(sound, intent)
    finished = end(sound, id, outcome, at(1))
    assert finished is not None
    assert (finished.state, finished.reason) == (state, reason)
    assert (sound.instance(id).state, task(sound, id)) == (state, task_state)
    assert [each for _, each in steps(sound, id)] == [step_state]
    assert events(sound, id)[-1].row == row
    assert contradictions(sound) == []


@pytest.mark.parametrize("intent", ["operator", "replace", "bounce", "pause", "timeout"])
def test_work_that_ends_while_it_is_stopped_is_recorded_as_done(sound: Installation, intent: str) -> None:
    id = a_stopping_run(sound, intent)
    end(sound, id, "succeeded", at(1))
    assert (sound.instance(id).state, events(sound, id)[-1].row) == ("SUCCEEDED", "I39")


def test_a_bounced_run_starts_again_with_the_same_id(sound: Installation) -> None:
    id = a_stopping_run(sound, "bounce")
    finished = end(sound, id, "stopped", at(1))
    assert finished is not None
    assert finished.due_at == at(1)
    again = claim(sound, id, at(1))
    assert isinstance(again, Claimed)
    assert (again.instance.epoch, again.instance.attempt) == (2, 1)
