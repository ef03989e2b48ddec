"""Pause, resume, bounce, kill and resolve runs: every row of a pause, by a real operation or a real end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from installations import ANA, Installation, a_job
from lives import an_end, at, claim, end, events, report, start, steps, task

from runner.execution.order import ErrorInfo
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.bounce_instances import bounce_instances
from runner.operations.cancel import cancel_instances
from runner.operations.claim_instance import Claimed
from runner.operations.expire_waiting import expire_waiting
from runner.operations.finish_instance import finish_instance
from runner.operations.force import force_overdue, lose
from runner.operations.kill_instances import kill_instances
from runner.operations.pause_instances import pause_instances
from runner.operations.pause_jobs import pause_jobs
from runner.operations.recover import left_behind, recover
from runner.operations.resolve_instances import resolve_instances
from runner.operations.resume_instances import resume_instances
from runner.store.instances import InstanceRecord
from runner.vocabulary.errors import IllegalTransition, Refused
from runner.vocabulary.instants import to_the_second

TWO_STEPS = [{"name": "run", "shell": "true"}, {"name": "then", "shell": "true"}]
OBEYED = ErrorInfo("stopped", "pause")


def act(here: Installation, verb: Callable[..., Any], *ids: Any, **more: Any) -> tuple[ActedOnRun, ...]:
    arguments = {"actor": ANA, "reason": "INC-1", "now": at(0), **more}
    return here.store.transact(lambda tx: verb(tx, ids, **arguments))


def a_running(here: Installation, **spec: Any) -> int:
    """A run in its first step, of two; it may not be begun anew unless `onCrash` says so."""
    here.install(a_job("load", **{"steps": TWO_STEPS, **spec}))
    id = here.run("load")
    start(here, id)
    return id


def rows(here: Installation, id: int) -> list[str]:
    return [event.row for event in events(here, id)]


def forced(here: Installation, now: Any, waited_for: tuple[int, ...] = ()) -> None:
    here.store.transact(lambda tx: force_overdue(tx, now, waited_for))


def lost(here: Installation, id: int) -> InstanceRecord:
    here.store.transact(
        lambda tx: lose(tx, tx.instances.get(id), who="test", why="silent", now=at(0))  # type: ignore[arg-type]
    )
    return here.instance(id)


def test_a_run_that_runs_is_asked_first_and_paused_when_it_has_obeyed(sound: Installation) -> None:
    id = a_running(sound)
    (done,) = act(sound, pause_instances, id)
    assert (done.changed, done.state) == (True, "PAUSING")
    run = sound.instance(id)
    assert (run.pauses, run.reason, run.forced_at) == (("operator",), "operator", at(1))
    report(sound, id, "complete")
    end(sound, id, "stopped", at(0.1), error=OBEYED)
    run = sound.instance(id)
    assert (run.state, run.reason, run.paused_at, run.forced_at) == ("PAUSED", "operator", at(0.1), None)
    assert (steps(sound, id), task(sound, id)) == ([("run", "COMPLETED"), ("then", "PENDING")], "RESCHEDULED")
    assert rows(sound, id) == ["I2", "I4", "I18", "I21"]


def test_what_is_resumed_goes_on_with_the_same_id_and_no_attempt_more(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    report(sound, id, "complete")
    end(sound, id, "stopped", error=OBEYED)
    (done,) = act(sound, resume_instances, id, now=at(2))
    assert (done.changed, done.state) == (True, "SCHEDULED")
    run = sound.instance(id)
    assert (run.reason, run.due_at, run.pauses, run.paused_at) == ("resumed", at(2), (), None)
    claimed = claim(sound, id, at(2))
    assert isinstance(claimed, Claimed)
    assert (claimed.instance.attempt, claimed.instance.epoch) == (1, 2)
    assert rows(sound, id)[-2:] == ["I28", "I4"]


def test_a_pause_is_taken_back_while_it_has_not_been_obeyed(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    (done,) = act(sound, resume_instances, id)
    assert (done.state, rows(sound, id)[-1]) == ("RUNNING", "I22")
    run = sound.instance(id)
    assert (run.pauses, run.forced_at, run.reason) == ((), None, "")


def test_what_had_obeyed_when_it_was_taken_back_goes_on_at_once(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    act(sound, resume_instances, id)
    report(sound, id, "complete")
    end(sound, id, "stopped", error=OBEYED)
    assert (sound.instance(id).state, sound.instance(id).reason) == ("SCHEDULED", "resumed")
    assert rows(sound, id)[-3:] == ["I18", "I21", "I28"]


def test_a_pause_and_a_resume_twice_are_once(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    (again,) = act(sound, pause_instances, id, now=at(1))
    assert (again.changed, sound.instance(id).forced_at) == (False, at(1))
    act(sound, resume_instances, id)
    (again,) = act(sound, resume_instances, id)
    assert again.changed is False


def test_what_waits_is_paused_at_once_and_waits_for_the_rest_of_its_delay(sound: Installation) -> None:
    sound.install(a_job("load", schedule=None))
    id = sound.run("load", due_at=at(3))
    (done,) = act(sound, pause_instances, id, now=at(1))
    assert (done.state, rows(sound, id)[-1]) == ("PAUSED", "I11")
    act(sound, resume_instances, id, now=at(10))
    run = sound.instance(id)
    assert (run.state, run.reason, run.due_at) == ("SCHEDULED", "manual", at(12))
    claimed = claim(sound, id, at(12))
    assert isinstance(claimed, Claimed)
    assert claimed.instance.attempt == 1


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "STOPPING", "UNKNOWN"])
def test_a_pause_is_refused_with_the_states_that_accept_it(here: Installation, state: str) -> None:
    here.install(a_job("load"))
    id = here.run("load", state)
    with pytest.raises(IllegalTransition) as refused:
        act(here, pause_instances, id)
    assert str(refused.value) == (
        f"instance {id} of load is {state}; pause is accepted in SCHEDULED, RUNNING, PAUSING, PAUSED"
    )


def test_a_last_step_that_may_not_begin_anew_cannot_be_paused(sound: Installation) -> None:
    id = a_running(sound, steps=[{"name": "run", "shell": "true"}])
    with pytest.raises(IllegalTransition) as refused:
        act(sound, pause_instances, id)
    assert str(refused.value) == (
        f"instance {id} of load is RUNNING, and its last step is under way, which onCrash: fail does not let "
        "begin anew; pause is accepted while a step is still to come, cancel and kill in any state that is "
        "not final"
    )
    assert sound.instance(id).state == "RUNNING"


@pytest.mark.parametrize(("outcome", "row"), [("succeeded", "I23"), ("failed", "I25")])
def test_work_that_ends_before_it_saw_the_pause_has_ended(
    sound: Installation, outcome: str, row: str
) -> None:
    id = a_running(sound, onCrash="resume", retry="none", steps=[{"name": "run", "shell": "true"}])
    act(sound, pause_instances, id)
    end(sound, id, outcome)
    assert (sound.instance(id).completed_at, rows(sound, id)[-1]) == (at(0), row)
    assert "paused" in events(sound, id)[-1].why or outcome == "failed"


def test_what_is_tried_again_is_tried_after_the_pause(sound: Installation) -> None:
    id = a_running(sound, retry={"initial": "10m", "maxAttempts": 3})
    act(sound, pause_instances, id)
    report(sound, id, "fail", error=ErrorInfo("exit-code", "3"))
    end(sound, id)
    run = sound.instance(id)
    assert (run.state, run.failures, run.resume_as) == ("PAUSED", 1, "retry")
    assert steps(sound, id)[0] == ("run", "FAILED")
    act(sound, resume_instances, id, now=at(1))
    run = sound.instance(id)
    assert (run.state, run.reason, run.due_at) == ("SCHEDULED", "retry", at(1, minutes=10))
    assert steps(sound, id)[0] == ("run", "PENDING")


def test_what_dies_while_it_pauses_is_paused_and_marked(sound: Installation) -> None:
    id = a_running(sound, onCrash="resume")
    act(sound, pause_instances, id)
    end(sound, id, "crashed")
    run = sound.instance(id)
    assert (run.state, run.crashes) == ("PAUSED", 0)
    assert events(sound, id)[-1].details == {"unclean": True}
    assert steps(sound, id)[0] == ("run", "PENDING")


def test_what_does_not_obey_in_time_is_stopped_and_paused(sound: Installation) -> None:
    id = a_running(sound, onCrash="resume")
    act(sound, pause_instances, id)
    forced(sound, at(minutes=1))
    run = sound.instance(id)
    assert (run.state, run.reason, run.pauses) == ("STOPPING", "pause", ("operator",))
    end(sound, id, "stopped", error=OBEYED)
    run = sound.instance(id)
    assert (run.state, run.reason, run.pauses) == ("PAUSED", "operator", ("operator",))
    assert rows(sound, id)[-3:] == ["I18", "I26", "I36"]


def test_work_that_may_not_begin_anew_is_never_forced_and_runs_on(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    forced(sound, at(minutes=59))
    assert sound.instance(id).state == "PAUSING"
    forced(sound, at(1))
    assert (sound.instance(id).state, rows(sound, id)[-1]) == ("RUNNING", "I22")


def test_the_grace_can_be_named(sound: Installation) -> None:
    id = a_running(sound, onCrash="resume")
    act(sound, pause_instances, id, grace=timedelta(minutes=20))
    assert sound.instance(id).forced_at == at(minutes=20)


def test_a_paused_run_expires_when_its_time_is_over(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    report(sound, id, "complete")
    end(sound, id, "stopped", error=OBEYED)
    sound.store.transact(lambda tx: tx.instances.update(id, epoch=1, expires_at=at(4)))
    sound.store.transact(lambda tx: expire_waiting(tx, at(4)))
    assert (sound.instance(id).state, rows(sound, id)[-1]) == ("FAILED", "I30")


@pytest.mark.parametrize(("completed", "state"), [(False, "FAILED"), (True, "PAUSED")])
def test_what_is_stopped_with_the_daemon_while_it_pauses_fails_only_in_the_midst_of_a_step(
    sound: Installation, completed: bool, state: str
) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    if completed:
        report(sound, id, "complete")
    end(sound, id, "stopped", at(1), error=ErrorInfo("stopped", "shutdown"))
    assert sound.instance(id).state == state
    assert sound.instance(id).pauses == (("eviction", "operator") if completed else ())


def test_what_was_evicted_and_paused_stays_paused_when_the_daemon_is_back(sound: Installation) -> None:
    id = a_running(sound, onCrash="resume")
    act(sound, pause_instances, id)
    end(sound, id, "stopped", at(1), error=ErrorInfo("stopped", "shutdown"))
    assert sound.instance(id).pauses == ("eviction", "operator")
    with sound.store.read() as reader:
        left = left_behind(reader)
    sound.store.transact(lambda tx: recover(tx, left, at(2)))
    assert (sound.instance(id).state, sound.instance(id).pauses) == ("PAUSED", ("operator",))
    act(sound, resume_instances, id)
    assert sound.instance(id).state == "SCHEDULED"


def test_what_lost_its_daemon_while_it_paused_is_paused(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    with sound.store.read() as reader:
        left = left_behind(reader)
    sound.store.transact(lambda tx: recover(tx, left, at(1)))
    assert (sound.instance(id).state, sound.instance(id).pauses) == ("PAUSED", ("operator",))
    assert rows(sound, id)[-1] == "I21"


def test_a_run_is_not_resumed_past_the_holds_of_its_job(sound: Installation) -> None:
    sound.install(a_job("load"))
    id = sound.run("load")
    act(sound, pause_instances, id)
    sound.hold("load", "maintenance")
    with pytest.raises(IllegalTransition) as refused:
        act(sound, resume_instances, id)
    assert str(refused.value) == (
        f"instance {id} of load is PAUSED, and its job has hold maintenance of bob; resume is accepted when "
        "no hold disables the job"
    )


def test_a_bounced_run_comes_back_with_the_same_id_at_the_first_step_not_completed(
    sound: Installation,
) -> None:
    id = a_running(sound)
    report(sound, id, "complete")
    (done,) = act(sound, bounce_instances, id)
    assert (done.state, act(sound, bounce_instances, id)[0].changed) == ("STOPPING", False)
    end(sound, id, "stopped", at(1))
    run = sound.instance(id)
    assert (run.state, run.reason, run.due_at, run.attempt) == ("SCHEDULED", "bounced", at(1), 1)
    assert steps(sound, id) == [("run", "COMPLETED"), ("then", "PENDING")]
    assert rows(sound, id)[-2:] == ["I19", "I35"]
    assert act(sound, bounce_instances, id)[0].changed is False


def test_what_does_not_run_cannot_be_bounced(here: Installation) -> None:
    here.install(a_job("load"))
    id = here.run("load", "PAUSED")
    with pytest.raises(IllegalTransition) as refused:
        act(here, bounce_instances, id)
    assert str(refused.value) == (
        f"instance {id} of load is PAUSED; bounce is accepted in RUNNING, PAUSING, SCHEDULED"
    )


def test_a_kill_takes_the_grace_from_what_is_being_cancelled(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, cancel_instances, id)
    (done,) = act(sound, kill_instances, id)
    assert (done.changed, sound.instance(id).reason) == (True, "kill")
    assert act(sound, kill_instances, id)[0].changed is False
    end(sound, id, "stopped")
    assert (sound.instance(id).state, rows(sound, id)[-1]) == ("CANCELLED", "I33")


def test_a_retry_that_waits_is_due_now_when_it_is_bounced(sound: Installation) -> None:
    id = a_running(sound, retry={"initial": "1h", "maxAttempts": 3})
    end(sound, id)
    assert (sound.instance(id).reason, sound.instance(id).due_at) == ("retry", at(1))
    (done,) = act(sound, bounce_instances, id, now=at(minutes=5))
    run = sound.instance(id)
    assert (done.changed, run.state, run.reason, run.due_at) == (True, "SCHEDULED", "retry", at(minutes=5))
    assert (events(sound, id)[-1].event, events(sound, id)[-1].why) == ("bounce", "INC-1")
    assert act(sound, bounce_instances, id, now=at(minutes=6))[0].changed is False
    claimed = claim(sound, id, at(minutes=6))
    assert isinstance(claimed, Claimed)
    assert (claimed.instance.attempt, claimed.instance.failures) == (2, 1)


def test_a_run_that_waits_for_its_retry_says_when_it_is_resumed_what_makes_it_due(
    sound: Installation,
) -> None:
    id = a_running(sound, retry={"initial": "1h", "maxAttempts": 3})
    end(sound, id)
    (done,) = act(sound, resume_instances, id)
    assert (done.changed, done.notes) == (
        False,
        (f"it waits (retry) until {to_the_second(at(1))}; now: runner instances bounce {id}",),
    )


def test_a_start_that_has_not_begun_cannot_be_bounced(here: Installation) -> None:
    here.install(a_job("load", schedule=None))
    id = here.run("load")
    with pytest.raises(IllegalTransition) as refused:
        act(here, bounce_instances, id)
    assert str(refused.value) == (
        f"instance {id} of load has not begun, and is due at {to_the_second(at(0))}; bounce is accepted for "
        "what runs or waits for its next attempt, and runner jobs trigger load starts another now"
    )


def test_what_is_due_by_a_bounce_says_what_it_still_waits_for(sound: Installation) -> None:
    id = a_running(sound, retry={"initial": "1h", "maxAttempts": 3})
    end(sound, id)
    act(sound, pause_jobs, "load")
    (done,) = act(sound, bounce_instances, id)
    assert done.notes == ("it is due, and waits for its job, which is paused",)


def test_a_cancel_wins_over_a_bounce_that_is_under_way(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, bounce_instances, id)
    assert act(sound, cancel_instances, id)[0].changed is True
    end(sound, id, "stopped")
    assert sound.instance(id).state == "CANCELLED"


@pytest.mark.parametrize(("keep_state", "left"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("forced_first", [False, True])
def test_what_a_run_has_saved_that_is_cancelled_while_it_pauses_goes_with_it(
    sound: Installation, keep_state: bool, left: int, forced_first: bool
) -> None:
    id = a_running(sound, onCrash="resume")
    sound.store.transact(lambda tx: tx.state.put(sound.uid("load"), id, "-", {"row": 7}, at=at(0)))
    act(sound, pause_instances, id)
    if forced_first:
        forced(sound, at(minutes=1))
    act(sound, cancel_instances, id, keep_state=keep_state)
    end(sound, id, "stopped", at(1))
    with sound.store.read() as reader:
        assert len(reader.state.of_instance(id)) == left
    assert sound.instance(id).state == "CANCELLED"


def test_what_a_paused_run_has_saved_goes_with_a_kill_too(sound: Installation) -> None:
    id = a_running(sound, onCrash="resume")
    sound.store.transact(lambda tx: tx.state.put(sound.uid("load"), id, "-", {"row": 7}, at=at(0)))
    act(sound, pause_instances, id)
    report(sound, id, "complete")
    end(sound, id, "stopped", error=OBEYED)
    act(sound, kill_instances, id)
    with sound.store.read() as reader:
        assert reader.state.of_instance(id) == []


def test_what_cannot_be_proven_dead_is_unknown_and_has_a_deadline(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, kill_instances, id)
    forced(sound, at(seconds=29))
    assert sound.instance(id).state == "STOPPING"
    forced(sound, at(seconds=30))
    run = sound.instance(id)
    assert (run.state, run.forced_at, rows(sound, id)[-1]) == ("UNKNOWN", at(1, seconds=30), "I40")


def test_a_step_that_a_stop_lets_end_first_is_given_its_time(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, cancel_instances, id)
    forced(sound, at(seconds=30), (id,))
    assert (sound.instance(id).state, sound.instance(id).forced_at) == ("STOPPING", at(seconds=60))


@pytest.mark.parametrize(
    ("on_crash", "state", "row"), [("resume", "SCHEDULED", "I42"), ("fail", "FAILED", "I43")]
)
def test_an_unknown_run_is_taken_for_dead_when_its_time_is_over(
    sound: Installation, on_crash: str, state: str, row: str
) -> None:
    id = a_running(sound, onCrash=on_crash)
    epoch = lost(sound, id).epoch
    forced(sound, at(1))
    run = sound.instance(id)
    assert (run.state, rows(sound, id)[-2:]) == (state, ["I20", row])
    late = an_end(id, epoch, "succeeded")
    assert sound.store.transact(lambda tx: finish_instance(tx, late, None, at(2), 0.5)) is None


def to_end_and_unknown(here: Installation, verb: Callable[..., Any], **spec: Any) -> int:
    """A run that did not end in time when it was asked to."""
    id = a_running(here, onCrash="resume", **spec)
    act(here, verb, id)
    forced(here, at(minutes=1))
    if here.instance(id).state == "STOPPING":  # a pause asks first
        forced(here, at(minutes=2))
    assert here.instance(id).state == "UNKNOWN"
    return id


@pytest.mark.parametrize("outcome", ["stopped", "crashed"])
def test_a_cancelled_run_that_was_unknown_is_cancelled_when_it_is_gone(
    sound: Installation, outcome: str
) -> None:
    id = to_end_and_unknown(sound, cancel_instances)
    assert sound.instance(id).reason == "cancel"
    end(sound, id, outcome, at(0.5))
    run = sound.instance(id)
    assert (run.state, run.reason, rows(sound, id)[-2:]) == ("CANCELLED", "cancel", ["I40", "I46"])


def test_a_cancelled_run_that_nobody_hears_of_again_is_not_begun_anew(sound: Installation) -> None:
    id = to_end_and_unknown(sound, kill_instances)
    forced(sound, at(2))
    run = sound.instance(id)
    assert (run.state, run.reason, rows(sound, id)[-1]) == ("FAILED", "lost", "I43")
    assert (run.error or {})["description"] == "it was to end (kill), and nothing was heard of it since"


def test_a_bounced_run_that_was_unknown_comes_back(sound: Installation) -> None:
    id = to_end_and_unknown(sound, bounce_instances)
    end(sound, id, "stopped", at(0.5))
    assert (sound.instance(id).state, rows(sound, id)[-1]) == ("SCHEDULED", "I42")


def test_a_run_that_was_unknown_while_it_paused_is_paused_when_it_is_gone(sound: Installation) -> None:
    id = to_end_and_unknown(sound, pause_instances)
    end(sound, id, "stopped", at(0.5))
    run = sound.instance(id)
    assert (run.state, run.pauses, rows(sound, id)[-2:]) == ("PAUSED", ("operator",), ["I42", "I11"])


def test_a_timeout_of_a_run_that_was_unknown_is_one(sound: Installation) -> None:
    id = a_running(sound)
    lost(sound, id)
    end(sound, id, "timeout", at(0.5), error=ErrorInfo("timeout", "it took too long"))
    assert (sound.instance(id).state, rows(sound, id)[-1]) == ("FAILED", "I43")


def test_a_late_result_of_an_unknown_run_counts_while_its_epoch_is_the_present_one(
    sound: Installation,
) -> None:
    sound.install(a_job("load", retry="once"))
    good, bad = sound.run("load", key="1"), sound.run("load", key="2")
    for id in (good, bad):
        start(sound, id) if id == good else None
    lost(sound, good)
    end(sound, good, "succeeded")
    assert (sound.instance(good).state, rows(sound, good)[-1]) == ("SUCCEEDED", "I44")
    start(sound, bad)
    lost(sound, bad)
    end(sound, bad)
    assert (sound.instance(bad).state, rows(sound, bad)[-1]) == ("FAILED", "I43")


def test_a_pausing_run_can_be_lost_too(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_instances, id)
    lost(sound, id)
    assert (sound.instance(id).state, rows(sound, id)[-1]) == ("UNKNOWN", "I27")


def test_an_operator_resolves_what_is_unknown_and_a_late_writer_changes_nothing(sound: Installation) -> None:
    id = a_running(sound)
    epoch = lost(sound, id).epoch
    with pytest.raises(Refused, match="resolve needs --nothing-runs"):
        act(sound, resolve_instances, id, nothing_runs=False)
    (done,) = act(sound, resolve_instances, id, nothing_runs=True)
    assert (done.state, rows(sound, id)[-1]) == ("CANCELLED", "I46")
    assert sound.instance(id).epoch == epoch + 1
    late = an_end(id, epoch, "succeeded")
    assert sound.store.transact(lambda tx: finish_instance(tx, late, None, at(2), 0.5)) is None
    assert act(sound, resolve_instances, id, nothing_runs=True)[0].changed is False


def test_only_what_is_unknown_is_resolved(here: Installation) -> None:
    here.install(a_job("load"))
    id = here.run("load", "RUNNING")
    with pytest.raises(IllegalTransition, match=r"is RUNNING; resolve is accepted in UNKNOWN"):
        act(here, resolve_instances, id, nothing_runs=True)
