"""Cancel: a waiting run at once, a running one by way of STOPPING, and twice is once."""

from __future__ import annotations

import pytest
from installations import ANA, NOW, Installation, a_job

from runner.operations.cancel import Cancelled, cancel_instances
from runner.vocabulary.errors import IllegalTransition, UnknownName


def cancel(here: Installation, *ids: int) -> tuple[Cancelled, ...]:
    return here.store.transact(lambda tx: cancel_instances(tx, ids, actor=ANA, reason="wrong input", now=NOW))


def test_a_waiting_run_is_cancelled_with_its_tasks(here: Installation) -> None:
    here.install(a_job("report"))
    id = here.run("report")
    (done,) = cancel(here, id)
    assert (done.changed, done.state) == (True, "CANCELLED")
    run = here.instance(id)
    assert (run.reason, run.completed_at) == ("cancel", NOW)
    with here.store.read() as reader:
        assert [task.state for task in reader.tasks.of(id)] == ["CANCELLED"]
        event = next(e for e in reader.events.of("instance", str(id)) if e.row == "I9")
    assert (event.who, event.why) == ("ana", "wrong input")


def test_a_paused_run_is_cancelled_at_once(here: Installation) -> None:
    here.install(a_job("report"))
    (done,) = cancel(here, here.run("report", "PAUSED"))
    assert done.state == "CANCELLED"


@pytest.mark.parametrize(("keep_state", "rows"), [(False, 0), (True, 1)])
def test_what_a_paused_run_has_saved_goes_with_it_unless_it_is_to_be_kept(
    here: Installation, keep_state: bool, rows: int
) -> None:
    here.install(a_job("report"))
    id, uid = here.run("report", "PAUSED"), here.uid("report")
    here.store.transact(lambda tx: tx.state.put(uid, id, "-", {"row": 7}, at=NOW))
    here.store.transact(
        lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW, keep_state=keep_state)
    )
    with here.store.read() as reader:
        assert len(reader.state.of_instance(id)) == rows


def test_a_running_one_is_stopping_and_keeps_the_intent(here: Installation) -> None:
    here.install(a_job("report"))
    id = here.run("report", "RUNNING")
    (done,) = cancel(here, id)
    assert (done.changed, done.state) == (True, "STOPPING")
    assert here.instance(id).reason == "cancel"


def test_cancelling_again_changes_nothing(here: Installation) -> None:
    here.install(a_job("report"), a_job("import"))
    waiting, running = here.run("report"), here.run("import", "RUNNING")
    cancel(here, waiting, running)
    assert [run.changed for run in cancel(here, waiting, running)] == [False, False]


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "UNKNOWN"])
def test_a_run_that_has_ended_or_is_unknown_is_not_cancelled(here: Installation, state: str) -> None:
    here.install(a_job("report"))
    id = here.run("report", state)
    with pytest.raises(IllegalTransition) as refused:
        cancel(here, id)
    assert str(refused.value) == (
        f"instance {id} of report is {state}; cancel is accepted in SCHEDULED, PAUSED, RUNNING, PAUSING"
    )


def test_one_refusal_leaves_all_of_them_as_they_were(here: Installation) -> None:
    here.install(a_job("report"), a_job("import"))
    waiting, ended = here.run("report"), here.run("import", "FAILED")
    with pytest.raises(IllegalTransition):
        cancel(here, waiting, ended)
    assert here.instance(waiting).state == "SCHEDULED"


def test_an_unknown_number_is_told_with_the_newest_one(here: Installation) -> None:
    here.install(a_job("report"))
    id = here.run("report")
    with pytest.raises(UnknownName) as refused:
        cancel(here, 999)
    assert str(refused.value) == f"there is no instance 999; the newest is {id} (of report)"
