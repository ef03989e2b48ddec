"""Whatever is done to runs, in whatever order: the rows obey the lifecycle, and slots are used once."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from store_builders import AT, a_manual_run, a_slot_run, install, later

from runner.lifecycle.instance import INSTANCE, TERMINAL
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.lifecycle.together import step_event, task_event
from runner.store import admin
from runner.store.instances import InstanceRecord
from runner.store.open import open_store
from runner.store.port import Transaction
from runner.store.steps import NewStep
from runner.vocabulary.errors import ChangedMeanwhile

EVENTS = sorted(e for e in INSTANCE.events if not e.startswith("create") and e != "claim")


class RandomLives(RuleBasedStateMachine):
    """Moves what the table allows, with its tasks and steps as `together` says; also with wrong epochs."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "runner.db"
        self.store = open_store(self.path, create=True)
        self.uid = install(self.store)
        self.used: set[int] = set()
        self.clock = 0.0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            checked = admin.check(self.path)
            assert [(c.rule, c.findings) for c in checked.checks if not c.ok] == []
            self.folder.cleanup()

    def now(self):  # type: ignore[no-untyped-def]
        self.clock += 1
        return later(self.clock)

    def runs(self) -> list[InstanceRecord]:
        with self.store.read() as reader:
            return reader.instances.list(limit=None)

    @rule(slot=st.integers(0, 5))
    def a_slot_falls_due(self, slot: int) -> None:
        id = self.store.transact(
            lambda tx: tx.instances.create(a_slot_run(self.uid, slot), who="time", at=self.now())
        )
        assert (id is None) == (slot in self.used)
        self.used.add(slot)

    @rule(number=st.integers(0, 10**9))
    def somebody_triggers(self, number: int) -> None:
        run = a_manual_run(self.uid, f"manual:{number}-{self.clock}")
        self.store.transact(lambda tx: tx.instances.create(run, who="ana", at=self.now()))

    @rule(pick=st.integers(0, 100))
    def the_dispatcher_claims(self, pick: int) -> None:
        waiting = [i for i in self.runs() if i.state == "SCHEDULED"]
        if waiting:
            run, at = waiting[pick % len(waiting)], self.now()
            self.store.transact(lambda tx: self._claim(tx, run, at))

    @rule(pick=st.integers(0, 100), event=st.sampled_from(EVENTS), lag=st.integers(0, 2))
    def something_happens(self, pick: int, event: str, lag: int) -> None:
        """`lag` above 0 is a writer from an earlier epoch."""
        runs = self.runs()
        if not runs:
            return
        run, at = runs[pick % len(runs)], self.now()
        if not INSTANCE.accepts(run.state, event):
            return
        if lag:
            try:
                self.store.transact(lambda tx: self._move(tx, run, event, at, run.epoch - lag))
            except ChangedMeanwhile:
                with self.store.read() as reader:
                    assert reader.instances.get(run.id) == run
            else:
                raise AssertionError("a late writer got through")
        else:
            self.store.transact(lambda tx: self._move(tx, run, event, at, run.epoch))

    @rule(keep=st.integers(0, 3))
    def history_is_pruned(self, keep: int) -> None:
        self.store.transact(lambda tx: tx.instances.prune(self.uid, keep=keep, before=None))

    @invariant()
    def what_is_counted_is_what_is_listed(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as reader:
            runs = reader.instances.list(limit=None)
            unfinished = [i for i in runs if i.state not in TERMINAL]
            assert sum(reader.instances.counts().values()) == len(unfinished)
            assert [i.id for i in reader.instances.unfinished_of(self.uid)] == sorted(
                i.id for i in unfinished
            )
            assert {i.id for i in reader.instances.waiting()} == {
                i.id for i in runs if i.state == "SCHEDULED"
            }

    def _claim(self, tx: Transaction, run: InstanceRecord, at) -> None:  # type: ignore[no-untyped-def]
        move = INSTANCE.move("SCHEDULED", "claim")
        epoch = tx.instances.claim(run.id, move, epoch=run.epoch, at=at, who="dispatcher")
        assert epoch == run.epoch + 1
        (task,) = tx.tasks.of(run.id)
        tx.tasks.move(run.id, "-", TASK.move(task.state, "start"), epoch=epoch, at=at, who="dispatcher")
        tx.steps.create_all(run.id, "-", [NewStep("a", "sql"), NewStep("b", "copy")])
        for step in tx.steps.of(run.id):
            if step.state == "PENDING":
                start = STEP.move("PENDING", "start")
                tx.steps.move(run.id, "-", step.name, start, epoch=epoch, at=at, who="supervisor")
                break

    def _move(self, tx: Transaction, run: InstanceRecord, event: str, at, epoch: int) -> None:  # type: ignore[no-untyped-def]
        move = INSTANCE.move(run.state, event)
        for step in tx.steps.of(run.id):
            name = (
                "complete"
                if event.startswith("succeed") and step.state == "STARTED"
                else step_event(event, step.state)
            )
            if name:
                error = {"code": "x"} if name == "fail" else None
                change = STEP.move(step.state, name)
                tx.steps.move(run.id, "-", step.name, change, epoch=epoch, at=at, who="s", error=error)
        for task in tx.tasks.of(run.id):
            name = task_event(event, task.state)
            if event == "succeed_partially" and task.state not in TASK.terminal:
                name = "fail" if task.state == "RUNNING" else "cancel"
            if name:
                tx.tasks.move(
                    run.id, "-", TASK.move(task.state, name), epoch=epoch, at=at, who="s", reason=event
                )
        fence = move.row in ("I42", "I46")
        due = {"due_at": AT, "reason": "retry"} if move.after == "SCHEDULED" else {}
        tx.instances.move(run.id, move, epoch=epoch, at=at, who="s", raise_epoch=fence, **due)


RandomLives.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRandomLives = RandomLives.TestCase
