"""Whatever the store is made of: runs, their tasks and steps, and their guarded moves."""

from __future__ import annotations

import pytest
from store_builders import (
    AT,
    a_manual_run,
    a_slot_run,
    begin,
    create,
    created,
    fail,
    install,
    later,
    live,
    succeed,
)

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.store.errors import ErrorRecord
from runner.store.port import Store, Transaction
from runner.store.steps import NewStep
from runner.store.tasks import AtWork, TaskProcess
from runner.vocabulary.errors import ChangedMeanwhile, TargetAtWork

CLAIM = INSTANCE.move("SCHEDULED", "claim")
RETRY = INSTANCE.move("RUNNING", "retry")
CRASH = INSTANCE.move("RUNNING", "crash_resume")


def test_a_new_run_is_read_back_as_it_was_asked_for(store: Store) -> None:
    uid = install(store)
    new = a_slot_run(uid, start_deadline=later(10), expires_at=later(20), trigger={"file": "a.csv"})
    id = created(store, new)
    with store.read() as reader:
        found = reader.instances.get(id)
    assert found is not None
    for field in ("job_uid", "job", "origin", "schedule", "slot_key", "slot_at", "slot_local", "due_at",
                  "reason",
                  "digest", "revision", "inputs", "trigger", "start_deadline", "expires_at", "rerun_of",
                  "requested_by"):  # fmt: skip
        assert getattr(found, field) == getattr(new, field), field
    assert (found.state, found.attempt, found.epoch, found.created_at) == ("SCHEDULED", 0, 0, AT)
    assert (found.info, found.outputs, found.error, found.progress) == ({}, {}, None, None)


def test_every_run_has_its_tasks_from_the_start(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid, targets=("north", "south")))
    with store.read() as reader:
        assert [(t.target, t.state, t.attempt) for t in reader.tasks.of(id)] == [
            ("north", "SCHEDULED", 0),
            ("south", "SCHEDULED", 0),
        ]


@pytest.mark.parametrize(("origin", "row"), [("slot", "I1"), ("manual", "I2"), ("retry-failed", "I3")])
def test_a_run_begins_with_the_row_of_its_origin(store: Store, origin: str, row: str) -> None:
    uid = install(store)
    id = created(store, a_manual_run(uid, origin=origin))
    with store.read() as reader:
        events = reader.events.of("instance", str(id))
    assert [(e.subject_kind, e.row) for e in events] == [("task", "T1"), ("instance", row)]


def test_a_slot_becomes_one_run_only(store: Store) -> None:
    uid = install(store)
    created(store, a_slot_run(uid))
    assert create(store, a_slot_run(uid)) is None
    assert create(store, a_slot_run(uid, schedule="weekend")) is None
    with store.read() as reader:
        assert len(reader.instances.list()) == 1


def test_a_whole_life_leaves_its_rows_its_times_and_its_events(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    epoch = store.transact(lambda tx: begin(tx, id, at=later(1)))
    assert epoch == 1
    store.transact(lambda tx: succeed(tx, id, epoch=epoch, at=later(3)))
    with store.read() as reader:
        run = reader.instances.get(id)
        (task,) = reader.tasks.of(id)
        (step,) = reader.steps.of(id)
        events = reader.events.of("instance", str(id))[::-1]
    assert run is not None
    assert (run.state, run.attempt, run.epoch, run.outputs) == ("SUCCEEDED", 1, 1, {"rows": 12})
    assert (run.started_at, run.first_started_at, run.completed_at) == (later(1), later(1), later(3))
    assert (task.state, task.attempt, task.last_triggered_at) == ("SUCCEEDED", 1, later(1))
    assert (step.state, step.started_at, step.completed_at) == ("COMPLETED", later(1), later(3))
    assert (step.outputs, step.remedy, step.kind, step.position) == (
        {"rows": 12},
        "Check the mount",
        "sql",
        0,
    )
    assert [e.row for e in events] == ["I1", "T1", "I4", "T2", "S1", "S4", "T3", "I12"]
    assert events[2].details == {"epoch": 1}
    assert events[4].subject == f"{id}/-/load"


def test_only_the_first_of_two_claims_wins(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: tx.instances.claim(id, CLAIM, epoch=0, at=AT, who="one"))
    with pytest.raises(ChangedMeanwhile) as raised:
        store.transact(lambda tx: tx.instances.claim(id, CLAIM, epoch=0, at=AT, who="two"))
    assert str(raised.value) == (
        f"Run {id} was expected SCHEDULED at epoch 0, and is RUNNING at epoch 1; nothing was changed"
    )
    with store.read() as reader:
        assert [e.who for e in reader.events.of("instance", str(id)) if e.row == "I4"] == ["one"]


def test_a_writer_with_an_older_epoch_changes_nothing(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: begin(tx, id))
    store.transact(lambda tx: _crash(tx, id))
    store.transact(lambda tx: begin(tx, id, epoch=1))
    for late in (
        lambda tx: tx.instances.move(id, INSTANCE.move("RUNNING", "succeed"), epoch=1, at=AT, who="late"),
        lambda tx: tx.tasks.move(id, "-", TASK.move("RUNNING", "succeed"), epoch=1, at=AT, who="late"),
        lambda tx: tx.steps.move(
            id, "-", "load", STEP.move("STARTED", "complete"), epoch=1, at=AT, who="late"
        ),
        lambda tx: tx.instances.update(id, epoch=1, pid=1),
    ):
        with pytest.raises(ChangedMeanwhile, match="at epoch 2; nothing was changed"):
            store.transact(late)
    with store.read() as reader:
        assert not [e for e in reader.events.of("instance", str(id)) if e.who == "late"]


def _crash(tx: Transaction, id: int) -> None:
    tx.steps.move(id, "-", "load", STEP.move("STARTED", "interrupt"), epoch=1, at=AT, who="daemon")
    tx.tasks.move(id, "-", TASK.move("RUNNING", "interrupt"), epoch=1, at=AT, who="daemon", reason="crash")
    tx.instances.move(id, CRASH, epoch=1, at=AT, who="daemon", reason="crash", crashes=1, due_at=AT)


def test_a_crash_counts_for_no_attempt_and_an_error_retry_does(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: begin(tx, id))
    store.transact(lambda tx: _crash(tx, id))
    epoch = store.transact(lambda tx: begin(tx, id, epoch=1, at=later(5)))
    with store.read() as reader:
        run = reader.instances.get(id)
        (step,) = reader.steps.of(id)
    assert run is not None
    assert (run.attempt, run.epoch, run.crashes) == (1, 2, 1)
    assert (run.started_at, run.first_started_at) == (later(5), AT)
    assert (step.started_at, step.first_started_at, step.attempt) == (later(5), AT, 2)

    def retry(tx: Transaction) -> int:
        tx.instances.move(
            id, RETRY, epoch=epoch, at=later(6), who="supervisor", reason="retry", due_at=later(66),
            failures=1,
            first_error_at=later(6), error={"code": "x"},
        )  # fmt: skip
        return tx.instances.claim(id, CLAIM, epoch=epoch, at=later(66), who="dispatcher")

    store.transact(retry)
    with store.read() as reader:
        run = reader.instances.get(id)
    assert run is not None
    assert (run.attempt, run.epoch, run.failures, run.first_error_at) == (2, 3, 1, later(6))
    assert run.error is None


def test_a_reopened_failure_is_kept_in_its_event(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: begin(tx, id))
    error = {"code": "sql", "description": "deadlock"}

    def reopen(tx: Transaction) -> None:
        step = ("-", "load")
        tx.steps.move(id, *step, STEP.move("STARTED", "fail"), epoch=1, at=later(1), who="s", error=error)
        tx.steps.move(id, *step, STEP.move("FAILED", "reopen"), epoch=1, at=later(2), who="s")

    store.transact(reopen)
    with store.read() as reader:
        (step,) = reader.steps.of(id)
        reopened, failed = reader.events.of("step", f"{id}/-/load")[:2]
    assert (step.state, step.error, step.started_at, step.completed_at) == ("PENDING", None, None, None)
    assert step.first_started_at == AT
    assert failed.details == {"error": error}
    assert (reopened.row, reopened.details["error"], reopened.details["attempt"]) == ("S7", error, 1)


def test_a_skipped_step_says_when_and_why(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))

    def skip(tx: Transaction) -> None:
        tx.steps.create_all(id, "-", [NewStep("a", "sql"), NewStep("b", "copy")])
        tx.steps.move(
            id, "-", "b", STEP.move("PENDING", "skip"), epoch=0, at=AT, who="s", why="condition false"
        )

    store.transact(skip)
    with store.read() as reader:
        assert [(s.name, s.state, s.skipped_at) for s in reader.steps.of(id)] == [
            ("a", "PENDING", None),
            ("b", "SKIPPED", AT),
        ]
        assert reader.events.of("step", f"{id}/-/b")[0].why == "condition false"


def test_steps_that_are_there_already_stay_as_they_are(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: begin(tx, id))
    store.transact(lambda tx: tx.steps.create_all(id, "-", [NewStep("load", "sql"), NewStep("more", "sql")]))
    with store.read() as reader:
        assert [(s.name, s.state) for s in reader.steps.of(id)] == [("load", "STARTED"), ("more", "PENDING")]


def test_columns_change_without_an_event_but_under_the_epoch(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: begin(tx, id))
    with store.read() as reader:
        before = reader.events.last_id()
    info = {"note": "half way", "rows": [1, 2], "when": "2026-01-01", "yes": "no"}
    store.transact(
        lambda tx: tx.instances.update(id, epoch=1, pid=4711, pid_started=99, progress=0.5, info=info)
    )
    with store.read() as reader:
        run = reader.instances.get(id)
        assert reader.events.last_id() == before
    assert run is not None
    assert (run.pid, run.pid_started, run.progress, run.info) == (4711, 99, 0.5, info)


def test_only_known_columns_can_be_changed(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    with pytest.raises(TypeError, match="'state' cannot be changed here"):
        store.transact(lambda tx: tx.instances.update(id, epoch=0, state="SUCCEEDED"))


def test_a_late_writer_can_be_fenced_off(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    store.transact(lambda tx: begin(tx, id))
    store.transact(
        lambda tx: tx.instances.move(id, INSTANCE.move("RUNNING", "lose"), epoch=1, at=AT, who="daemon")
    )
    store.transact(
        lambda tx: tx.instances.move(
            id, INSTANCE.move("UNKNOWN", "resolve_cancelled"), epoch=1, at=AT, who="ana", raise_epoch=True
        )
    )
    with store.read() as reader:
        run = reader.instances.get(id)
    assert run is not None
    assert (run.state, run.epoch) == ("CANCELLED", 2)


def test_what_waits_comes_first_due_first(store: Store) -> None:
    uid = install(store)
    third, first, second = (created(store, a_slot_run(uid, n)) for n in (3, 1, 2))
    with store.read() as reader:
        assert [i.id for i in reader.instances.waiting()] == [first, second, third]
        assert [i.id for i in reader.instances.waiting(later(2 * 3600))] == [first, second]
        assert [i.id for i in reader.instances.waiting(limit=1)] == [first]
        assert [i.id for i in reader.instances.waiting(limit=1, without=[first, 99])] == [second]
        assert reader.instances.next_due() == later(3600)


def test_late_ones_are_found_by_their_deadlines(store: Store) -> None:
    uid = install(store)
    late = created(store, a_slot_run(uid, 1, start_deadline=later(10)))
    expired = created(store, a_slot_run(uid, 2, expires_at=later(20)))
    begun = created(store, a_slot_run(uid, 3, start_deadline=later(5)))
    store.transact(lambda tx: begin(tx, begun))
    store.transact(lambda tx: tx.instances.move(begun, RETRY, epoch=1, at=AT, who="s", reason="retry"))
    with store.read() as reader:
        assert reader.instances.next_deadline() == later(10)
        assert [i.id for i in reader.instances.late(later(9))] == []
        assert [i.id for i in reader.instances.late(later(10))] == [late]
        assert [i.id for i in reader.instances.late(later(99))] == [late, expired]


def test_what_is_open_and_what_is_live_is_counted_per_job(store: Store) -> None:
    uid, other = install(store), install(store, "other")
    running, waiting = (created(store, a_slot_run(uid, n)) for n in (1, 2))
    retrying = created(store, a_slot_run(other, 1, job="other"))
    store.transact(lambda tx: begin(tx, running))
    store.transact(lambda tx: begin(tx, retrying))
    store.transact(lambda tx: tx.instances.move(retrying, RETRY, epoch=1, at=AT, who="s", reason="retry"))
    live(store, a_slot_run(uid, 3))
    with store.read() as reader:
        assert reader.instances.open_counts() == {uid: 1, other: 1}
        assert [i.id for i in reader.instances.open_of(uid)] == [running]
        assert [*reader.instances.open_states(uid)] == [(running, "RUNNING")]
        assert [i.id for i in reader.instances.unfinished_of(uid)] == [running, waiting]
        assert reader.instances.live_counts() == {uid: 1}
        assert [i.id for i in reader.instances.live()] == [running]
        assert reader.instances.counts() == {"RUNNING": 1, "SCHEDULED": 2}


def test_lists_are_newest_first_and_can_be_narrowed(store: Store) -> None:
    uid, other = install(store), install(store, "other")
    good = live(store, a_slot_run(uid, 1), ends_at=later(1))
    bad = live(store, a_slot_run(uid, 2), ends_at=later(2), well=False)
    third = created(store, a_slot_run(other, 1, job="other"))
    with store.read() as reader:
        runs = reader.instances
        assert [i.id for i in runs.list()] == [third, bad, good]
        assert [i.id for i in runs.list(job="nightly")] == [bad, good]
        assert [i.id for i in runs.list(job_uid=other)] == [third]
        assert [i.id for i in runs.list(states=["FAILED", "SCHEDULED"])] == [third, bad]
        assert [i.id for i in runs.list(since=later(2))] == [bad]
        assert [i.id for i in runs.list(limit=1)] == [third]
        assert [i.id for i in runs.list(limit=None)] == [third, bad, good]
        assert runs.list(job="unheard-of") == []
        assert {uid: (x.id, x.state) for uid, x in runs.latest().items()} == {
            uid: (bad, "FAILED"),
            other: (third, "SCHEDULED"),
        }
        newest = runs.latest_of(uid, ["SUCCEEDED"])
        assert newest is not None and newest.id == good
        assert [(e.id, e.state, e.origin) for e in runs.ends_of(uid)] == [
            (bad, "FAILED", "slot"),
            (good, "SUCCEEDED", "slot"),
        ]
        assert runs.existing([good, bad, 999]) == {good, bad}


def test_errors_and_warnings_stay_with_their_run(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    warning = ErrorRecord(id, AT, "warning", "slow", "took 9 s", {"rows": 3}, "-", "load")
    error = ErrorRecord(id, later(1), "error", "gone", "no such table")
    store.transact(lambda tx: (tx.errors.add(warning), tx.errors.add(error)))
    with store.read() as reader:
        assert reader.errors.of(id) == [warning, error]
        assert reader.errors.of_all([id, 999]) == {id: [warning, error], 999: []}
        assert reader.tasks.of_all([id, 999])[999] == []
        assert [t.target for t in reader.tasks.of_all([id])[id]] == ["-"]
        assert reader.steps.of_all([id]) == {id: []}


def test_success_deletes_the_runs_state_data_and_failure_keeps_it(store: Store) -> None:
    uid = install(store)
    good, bad = (created(store, a_slot_run(uid, n)) for n in (1, 2))
    for id in (good, bad):
        store.transact(lambda tx, id=id: begin(tx, id))
        store.transact(lambda tx, id=id: tx.state.put(uid, id, "-", {"cursor": 7}, at=AT))
    store.transact(lambda tx: succeed(tx, good, epoch=1))
    store.transact(lambda tx: fail(tx, bad, epoch=1))
    with store.read() as reader:
        assert [(s.instance_id, s.data) for s in reader.state.of(uid)] == [(bad, {"cursor": 7})]


@pytest.mark.parametrize("keep", [None, 2])
def test_pruning_deletes_old_runs_and_never_frees_their_slots(store: Store, keep: int | None) -> None:
    uid = install(store)
    ids = [live(store, a_slot_run(uid, n), ends_at=later(n)) for n in range(5)]
    before = later(3) if keep is None else None
    gone = store.transact(lambda tx: tx.instances.prune(uid, keep=keep, before=before))
    assert [(p.id, p.log) for p in gone] == [(id, f"logs/nightly/{id}.log") for id in ids[:3]]
    for number in range(5):
        assert create(store, a_slot_run(uid, number)) is None
    with store.read() as reader:
        assert [i.id for i in reader.instances.list()] == ids[:2:-1]
        assert reader.events.of("instance", str(ids[0])) == []
        assert len(reader.slots.list(uid)) == 5


def test_pruning_leaves_what_is_unfinished_what_it_refers_to_and_the_newest(store: Store) -> None:
    uid = install(store)
    referred, _, newest = (live(store, a_slot_run(uid, n), well=False) for n in (1, 2, 3))
    waiting = created(store, a_manual_run(uid, rerun_of=referred))
    store.transact(lambda tx: tx.instances.prune(uid, keep=0, before=later(9999)))
    with store.read() as reader:
        assert [i.id for i in reader.instances.list()] == [waiting, newest, referred]


def test_ids_are_never_used_twice(store: Store) -> None:
    uid = install(store)
    first, last = (live(store, a_slot_run(uid, n)) for n in (1, 2))
    with store.read() as reader:
        event = reader.events.last_id()
    store.transact(lambda tx: tx.instances.prune(uid, keep=0, before=None))
    assert created(store, a_slot_run(uid, 3)) > last > first
    with store.read() as reader:
        assert reader.events.since(event)[0].id > event


TARGETS = [(f"edge-{n}", {"host": f"192.0.2.{n}"}) for n in range(3)]
CREATED = TASK.move("NEW", "create")


def test_the_targets_of_a_run_take_the_place_of_its_only_task(store: Store) -> None:
    id = a_fan_out(store)
    with store.read() as reader:
        assert [(t.target, t.position, t.values) for t in reader.tasks.page(id)] == [
            (name, position, values) for position, (name, values) in enumerate(TARGETS)
        ]
        assert [t.target for t in reader.tasks.page(id, ("SCHEDULED",), offset=1, limit=1)] == ["edge-1"]
        assert reader.tasks.get(id, "-") is None
        assert [(t.target, t.state, t.attempt) for t in reader.tasks.open_tasks(id)] == [
            (name, "SCHEDULED", 0) for name, _ in TARGETS
        ]
        assert reader.tasks.counts(id) == {"SCHEDULED": 3}
        assert [e.row for e in reader.events.of("task", f"{id}/edge-2")] == ["T1"]


def test_a_target_that_is_worked_on_has_its_process(store: Store) -> None:
    id = a_fan_out(store)
    start = TASK.move("SCHEDULED", "start")

    def work(tx: Transaction) -> None:
        for target in ("edge-0", "edge-1"):
            tx.tasks.move(id, target, start, epoch=1, at=AT, who="dispatcher")
        tx.tasks.update(id, "edge-1", epoch=1, pid=4711, pid_started=99)
        tx.tasks.update(id, "edge-0", epoch=0, pid=1, pid_started=1)

    store.transact(work)
    with store.read() as reader:
        assert reader.tasks.processes(id) == [TaskProcess("edge-1", 4711, 99)]
    succeed = TASK.move("RUNNING", "succeed")
    store.transact(lambda tx: tx.tasks.move(id, "edge-1", succeed, epoch=1, at=AT, who="x"))
    with store.read() as reader:
        assert reader.tasks.processes(id) == []


def test_all_tasks_of_a_state_move_together(store: Store) -> None:
    id = a_fan_out(store)
    cancel = {
        "SCHEDULED": TASK.move("SCHEDULED", "cancel"),
        "RESCHEDULED": TASK.move("RESCHEDULED", "cancel"),
    }

    def work(tx: Transaction) -> int:
        tx.tasks.move(id, "edge-1", TASK.move("SCHEDULED", "start"), epoch=1, at=AT, who="dispatcher")
        return tx.tasks.move_all(
            id, cancel, epoch=1, at=AT, who="dispatcher", why="enough", reason="max-failures", completed_at=AT
        )

    assert store.transact(work) == 2
    with store.read() as reader:
        assert reader.tasks.counts(id) == {"CANCELLED": 2, "RUNNING": 1}
        task = reader.tasks.get(id, "edge-0")
        assert task is not None
        assert (task.reason, task.completed_at) == ("max-failures", AT)


def test_a_task_keeps_when_it_expires_and_why_it_failed(store: Store) -> None:
    id = a_fan_out(store)

    def work(tx: Transaction) -> None:
        tx.tasks.move(id, "edge-0", TASK.move("SCHEDULED", "start"), epoch=1, at=AT, who="x", expires_at=AT)
        fail = TASK.move("RUNNING", "fail")
        tx.tasks.move(
            id, "edge-0", fail, epoch=1, at=AT, who="x", error={"code": "down"}, failures=2, crashes=1
        )
        tx.steps.create_all(id, "edge-0", [NewStep("restart", "shell", "call somebody")])
        tx.instances.update(id, epoch=1, targets=3, targets_ended=1, targets_failed=1)

    store.transact(work)
    with store.read() as reader:
        task = reader.tasks.get(id, "edge-0")
        assert task is not None
        assert (task.expires_at, task.error, task.failures, task.crashes) == (AT, {"code": "down"}, 2, 1)
        assert [s.remedy for s in reader.steps.of(id, "edge-0")] == ["call somebody"]
        assert reader.steps.of(id, "edge-1") == []
        run = reader.instances.get(id)
        assert run is not None
        assert (run.targets, run.targets_ended, run.targets_failed) == (3, 1, 1)


def test_of_one_inventory_a_target_is_worked_on_by_one_run_at_a_time(store: Store) -> None:
    first, second = (a_fan_out(store, "fleet", name) for name in ("upgrade", "reboot"))
    elsewhere, without = a_fan_out(store, "others", "visit"), a_fan_out(store, None, "again")
    start = TASK.move("SCHEDULED", "start")

    def begin_on(id: int) -> None:
        store.transact(lambda tx: tx.tasks.move(id, "edge-0", start, epoch=1, at=AT, who="x"))

    for id in (first, elsewhere, without):
        begin_on(id)
    with pytest.raises(TargetAtWork, match=f"instance {first} of upgrade works on target edge-0"):
        begin_on(second)
    with store.read() as reader:
        assert reader.tasks.at_work(second, ["edge-0", "edge-1"]) == {
            "edge-0": AtWork("edge-0", first, "upgrade")
        }
        assert reader.tasks.at_work(first, ["edge-0"]) == {}
    succeed = TASK.move("RUNNING", "succeed")
    store.transact(lambda tx: tx.tasks.move(first, "edge-0", succeed, epoch=1, at=AT, who="x"))
    begin_on(second)


def test_what_is_asked_of_targets_waits_until_it_is_done(store: Store) -> None:
    id = a_fan_out(store)

    def work(tx: Transaction) -> None:
        for target, verb in (("edge-0", "cancel"), ("edge-1", "retry"), ("edge-2", "cancel")):
            tx.target_requests.add(id, target, verb, who="ana", why="INC-1", at=AT)

    store.transact(work)
    with store.read() as reader:
        assert [tuple(request)[1:] for request in reader.target_requests.of(id)] == [
            ("edge-0", "cancel", "ana", "INC-1"),
            ("edge-1", "retry", "ana", "INC-1"),
            ("edge-2", "cancel", "ana", "INC-1"),
        ]
    store.transact(lambda tx: tx.target_requests.done(id, "edge-1"))
    with store.read() as reader:
        assert [request.target for request in reader.target_requests.of(id)] == ["edge-0", "edge-2"]
    store.transact(lambda tx: tx.target_requests.done(id))
    with store.read() as reader:
        assert reader.target_requests.of(id) == []


def test_the_ends_of_targets_are_counted_by_whoever_owns_the_run(store: Store) -> None:
    id = a_fan_out(store)

    def work(tx: Transaction) -> None:
        tx.instances.update(id, epoch=1, targets=4)
        tx.tasks.count_end(id, epoch=1, failed=False)
        tx.tasks.count_end(id, epoch=1, failed=True)
        tx.tasks.count_end(id, epoch=7, failed=True)

    store.transact(work)
    with store.read() as reader:
        run = reader.instances.get(id)
        assert run is not None
        assert (run.targets_ended, run.targets_failed, run.progress) == (2, 1, 0.5)


def a_fan_out(store: Store, inventory: str | None = None, job: str = "nightly") -> int:
    """A run that has begun, with its targets."""
    id = created(store, a_slot_run(install(store, job), job=job))

    def work(tx: Transaction) -> None:
        begin(tx, id)
        tx.tasks.freeze(id, TARGETS, CREATED, at=AT, who="dispatcher", inventory=inventory)

    store.transact(work)
    return id


def test_what_has_not_begun_of_a_job_is_left_out_unless_it_is_forced(store: Store) -> None:
    uid, other = install(store), install(store, "other")
    plain = created(store, a_manual_run(uid, "manual:a"))
    forced = created(store, a_manual_run(uid, "manual:b", trigger={"force": True}))
    elsewhere = created(store, a_manual_run(other, "manual:c"))
    with store.read() as reader:
        assert [run.id for run in reader.instances.waiting()] == [plain, forced, elsewhere]
        assert [run.id for run in reader.instances.waiting(without_new_of=[uid])] == [forced, elsewhere]


def test_locks_are_held_from_the_claim_until_the_run_leaves_the_live_set(store: Store) -> None:
    uid = install(store)
    id = created(store, a_manual_run(uid))
    waits = created(store, a_manual_run(uid, "manual:2"))

    def claim(tx: Transaction) -> None:
        tx.instances.claim(id, CLAIM, epoch=0, at=AT, who="t", locks=("warehouse", "group:nightly"))
        tx.instances.update(waits, epoch=0, locks=("warehouse",))

    store.transact(claim)
    with store.read() as reader:
        [holder] = reader.instances.holders()
        assert (holder.id, holder.locks, holder.since) == (id, ("warehouse", "group:nightly"), AT)
        assert [(w.id, w.locks) for w in reader.instances.waiting_for_locks(later(99))] == [
            (waits, ("warehouse",))
        ]
    retry = {"reason": "retry", "due_at": later(3600)}
    store.transact(lambda tx: tx.instances.move(id, RETRY, epoch=1, at=AT, who="t", **retry))
    with store.read() as reader:
        assert reader.instances.holders() == []
        assert [w.id for w in reader.instances.waiting_for_locks(later(99))] == [waits]


def test_a_daemon_whose_session_was_ended_by_another_claims_nothing(store: Store) -> None:
    uid = install(store)
    id = created(store, a_manual_run(uid))

    def a_session(tx: Transaction) -> int:
        session = tx.sessions.start("up", pid=1, host="here", boot_id="b", login="ana", at=AT)
        tx.sessions.end_others(session, AT, "lost")
        return session

    first, second = store.transact(a_session), store.transact(a_session)

    def claim(session: int) -> int:
        return store.transact(
            lambda tx: tx.instances.claim(id, CLAIM, epoch=0, at=AT, who="t", session_id=session)
        )

    with pytest.raises(ChangedMeanwhile):
        claim(first)
    assert claim(second) == 1
