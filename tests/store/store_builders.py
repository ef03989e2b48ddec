"""Builders that name only the difference, and runs taken through their life."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.store.holds import HoldRecord
from runner.store.instances import NewInstance
from runner.store.objects import NewObject
from runner.store.port import Store, Transaction
from runner.store.slots import SlotRecord
from runner.store.steps import NewStep

AT = datetime(2026, 11, 21, 10, 0, 0, 123_000, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def an_object(name: str = "nightly", **given: Any) -> NewObject:
    spec = {"schedule": "0 2 * * *"}
    usual = NewObject(
        kind="Job",
        name=name,
        source="jobs.d",
        file=f"jobs.d/{name}.yaml",
        line=1,
        digest="sha256:a1",
        execution_digest="sha256:e1",
        declared={"metadata": {"name": name}, "spec": spec},
        resolved={**spec, "history": {"keep": 500, "maxAge": "90d"}},
        files={"jobs.d/sum.sql": "f" * 64},
        labels={"team": "bi"},
        enabled=True,
        commit="4f2c9e1",
    )
    return replace(usual, **given)


def a_hold(kind: str = "operator", **given: Any) -> HoldRecord:
    return replace(HoldRecord("", kind, "ana", "INC-123", AT), **given)


def a_slot_run(uid: str, number: int = 1, **given: Any) -> NewInstance:
    at = AT + timedelta(hours=number)
    usual = NewInstance(
        job_uid=uid,
        job="nightly",
        origin="slot",
        schedule="default",
        slot_key=at.isoformat(),
        slot_at=at,
        slot_local="2026-11-21T12:00 Europe/Zurich",
        due_at=at,
        reason="slot",
        digest="sha256:a1",
        revision=1,
        inputs={"region": "south"},
        requested_by="scheduler",
    )
    return replace(usual, **given)


def a_manual_run(uid: str, key: str = "manual:1", **given: Any) -> NewInstance:
    manual = {"origin": "manual", "schedule": None, "slot_at": None, "slot_local": None, "reason": "manual"}
    return a_slot_run(uid, **{**manual, "slot_key": key, "due_at": AT, "requested_by": "ana", **given})


def a_decision(uid: str, number: int = 1, **given: Any) -> SlotRecord:
    at = AT + timedelta(hours=number)
    usual = SlotRecord(uid, "default", at.isoformat(), at, "skipped", "overlap", None, AT)
    return replace(usual, **given)


def install(store: Store, name: str = "nightly", **given: Any) -> str:
    return store.transact(lambda tx: tx.objects.install(an_object(name, **given), at=AT, who="git"))


def create(store: Store, new: NewInstance) -> int | None:
    return store.transact(lambda tx: tx.instances.create(new, who="scheduler", at=AT))


def created(store: Store, new: NewInstance) -> int:
    id = create(store, new)
    assert id is not None
    return id


def begin(tx: Transaction, id: int, *, epoch: int = 0, at: datetime = AT) -> int:
    """Claim it, start its task and its one step; the new epoch."""
    now = tx.instances.claim(id, INSTANCE.move("SCHEDULED", "claim"), epoch=epoch, at=at, who="dispatcher")
    state = tx.tasks.of(id)[0].state
    tx.tasks.move(id, "-", TASK.move(state, "start"), epoch=now, at=at, who="dispatcher")
    tx.steps.create_all(id, "-", [NewStep("load", "sql", "Check the mount")])
    tx.steps.move(id, "-", "load", STEP.move("PENDING", "start"), epoch=now, at=at, who="supervisor")
    return now


def succeed(tx: Transaction, id: int, *, epoch: int, at: datetime = AT) -> None:
    tx.steps.move(
        id, "-", "load", STEP.move("STARTED", "complete"), epoch=epoch, at=at, who="supervisor",
        outputs={"rows": 12},
    )  # fmt: skip
    tx.tasks.move(id, "-", TASK.move("RUNNING", "succeed"), epoch=epoch, at=at, who="supervisor")
    tx.instances.move(
        id, INSTANCE.move("RUNNING", "succeed"), epoch=epoch, at=at, who="supervisor", outputs={"rows": 12}
    )


def fail(tx: Transaction, id: int, *, epoch: int, at: datetime = AT) -> None:
    error = {"code": "sql", "description": "no such table"}
    tx.steps.move(
        id, "-", "load", STEP.move("STARTED", "fail"), epoch=epoch, at=at, who="supervisor", error=error
    )
    tx.tasks.move(id, "-", TASK.move("RUNNING", "fail"), epoch=epoch, at=at, who="supervisor")
    tx.instances.move(
        id, INSTANCE.move("RUNNING", "fail"), epoch=epoch, at=at, who="supervisor", error=error, failures=1
    )


def live(store: Store, new: NewInstance, *, ends_at: datetime = AT, well: bool = True) -> int:
    """A whole life."""

    def work(tx: Transaction) -> int:
        id = tx.instances.create(new, who="scheduler", at=ends_at)
        assert id is not None
        epoch = begin(tx, id, at=ends_at)
        (succeed if well else fail)(tx, id, epoch=epoch, at=ends_at)
        return id

    return store.transact(work)
