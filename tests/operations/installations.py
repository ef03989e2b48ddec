"""An installation on a real database file, with jobs that name only the difference."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.access.permission import Actor
from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings
from runner.lifecycle.instance import INSTANCE
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord, NewInstance
from runner.store.objects import NewObject
from runner.store.port import Reader, Store, Transaction
from runner.vocabulary.identity import Address
from tests.new_databases import open_new_store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
ANA = Actor("ana")


def a_job(name: str, labels: Mapping[str, str] | None = None, **spec: Any) -> NewObject:
    """An installable job: one shell step, nightly in UTC; `schedule=None` makes it manual."""
    fields = {"steps": [{"name": "run", "shell": "true"}], "schedule": "0 2 * * *", "enabled": True, **spec}
    document = {
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {key: value for key, value in fields.items() if value is not None},
    }
    resolved = resolve(document, "Job", Surroundings())
    return _an_object("Job", name, document, resolved, labels or {}, fields["enabled"])


def a_group(name: str, enabled: bool | None = None, **spec: Any) -> NewObject:
    fields = {**({} if enabled is None else {"enabled": enabled}), **spec}
    document = {"metadata": {"name": name}, "spec": fields}
    return _an_object("Group", name, document, dict(document["spec"]), {}, enabled)


def an_object(kind: str, name: str, resolved: Mapping[str, Any]) -> NewObject:
    """An installable object of any kind that means this."""
    return replace(
        a_job(name), kind=kind, resolved=resolved, digest=f"sha256:{kind}", enabled=None, file=f"{name}.yaml"
    )


def _an_object(
    kind: str,
    name: str,
    document: Mapping[str, Any],
    resolved: Mapping[str, Any],
    labels: Mapping[str, str],
    enabled: bool | None,
) -> NewObject:
    digest = "sha256:" + hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return NewObject(
        kind=kind,
        name=name,
        source="jobs.d",
        file=f"jobs.d/{name}.yaml",
        line=1,
        digest=digest,
        execution_digest=digest,
        declared=document,
        resolved=resolved,
        labels=labels,
        enabled=enabled,
        protected=bool(resolved.get("protected")),
    )


class Installation:
    """A store with what a test needs to say in one line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.store: Store = open_new_store(path)

    @property
    def state(self) -> Path:
        return self.path.parent

    def install(self, *objects: NewObject, holds: tuple[str, ...] = ()) -> None:
        """Install; the store's own hold `new` goes, `holds` come."""

        def work(tx: Transaction) -> None:
            for new in objects:
                uid = tx.objects.install(new, at=NOW, who="test")
                if new.kind == "Job":
                    tx.holds.clear(uid, "new", at=NOW, who="test")
                for kind in holds:
                    tx.holds.add(uid, HoldRecord(uid, kind, "git" if kind == "git" else "bob", "a test", NOW))

        self.store.transact(work)

    def uid(self, name: str, kind: str = "Job") -> str:
        with self.store.read() as reader:
            record = reader.objects.get(Address(kind, name))
        assert record is not None
        return record.uid

    def hold(self, name: str, kind: str, owner: str = "bob", until: datetime | None = None) -> None:
        uid = self.uid(name)
        self.store.transact(
            lambda tx: tx.holds.add(uid, HoldRecord(uid, kind, owner, "a test", NOW, until), who=owner)
        )

    def holds(self, name: str, kind: str = "Job") -> list[tuple[str, str]]:
        uid = self.uid(name, kind)
        with self.store.read() as reader:
            return sorted((hold.kind, hold.owner) for hold in reader.holds.of(uid))

    def run(self, name: str, state: str = "SCHEDULED", *, key: str = "", due_at: datetime = NOW) -> int:
        """A recorded run, moved to `state` by the table's own events."""

        def work(tx: Transaction) -> int:
            record = tx.objects.get(Address("Job", name))
            assert record is not None
            id = tx.instances.create(
                NewInstance(
                    job_uid=record.uid,
                    job=name,
                    origin="manual",
                    slot_key=f"manual:{key or name}",
                    due_at=due_at,
                    reason="manual",
                    digest=record.digest,
                    revision=record.revision,
                ),
                who="test",
                at=NOW,
            )
            assert id is not None
            if state != "SCHEDULED":
                tx.instances.claim(id, INSTANCE.move("SCHEDULED", "claim"), epoch=0, at=NOW, who="test")
                for event in _WAYS[state]:
                    run = _instance(tx, id)
                    tx.instances.move(
                        id, INSTANCE.move(run.state, event), epoch=run.epoch, at=NOW, who="test"
                    )
            return id

        return self.store.transact(work)

    def instance(self, id: int) -> InstanceRecord:
        with self.store.read() as reader:
            return _instance(reader, id)


_WAYS: dict[str, tuple[str, ...]] = {
    "RUNNING": (),
    "STOPPING": ("stop",),
    "UNKNOWN": ("lose",),
    "PAUSED": ("pause", "pause_done"),
    "SUCCEEDED": ("succeed",),
    "FAILED": ("fail",),
}


def _instance(reader: Reader, id: int) -> InstanceRecord:
    instance = reader.instances.get(id)
    assert instance is not None
    return instance
