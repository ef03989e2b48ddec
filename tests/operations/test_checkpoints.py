"""What a job's code records is one transaction, fenced by the epoch; the right instance goes on from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import (
    a_slot_run,
    an_end,
    at,
    claim,
    contradictions,
    decide,
    end,
    events,
    fails,
    report,
    scheduled,
    set_watermark,
    start,
)

from runner.execution.order import Checkpointed, ErrorInfo, PerformedLong, Progressed, Record
from runner.operations.expire_waiting import expire_waiting
from runner.operations.finish_instance import finish_instance
from runner.operations.keep_windows import keep_windows
from runner.operations.outcome import Finished
from runner.operations.record_checkpoint import record_checkpoint
from runner.operations.record_run import record_long_perform, record_progress
from runner.operations.recover import recover
from runner.operations.saved import saved_of
from runner.operations.schedulable import window_of
from runner.operations.trigger import trigger_job
from runner.store.port import Transaction
from runner.store.state import StateRecord
from runner.vocabulary.errors import ChangedMeanwhile
from runner.vocabulary.instants import to_the_second

LOST = ErrorInfo("signal", "it was killed by SIGKILL", retryable=True)


def a_run(here: Installation, key: str = "1", **spec: Any) -> int:
    """A started run of job `work`, which may be resumed."""
    if key == "1":
        here.install(a_job("work", **{"schedule": None, "onCrash": "resume", **spec}))
    id = trigger_job(here.store, "work", actor=ANA, key=key, now=NOW).id
    start(here, id)
    return id


def checkpoint(
    here: Installation, id: int, n: int = 1, epoch: int = 1, now: datetime = NOW, **record: Any
) -> None:
    said = Checkpointed(id, epoch, n, "run", Record(n, record.pop("cursor", "{}"), **record))
    here.store.transact(lambda tx: record_checkpoint(tx, said, now))


def saved(here: Installation, id: int) -> StateRecord | None:
    with here.store.read() as reader:
        return next(iter(reader.state.of_instance(id)), None)


def test_state_info_and_persistent_state_are_recorded_together(here: Installation) -> None:
    id = a_run(here)
    checkpoint(here, id, state='{"page":3}', info='{"files":{"read":3}}', changed={"seen": "[3]", "x": "1"})
    checkpoint(here, id, 2, cursor='{"sleeps":{}}', changed={"seen": "[4]"}, removed=["x"])

    row = saved(here, id)
    assert row is not None
    assert (row.step, row.n, row.data, row.cursor) == ("run", 2, {"page": 3}, {"sleeps": {}})
    assert here.instance(id).info == {"files": {"read": 3}}
    with here.store.read() as reader:
        kept = reader.state.persistent(here.uid("work"))
    assert kept is not None
    assert kept.data == {"seen": [4]}
    assert contradictions(here) == []


def test_an_older_epoch_and_a_run_that_is_over_are_refused_and_change_nothing(here: Installation) -> None:
    id = a_run(here)
    checkpoint(here, id, state='{"page":3}')
    end(here, id, "crashed", error=LOST)
    start(here, id)
    with pytest.raises(ChangedMeanwhile, match="was expected live at epoch 1, and is RUNNING at epoch 2"):
        checkpoint(here, id, 2, state='{"page":4}', info='{"late":true}', changed={"late": "1"})
    end(here, id, "succeeded")
    with pytest.raises(ChangedMeanwhile, match="is SUCCEEDED at epoch 2"):
        checkpoint(here, id, 2, epoch=2, state='{"page":4}')

    assert saved(here, id) is None
    assert here.instance(id).info == {}
    with here.store.read() as reader:
        assert reader.state.persistent(here.uid("work")) is None


def test_the_last_record_of_a_step_comes_with_its_completion_and_is_never_gone_on_from(
    here: Installation,
) -> None:
    id = a_run(here)
    checkpoint(here, id, state='{"page":3}')
    report(here, id, "complete", record=Record(2, "{}", '{"page":4}', changed={"last": "4"}))

    row = saved(here, id)
    assert row is not None
    assert (row.step, row.n, row.data) == ("", 2, {"page": 4})


def test_a_crashed_run_goes_on_from_its_checkpoint_with_its_info_and_what_the_job_keeps(
    here: Installation,
) -> None:
    id = a_run(here)
    checkpoint(here, id, state='{"page":3}', info='{"read":3}', changed={"seen": "[3]"}, cursor='{"a":1}')
    end(here, id, "crashed", error=LOST)
    with here.store.read() as reader:
        run = here.instance(id)
        spec = reader.revisions.get(run.job_uid, run.digest) or {}
        told = saved_of(reader, run, "-", spec, NOW, for_code=True)

    assert (told["step"], told["n"], told["state"], told["cursor"]) == ("run", 1, '{"page":3}', {"a": 1})
    assert (told["info"], told["persistent"]) == ('{"read":3}', '{"seen":[3]}')
    assert "next_slot" not in told


def test_a_job_knows_its_next_slot_and_its_last_execution(here: Installation) -> None:
    here.install(a_job("work", retry="none"))
    fails(here, "work", at(14))
    id = a_slot_run(here, "work", at(38))
    with here.store.read() as reader:
        run = here.instance(id)
        spec = reader.revisions.get(run.job_uid, run.digest) or {}
        told = saved_of(reader, run, "-", spec, at(38), for_code=True)

    assert told["last_execution"] == at(14).isoformat()
    assert told["next_slot"] == "2026-11-26T02:00:00+00:00"


def test_the_next_run_takes_over_what_a_failed_one_saved_but_not_its_sleeps(here: Installation) -> None:
    id = a_run(here, retry="none")
    wake_at = (NOW + timedelta(hours=1)).timestamp()
    checkpoint(here, id, state='{"page":3}', cursor='{"sleeps":{"run":[]}}', until=wake_at)
    end(here, id)
    following = a_run(here, "2")

    row = saved(here, following)
    assert saved(here, id) is None
    assert row is not None
    assert (row.data, row.step, row.n, row.cursor, row.wake_at) == ({"page": 3}, "run", 1, {}, None)


def test_where_several_may_run_each_begins_fresh_and_the_next_success_forgets_what_failed(
    here: Installation,
) -> None:
    id = a_run(here, retry="none", concurrency={"policy": "allow"})
    checkpoint(here, id, state='{"page":3}')
    end(here, id)
    following = a_run(here, "2")
    assert saved(here, following) is None
    assert saved(here, id) is not None
    end(here, following, "succeeded")
    assert saved(here, id) is None


def test_a_run_that_was_cancelled_hands_nothing_over(here: Installation) -> None:
    id = a_run(here)
    checkpoint(here, id, state='{"page":3}')
    here.store.transact(lambda tx: _stop(tx, id))
    end(here, id, "stopped")
    assert here.instance(id).state == "CANCELLED"
    assert saved(here, a_run(here, "2")) is None


def _stop(tx: Transaction, id: int) -> None:
    from runner.lifecycle.instance import INSTANCE

    move = INSTANCE.move("RUNNING", "stop")
    tx.instances.move(id, move, epoch=1, at=NOW, who="ana", reason="terminate")


def test_a_run_that_falls_asleep_waits_for_its_time_and_spends_no_attempt(here: Installation) -> None:
    id = a_run(here)
    wake_at = NOW + timedelta(hours=1)
    checkpoint(here, id, state='{"page":3}', until=wake_at.timestamp())
    finished = _falls_asleep(here, id, wake_at)

    run = here.instance(id)
    assert finished is not None
    assert (finished.state, finished.reason, finished.due_at) == ("SCHEDULED", "sleeping", wake_at)
    assert (run.state, run.reason, run.due_at, run.error) == ("SCHEDULED", "sleeping", wake_at, None)
    assert [e.row for e in events(here, id) if e.subject_kind == "instance"][-1] == "I47"
    start(here, id, at(1))
    run = here.instance(id)
    assert (run.attempt, run.epoch, run.crashes, run.failures) == (1, 2, 0, 0)
    assert contradictions(here) == []


def _falls_asleep(here: Installation, id: int, wake_at: datetime) -> Finished | None:
    asleep = an_end(id, 1, "sleeping")._replace(wake_at=wake_at, error=None)
    return here.store.transact(lambda tx: finish_instance(tx, asleep, None, NOW, 0.5))


def test_a_process_that_dies_after_its_sleep_was_recorded_is_asleep_and_has_not_crashed(
    here: Installation,
) -> None:
    id = a_run(here, onCrash="fail")
    wake_at = NOW + timedelta(hours=1)
    checkpoint(here, id, until=wake_at.timestamp())
    here.store.transact(lambda tx: recover(tx, [id], NOW))

    run = here.instance(id)
    assert (run.state, run.reason, run.due_at, run.crashes) == ("SCHEDULED", "sleeping", wake_at, 0)


def test_a_job_asks_for_one_earlier_start_at_the_earliest_time(here: Installation) -> None:
    id = a_run(here)
    for minutes in (50, 20, 30):
        checkpoint(here, id, minutes, trigger_at=at(minutes=minutes).timestamp())

    with here.store.read() as reader:
        [waiting] = reader.instances.list(states=("SCHEDULED",))
    assert (waiting.origin, waiting.due_at, waiting.trigger["by_instance"]) == ("job", at(minutes=20), id)


def test_a_start_that_is_not_before_the_next_slot_is_not_recorded_and_that_is_said(
    here: Installation,
) -> None:
    id = a_run(here, schedule="0 2 * * *")
    checkpoint(here, id, trigger_at=at(30).timestamp())
    with here.store.read() as reader:
        assert reader.instances.list(states=("SCHEDULED",)) == []
        [warning] = reader.errors.of(id)
    assert (warning.severity, warning.code) == ("warning", "not-earlier")
    assert f"a start at {to_the_second(at(30))} is not before the next slot at " in warning.description


def test_an_earlier_start_is_of_no_schedule_and_so_no_start_deadline_ends_its_wait(
    here: Installation,
) -> None:
    id = a_run(here, schedule={"cron": "0 2 * * *", "startDeadline": "5m"})
    checkpoint(here, id, trigger_at=at(1).timestamp())
    with here.store.read() as reader:
        [waiting] = reader.instances.list(states=("SCHEDULED",))
    assert (waiting.due_at, waiting.start_deadline, waiting.schedule) == (at(1), None, None)
    assert here.store.transact(lambda tx: expire_waiting(tx, at(1.5))) == ()


def test_an_earlier_start_waits_until_the_run_that_asked_is_over(here: Installation) -> None:
    id = a_run(here)
    checkpoint(here, id, trigger_at=0.0)
    with here.store.read() as reader:
        [waiting] = reader.instances.list(states=("SCHEDULED",))
    assert waiting.due_at == NOW
    assert type(claim(here, waiting.id)).__name__ == "Waits"
    end(here, id, "succeeded")
    assert type(claim(here, waiting.id)).__name__ == "Claimed"


def test_an_earlier_start_is_dropped_by_a_hold_as_a_slot_is(here: Installation) -> None:
    id = a_run(here)
    checkpoint(here, id, trigger_at=0.0)
    end(here, id, "succeeded")
    here.hold("work", "operator")
    with here.store.read() as reader:
        [waiting] = reader.instances.list(states=("SCHEDULED",))
    claim(here, waiting.id)
    assert here.instance(waiting.id).state == "SKIPPED"


def test_progress_is_a_share_where_it_says_how_much_there_is(here: Installation) -> None:
    id = a_run(here)
    for done, total, share in ((250.0, 1000.0, 0.25), (3000.0, 1000.0, 1.0), (5.0, None, None), (0, 0, None)):
        said = Progressed(id, 1, "contacts", done=done, total=total)
        here.store.transact(lambda tx, said=said: record_progress(tx, said))
        run = here.instance(id)
        assert run.progress == share
        assert run.progress_said == {"done": done, "total": total, "text": "contacts"}
    here.store.transact(lambda tx: record_progress(tx, Progressed(id, 7, "late")))
    assert (here.instance(id).progress_said or {})["text"] == "contacts"


def test_a_long_unit_of_work_is_an_event_of_the_run(here: Installation) -> None:
    id = a_run(here)
    here.store.transact(lambda tx: record_long_perform(tx, PerformedLong(id, 1, "run", 60.0), NOW))
    event = next(e for e in events(here, id) if e.event == "instance.performs_long")
    assert event.why == "step run has run for 60 s without a checkpoint"
    assert (event.details["seconds"], event.at.astimezone(UTC)) == (60.0, NOW)


AFTERNOONS = {"from": "2026-11-23", "to": "2026-11-24", "start": "11:00", "end": "14:00"}  # NOW is noon


def a_run_of_a_window(here: Installation, **different: Any) -> int:
    here.install(a_job("work", schedule={"window": {**AFTERNOONS, **different}}, onCrash="resume"))
    set_watermark(here, "work", at(-2))
    [id] = decide(here, "work", NOW).instances
    start(here, id)
    return id


@pytest.mark.parametrize(
    ("hours", "due_hours"),
    [(1, 1), (3, 23), (25, 25)],
    ids=["inside of it", "after its close: when the next one opens", "in the next one"],
)
def test_what_a_run_of_a_window_asks_for_is_bound_to_that_window(
    here: Installation, hours: float, due_hours: float
) -> None:
    id = a_run_of_a_window(here)
    checkpoint(here, id, trigger_at=at(hours).timestamp())
    with here.store.read() as reader:
        [waiting] = reader.instances.list(states=("SCHEDULED",))
    assert (waiting.origin, waiting.schedule, waiting.due_at) == ("job", "default", at(due_hours))
    windows = scheduled(here, "work").windows
    window = window_of(waiting, windows)
    assert window is not None
    closed = here.store.transact(
        lambda tx: keep_windows(tx, [waiting.id], {here.uid("work"): windows}, at(2))
    )
    assert [run.id for run in closed.paused] == [waiting.id]


def test_after_the_last_close_nothing_is_started_earlier(here: Installation) -> None:
    id = a_run_of_a_window(here)
    checkpoint(here, id, trigger_at=at(27).timestamp())
    with here.store.read() as reader:
        assert reader.instances.list(states=("SCHEDULED",)) == []
        [warning] = reader.errors.of(id)
    assert warning.code == "not-earlier"
    assert warning.description.startswith("no window is open at 2026-11-24 ")


def test_where_each_opening_has_a_run_of_its_own_the_next_one_is_the_next_slot(here: Installation) -> None:
    id = a_run_of_a_window(here, repeat="each")
    checkpoint(here, id, trigger_at=at(3).timestamp())
    with here.store.read() as reader:
        assert reader.instances.list(states=("SCHEDULED",)) == []
        [warning] = reader.errors.of(id)
    assert "is not before the next slot at " in warning.description
