"""What the end of a run means for its targets that have not ended: crashes, expiry, cancelling."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job

from runner.dispatch.tasks import Lost
from runner.lifecycle.task import TASK
from runner.operations.cancel import cancel_instances
from runner.operations.expire_waiting import expire_waiting
from runner.operations.finish_fan_out import finish_fan_out
from runner.operations.force import force_overdue
from runner.operations.pause_instances import pause_instances
from runner.operations.recover import recover
from runner.operations.run_target import finish_target
from runner.store.port import Transaction

TASKS = {
    "parallel": 2, "waves": [], "waveMinSuccess": "1%", "minSuccess": 1, "maxFailures": None,
    "retryEvery": "5m", "expiresIn": "30m", "timeout": None, "onPause": "finish",
}  # fmt: skip
WAYS = {
    "SUCCEEDED": ("start", "succeed"),
    "RUNNING": ("start",),
    "RESCHEDULED": ("start", "reschedule"),
    "SCHEDULED": (),
}


def a_fan_out(here: Installation, *states: str, on_crash: str = "resume", **tasks: Any) -> int:
    """A run that is under way, whose targets (`t0`, `t1` …) are in these states."""
    job = a_job("restart", schedule=None, onCrash=on_crash)
    resolved = {**job.resolved, "tasks": {**TASKS, **tasks}}
    here.install(type(job)(**{**_fields(job), "resolved": resolved}))
    id = here.run("restart", "RUNNING")

    def work(tx: Transaction) -> None:
        names = [(f"t{n}", {}) for n in range(len(states))]
        tx.tasks.freeze(id, names, TASK.move("NEW", "create"), at=NOW, who="test")
        for (name, _), state in zip(names, states, strict=True):
            before = "SCHEDULED"
            for event in WAYS[state]:
                move = TASK.move(before, event)
                tx.tasks.move(id, name, move, epoch=1, at=NOW, who="test")
                before = move.after
        tx.instances.update(id, epoch=1, targets=len(states), attempt=1)

    here.store.transact(work)
    return id


def _fields(job: Any) -> dict[str, Any]:
    return {name: getattr(job, name) for name in type(job).__dataclass_fields__}


def states(here: Installation, id: int) -> list[str]:
    with here.store.read() as reader:
        return [task.state for task in reader.tasks.page(id)]


MIXED = ("SUCCEEDED", "RUNNING", "RESCHEDULED", "SCHEDULED")


def test_a_daemon_that_died_takes_no_target_along(here: Installation) -> None:
    id = a_fan_out(here, *MIXED)
    for crash in (1, 2, 3):  # the crash budget is each target's, not the run's
        (finished,) = here.store.transact(lambda tx: recover(tx, [id], NOW))
        assert (finished.state, finished.reason) == ("SCHEDULED", "crash")
        assert states(here, id) == ["SUCCEEDED", "RESCHEDULED", "RESCHEDULED", "SCHEDULED"]
        with here.store.read() as reader:
            task = reader.tasks.get(id, "t1")
        assert task is not None
        assert (task.crashes, task.reason) == (crash, "interrupted")
        assert task.next_try_at == (NOW if crash == 1 else NOW + timedelta(minutes=5))
        here.store.transact(lambda tx: _again(tx, id))


def _again(tx: Transaction, id: int) -> None:
    from runner.lifecycle.instance import INSTANCE

    run = tx.instances.get(id)
    assert run is not None
    epoch = tx.instances.claim(id, INSTANCE.move("SCHEDULED", "claim"), epoch=run.epoch, at=NOW, who="test")
    tx.tasks.move(id, "t1", TASK.move("RESCHEDULED", "start"), epoch=epoch, at=NOW, who="test")


def test_with_on_crash_fail_only_what_ran_has_failed(here: Installation) -> None:
    id = a_fan_out(here, *MIXED, on_crash="fail")
    (finished,) = here.store.transact(lambda tx: recover(tx, [id], NOW))
    assert finished.state == "SCHEDULED"
    assert states(here, id) == ["SUCCEEDED", "FAILED", "RESCHEDULED", "SCHEDULED"]
    assert (here.instance(id).targets_ended, here.instance(id).targets_failed) == (2, 1)


@pytest.mark.parametrize(
    ("min_success", "state", "row"), [(1, "PARTIALLY_SUCCEEDED", "I8"), ("100%", "FAILED", "I7")]
)
def test_a_run_that_expires_while_it_waits_counts_what_succeeded(
    here: Installation, min_success: Any, state: str, row: str
) -> None:
    id = a_fan_out(here, "SUCCEEDED", "RESCHEDULED", "SCHEDULED", minSuccess=min_success)
    here.store.transact(lambda tx: recover(tx, [id], NOW))
    here.store.transact(lambda tx: tx.instances.update(id, epoch=1, expires_at=NOW + timedelta(hours=1)))
    here.store.transact(lambda tx: expire_waiting(tx, NOW + timedelta(hours=2)))
    run = here.instance(id)
    assert (run.state, run.targets_ended, run.targets_failed) == (state, 3, 2)
    assert states(here, id) == ["SUCCEEDED", "FAILED", "FAILED"]
    with here.store.read() as reader:
        assert row in [event.row for event in reader.events.of("instance", str(id), alone=True)]


def rows(here: Installation, id: int) -> list[str]:
    with here.store.read() as reader:
        return [event.row for event in reader.events.of("instance", str(id), alone=True)][::-1]


def all_end(here: Installation, id: int) -> None:
    """The last target that runs fails, and the daemon records the end of the run."""
    failed = {"failures": 1, "crashes": 0, "now": NOW}
    error = {"code": "exit-code", "description": "3"}
    run = here.instance(id)
    here.store.transact(lambda tx: finish_target(tx, run, "t1", Lost("fatal"), error, **failed))  # type: ignore[arg-type]
    here.store.transact(lambda tx: finish_fan_out(tx, id, run.epoch, None, None, NOW))


def test_targets_that_end_before_they_saw_the_pause_end_their_run(here: Installation) -> None:
    id = a_fan_out(here, "SUCCEEDED", "RUNNING")
    here.store.transact(lambda tx: pause_instances(tx, [id], actor=ANA, reason="", now=NOW))
    all_end(here, id)
    assert (here.instance(id).state, rows(here, id)[-2:]) == ("PARTIALLY_SUCCEEDED", ["I18", "I24"])


def test_targets_of_a_run_that_is_unknown_still_say_what_became_of_it(here: Installation) -> None:
    id = a_fan_out(here, "SUCCEEDED", "RUNNING")
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    here.store.transact(lambda tx: force_overdue(tx, NOW + timedelta(minutes=1)))
    assert here.instance(id).state == "UNKNOWN"
    all_end(here, id)
    assert (here.instance(id).state, rows(here, id)[-2:]) == ("PARTIALLY_SUCCEEDED", ["I40", "I45"])


@pytest.mark.parametrize(
    ("min_success", "state", "row"), [(1, "PARTIALLY_SUCCEEDED", "I31"), ("100%", "FAILED", "I30")]
)
def test_a_run_that_expires_while_it_is_paused_counts_what_succeeded(
    here: Installation, min_success: Any, state: str, row: str
) -> None:
    id = a_fan_out(here, "SUCCEEDED", "RESCHEDULED", minSuccess=min_success)
    here.store.transact(lambda tx: pause_instances(tx, [id], actor=ANA, reason="", now=NOW))
    here.store.transact(lambda tx: finish_fan_out(tx, id, 1, None, None, NOW))
    assert here.instance(id).state == "PAUSED"
    here.store.transact(lambda tx: tx.instances.update(id, epoch=1, expires_at=NOW + timedelta(hours=1)))
    here.store.transact(lambda tx: expire_waiting(tx, NOW + timedelta(hours=2)))
    assert (here.instance(id).state, rows(here, id)[-1]) == (state, row)
    assert states(here, id) == ["SUCCEEDED", "FAILED"]


def test_cancelling_what_waits_cancels_what_is_open(here: Installation) -> None:
    id = a_fan_out(here, *MIXED)
    here.store.transact(lambda tx: recover(tx, [id], NOW))
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    assert states(here, id) == ["SUCCEEDED", "CANCELLED", "CANCELLED", "CANCELLED"]
    assert here.instance(id).targets_ended == 4


def test_what_was_asked_of_targets_is_past_when_their_run_has_ended(here: Installation) -> None:
    id = a_fan_out(here, *MIXED, on_crash="fail")
    here.store.transact(lambda tx: tx.target_requests.add(id, "t1", "cancel", who="ana", why="", at=NOW))
    here.store.transact(lambda tx: recover(tx, [id], NOW))
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    with here.store.read() as reader:
        run = reader.instances.get(id)
        assert run is not None and run.completed_at is not None
        assert reader.target_requests.of(id) == []
