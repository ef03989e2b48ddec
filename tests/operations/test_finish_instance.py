"""How an attempt ends, and what follows: done, again later, failed, or the job held."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import (
    BROKEN,
    a_slot_run,
    at,
    claim,
    decide,
    end,
    events,
    fails,
    report,
    set_watermark,
    start,
    steps,
    task,
    watermark,
)

from runner.execution.order import ErrorInfo, Raised
from runner.operations.cancel import cancel_instances
from runner.operations.claim_instance import Claimed
from runner.operations.outcome import Finished
from runner.operations.record_run import record_raised
from runner.operations.reset import reset_jobs
from runner.operations.trigger import trigger_job

HOURLY: dict[str, Any] = {"every": "1h"}
TWO_STEPS = [{"name": "first", "shell": "true"}, {"name": "second", "shell": "true"}]


def a_run(here: Installation, **spec: Any) -> int:
    """A started run of a new job."""
    here.install(a_job("tick", **{"schedule": HOURLY, **spec}))
    id = a_slot_run(here, "tick", at(1))
    start(here, id, at(1))
    return id


def cancel(here: Installation, id: int, now: Any = NOW) -> None:
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=now))


# -- success


def test_success_keeps_the_outputs_and_ends_task_and_steps(sound: Installation) -> None:
    id = a_run(sound)
    report(sound, id, "complete", at(1), outputs={"rows": 3})
    finished = end(sound, id, "succeeded", at(1), outputs={"total": 3})
    assert finished == Finished(id, "tick", "SUCCEEDED", "")
    run = sound.instance(id)
    assert (run.state, run.outputs, run.completed_at) == ("SUCCEEDED", {"total": 3}, at(1))
    assert (task(sound, id), steps(sound, id)) == ("SUCCEEDED", [("run", "COMPLETED")])


def test_an_error_that_was_raised_without_stopping_fails_the_run(sound: Installation) -> None:
    id = a_run(sound)
    raised = Raised(id, 1, "error", "E7", "two devices did not answer", {})
    sound.store.transact(lambda tx: record_raised(tx, raised, at(1)))
    finished = end(sound, id, "succeeded", at(1))
    assert finished is not None and (finished.state, finished.reason) == ("FAILED", "error")
    assert sound.instance(id).error == {"code": "E7", "description": "two devices did not answer"}


def test_the_result_wins_over_an_intent_and_the_event_says_both(sound: Installation) -> None:
    id = a_run(sound)
    cancel(sound, id)
    assert sound.instance(id).state == "STOPPING"
    finished = end(sound, id, "succeeded", at(1))
    assert finished is not None and finished.state == "SUCCEEDED"
    last = events(sound, id)[-1]
    assert (last.row, last.why) == ("I39", "finished although it was being stopped (cancel)")


# -- failure and retries


def test_a_failure_is_tried_again_with_its_due_time_and_the_same_id(sound: Installation) -> None:
    id = a_run(sound, retry={"initial": "10m", "factor": 2, "maxAttempts": 3})
    report(sound, id, "fail", at(1), error=BROKEN)
    finished = end(sound, id, now=at(1))
    assert finished is not None
    assert (finished.state, finished.reason, finished.due_at) == ("SCHEDULED", "retry", at(1, minutes=10))
    run = sound.instance(id)
    assert (run.due_at, run.failures, run.first_error_at) == (at(1, minutes=10), 1, at(1))
    assert (task(sound, id), steps(sound, id)) == ("RESCHEDULED", [("run", "PENDING")])
    start(sound, id, at(1, minutes=10))
    assert (sound.instance(id).attempt, sound.instance(id).epoch) == (2, 2)
    again = end(sound, id, now=at(1, minutes=11))
    assert again is not None and again.due_at == at(1, minutes=31), "the delay doubles"
    start(sound, id, at(2))
    last = end(sound, id, now=at(2))
    assert last is not None and (last.state, last.reason) == ("FAILED", "exit-code")


def test_an_error_that_time_does_not_mend_is_final_at_once(sound: Installation) -> None:
    id = a_run(sound, retry="backoff")
    fatal = ErrorInfo("sql", "syntax error at or near 'SELCT'", "run", sqlstate="42601", retryable=False)
    finished = end(sound, id, now=at(1), error=fatal)
    assert finished is not None and (finished.state, finished.reason) == ("FAILED", "sql")
    assert sound.instance(id).error == {
        "code": "sql",
        "description": "syntax error at or near 'SELCT'",
        "step": "run",
        "sqlstate": "42601",
    }


def test_no_retry_comes_after_the_deadline(sound: Installation) -> None:
    id = a_run(sound, retry={"initial": "10m", "maxAttempts": 9}, deadline="15m")
    assert end(sound, id, now=at(1, minutes=4)).state == "SCHEDULED"  # type: ignore[union-attr]
    start(sound, id, at(1, minutes=14))
    assert end(sound, id, now=at(1, minutes=14)).state == "FAILED"  # type: ignore[union-attr]


def test_completed_steps_are_not_run_again(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, steps=TWO_STEPS))
    id = a_slot_run(sound, "tick", at(1))
    claim(sound, id, at(1))
    for step in ("first", "second"):
        report(sound, id, "start", at(1), step=step)
        report(sound, id, *(("complete",) if step == "first" else ("fail",)), at(1), step=step)
    end(sound, id, now=at(1))
    assert steps(sound, id) == [("first", "COMPLETED"), ("second", "PENDING")]


def test_a_timeout_fails_without_a_retry(sound: Installation) -> None:
    id = a_run(sound, retry="backoff", timeout="1m")
    timeout = ErrorInfo("timeout", "it ran longer than its timeout", "run", retryable=True)
    finished = end(sound, id, "timeout", at(1), error=timeout)
    assert finished is not None and (finished.state, finished.reason) == ("FAILED", "timeout")
    assert [event.row for event in events(sound, id)][-2:] == ["I19", "I37"]


def test_a_run_that_is_ended_at_its_deadline_says_so(sound: Installation) -> None:
    id = a_run(sound, deadline="15m")
    timeout = ErrorInfo("timeout", "it ran longer than its timeout", "run", retryable=True)
    finished = end(sound, id, "timeout", at(1, minutes=15), error=timeout)
    assert finished is not None and (finished.state, finished.reason) == ("FAILED", "expired")
    assert dict(sound.instance(id).error or {})["code"] == "expired"


# -- an older epoch


def test_a_late_epoch_changes_nothing(sound: Installation) -> None:
    id = a_run(sound)
    end(sound, id, now=at(1))
    start(sound, id, at(1))
    before = sound.instance(id)
    assert end(sound, id, "succeeded", at(1), epoch=1) is None
    assert sound.instance(id) == before


def test_an_end_of_what_has_ended_changes_nothing(sound: Installation) -> None:
    id = a_run(sound)
    end(sound, id, "succeeded", at(1))
    before = sound.instance(id)
    assert end(sound, id, "failed", at(1)) is None
    assert sound.instance(id) == before


# -- crashes and stops


@pytest.mark.parametrize(("on_crash", "state"), [("resume", "SCHEDULED"), ("fail", "FAILED")])
def test_a_crash_is_resumed_or_failed_as_declared(sound: Installation, on_crash: str, state: str) -> None:
    id = a_run(sound, onCrash=on_crash)
    crashed = ErrorInfo("signal", "it was killed by SIGKILL", "run")
    finished = end(sound, id, "crashed", at(1), error=crashed)
    assert finished is not None and (finished.state, finished.reason) == (state, "crash")


def test_a_crash_has_a_budget_of_one_and_costs_no_retry(sound: Installation) -> None:
    id = a_run(sound, onCrash="resume", retry="once")
    crashed = ErrorInfo("signal", "it was killed by SIGKILL", "run")
    end(sound, id, "crashed", at(1), error=crashed)
    start(sound, id, at(1))
    run = sound.instance(id)
    assert (run.attempt, run.epoch, run.crashes, run.failures) == (1, 2, 1, 0)
    finished = end(sound, id, "crashed", at(1), error=crashed)
    assert finished is not None and finished.state == "FAILED"


def test_a_run_that_is_cancelled_ends_so_however_its_process_died(sound: Installation) -> None:
    for name, outcome in (("a", "stopped"), ("b", "crashed"), ("c", "failed"), ("d", "timeout")):
        sound.install(a_job(name))
        id = trigger_job(sound.store, name, actor=ANA, key=name, now=NOW).id
        start(sound, id)
        cancel(sound, id)
        finished = end(sound, id, outcome, error=BROKEN)
        assert finished == Finished(id, name, "CANCELLED", "cancel")


def test_work_that_can_resume_is_evicted_with_the_daemon(sound: Installation) -> None:
    id = a_run(sound, onCrash="resume")
    finished = end(sound, id, "stopped", at(1), error=ErrorInfo("stopped", "shutdown", "run"))
    assert finished is not None and (finished.state, finished.reason) == ("PAUSED", "eviction")
    assert (task(sound, id), steps(sound, id)) == ("RESCHEDULED", [("run", "PENDING")])


def test_work_that_cannot_resume_fails_with_the_daemon(sound: Installation) -> None:
    id = a_run(sound, onCrash="fail")
    finished = end(sound, id, "stopped", at(1), error=ErrorInfo("stopped", "shutdown", "run"))
    assert finished is not None and (finished.state, finished.reason) == ("FAILED", "shutdown")
    assert steps(sound, id) == [("run", "FAILED")]


def test_what_stands_between_two_steps_is_evicted_whatever_may_be_begun_anew(sound: Installation) -> None:
    two = [{"name": "run", "shell": "true", "interruptible": False}, {"name": "then", "shell": "true"}]
    id = a_run(sound, onCrash="fail", steps=two)
    report(sound, id, "complete", at(1))
    finished = end(sound, id, "stopped", at(1), error=ErrorInfo("stopped", "shutdown", "run"))
    assert finished is not None and (finished.state, finished.reason) == ("PAUSED", "eviction")
    assert steps(sound, id) == [("run", "COMPLETED"), ("then", "PENDING")]


# -- failing again and again


def test_a_job_is_held_after_so_many_failures_in_a_row(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=3))
    assert [fails(sound, "tick", at(hour)).job_failed for hour in (1, 2, 3)] == [False, False, True]
    assert sound.holds("tick") == [("failure", "system:supervisor")]


def test_a_success_begins_the_count_anew(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=2))
    fails(sound, "tick", at(1))
    id = a_slot_run(sound, "tick", at(2))
    start(sound, id, at(2))
    end(sound, id, "succeeded", at(2))
    assert not fails(sound, "tick", at(3)).job_failed
    assert fails(sound, "tick", at(4)).job_failed


def test_a_reset_begins_the_count_anew(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=2))
    for hour in (1, 2):
        fails(sound, "tick", at(hour))
    sound.store.transact(lambda tx: reset_jobs(tx, ["tick"], actor=ANA, reason="mended", now=at(2.5)))
    assert not fails(sound, "tick", at(3)).job_failed
    assert fails(sound, "tick", at(4)).job_failed


def test_a_new_revision_begins_the_count_anew(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=2))
    fails(sound, "tick", at(1))
    uid = sound.uid("tick")
    with sound.store.read() as reader:
        was = reader.objects.by_uid(uid)
    assert was is not None
    new = a_job("tick", schedule=HOURLY, retry="none", failAfter=2, description="mended")
    sound.store.transact(
        lambda tx: tx.objects.update(uid, new, expected_digest=was.digest, at=at(1.5), who="git")
    )
    assert not fails(sound, "tick", at(2)).job_failed
    assert fails(sound, "tick", at(3)).job_failed


def test_a_run_of_an_earlier_revision_says_nothing_about_the_present_one(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=1))
    id = a_slot_run(sound, "tick", at(1))
    start(sound, id, at(1))
    uid = sound.uid("tick")
    with sound.store.read() as reader:
        was = reader.objects.by_uid(uid)
    assert was is not None
    new = a_job("tick", schedule=HOURLY, retry="none", failAfter=1, description="mended")
    sound.store.transact(
        lambda tx: tx.objects.update(uid, new, expected_digest=was.digest, at=at(1.5), who="git")
    )
    finished = end(sound, id, now=at(2))
    assert finished is not None and (finished.state, finished.job_failed) == ("FAILED", False)


def test_starts_by_hand_never_hold_a_job(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=2))
    for key in "abc":
        id = trigger_job(sound.store, "tick", actor=ANA, key=key, now=NOW).id
        start(sound, id)
        end(sound, id)
    assert not fails(sound, "tick", at(1)).job_failed
    assert fails(sound, "tick", at(2)).job_failed, "and they do not interrupt the row either"


def test_what_ended_with_its_daemon_counts_for_nothing(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=2))
    fails(sound, "tick", at(1))
    id = a_slot_run(sound, "tick", at(2))
    start(sound, id, at(2))
    shutdown = end(sound, id, "stopped", at(2), error=ErrorInfo("stopped", "shutdown", "run"))
    assert shutdown is not None and not shutdown.job_failed
    assert fails(sound, "tick", at(3)).job_failed


def test_a_daemon_that_stops_does_not_hold_a_job_that_may_fail_once(sound: Installation) -> None:
    id = a_run(sound, failAfter=1)
    end(sound, id, "stopped", at(1), error=ErrorInfo("stopped", "shutdown", "run"))
    assert sound.holds("tick") == []


def test_never_means_never(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter="never"))
    assert not any(fails(sound, "tick", at(hour)).job_failed for hour in range(1, 6))


def test_a_manual_success_ends_the_hold_and_catches_nothing_up(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="none", failAfter=1, missed={"policy": "all"}))
    set_watermark(sound, "tick", NOW)
    fails(sound, "tick", at(1))
    id = trigger_job(sound.store, "tick", actor=ANA, key="1", now=at(4.2)).id
    start(sound, id, at(4.2))
    finished = end(sound, id, "succeeded", at(4.5))
    assert finished is not None and finished.job_released
    assert (sound.holds("tick"), watermark(sound, "tick")) == ([], at(4.5))
    assert decide(sound, "tick", at(4.5)).instances == ()
    with sound.store.read() as reader:
        assert reader.events.of("Job", "tick", 1)[0].row == "J9"
    assert isinstance(claim(sound, a_slot_run(sound, "tick", at(5)), at(5)), Claimed)


def test_retries_spread_by_the_draw(sound: Installation) -> None:
    due = []
    for name, draw in (("a", 0.0), ("b", 1.0)):
        sound.install(a_job(name, retry={"initial": "10m", "maxAttempts": 2, "jitter": "50%"}))
        id = trigger_job(sound.store, name, actor=ANA, key=name, now=NOW).id
        start(sound, id)
        due.append(end(sound, id, draw=draw).due_at)  # type: ignore[union-attr]
    assert due == [NOW + timedelta(minutes=5), NOW + timedelta(minutes=15)]
