"""Builders that name only the difference, and a model of what apply does with a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from runner.declaration.declared import Declared, Document
from runner.lifecycle.holds import Hold
from runner.reconcile.make_plan import make_plan
from runner.reconcile.plan import Change, Plan
from runner.reconcile.sides import DeclaredSide, InstalledSide
from runner.vocabulary.identity import Address, Place

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
NIGHTLY = {"default": {"cron": "0 2 * * *", "timezone": "Europe/Zurich"}}


@dataclass(frozen=True)
class Thing:
    declared: Declared
    document: Document


@dataclass(frozen=True)
class Record:
    uid: str
    address: Address
    source: str
    digest: str
    enabled: bool | None
    protected: bool
    prune_disabled: bool
    file: str
    line: int


def a_job(
    name: str = "nightly-report",
    *,
    kind: str = "Job",
    enabled: bool | None = True,
    spec: Mapping[str, Any] | None = None,
    resolved: Mapping[str, Any] | None = None,
    groups: Iterable[str] = (),
    protected: bool = False,
    annotations: Mapping[str, str] | None = None,
    place: Place | None = None,
    files: Mapping[str, str] | None = None,
) -> Thing:
    annotations = dict(annotations or {})
    own = dict(spec or {})
    if enabled is not None:
        own["enabled"] = enabled
    if groups:
        own["groups"] = list(groups)
    whole = {"schedules": {}, "enabled": enabled, "groups": list(groups), **(resolved or {}), **(spec or {})}
    whole.pop("schedule", None)
    digest = hashlib.sha256(json.dumps([kind, name, whole, files], sort_keys=True).encode()).hexdigest()
    metadata = {"name": name} | ({"annotations": annotations} if annotations else {})
    return Thing(
        Declared(
            address=Address(kind, name),
            place=place or Place(f"jobs.d/{name}.yaml", 1),
            digest=f"sha256:{digest}",
            execution_digest=f"sha256:{digest}",
            enabled=enabled,
            labels={},
            protected=protected,
            prune_disabled=annotations.get("jobs.runner/prune") == "disabled",
            reconcile_disabled=annotations.get("jobs.runner/reconcile") == "disabled",
            moved_from=annotations.get("jobs.runner/moved-from"),
            references=tuple(f"Group/{group}" for group in sorted(groups)),
        ),
        Document({"metadata": metadata, "spec": own}, whole, dict(files or {})),
    )


def a_group(name: str, *, enabled: bool | None = True, **more: Any) -> Thing:
    return a_job(name, kind="Group", enabled=enabled, **more)


def a_tree(*things: Thing, partial: bool = False, source: str = "jobs.d") -> DeclaredSide:
    return DeclaredSide(
        objects={thing.declared.address: thing.declared for thing in things},
        documents={thing.declared.address: thing.document for thing in things},
        source=source,
        partial=partial,
    )


def a_hold(kind: str, owner: str = "ana", reason: str = "", until: datetime | None = None) -> Hold:
    return Hold(kind, owner, reason, NOW, until)


def plan_of(*things: Thing, installed: InstalledSide | None = None, **more: Any) -> Plan:
    return make_plan(a_tree(*things, **more), installed or InstalledSide(), NOW)


def installed_from(*things: Thing, source: str = "jobs.d") -> InstalledSide:
    """What is there once the things were planned and applied on an empty database."""
    tree = a_tree(*things, source=source)
    return carried_out(make_plan(tree, InstalledSide(), NOW), tree, InstalledSide())


def with_holds(side: InstalledSide, name: str, *holds: Hold, kind: str = "Job") -> InstalledSide:
    uid = side.objects[Address(kind, name)].uid
    return replace(side, holds={**side.holds, uid: [*side.holds.get(uid, ()), *holds]})


def carried_out(plan: Plan, tree: DeclaredSide, before: InstalledSide) -> InstalledSide:
    """A model of apply: every change finds what it expects, or the test fails."""
    objects, documents = dict(before.objects), dict(before.documents)
    holds = {uid: list(held) for uid, held in before.holds.items()}
    for change in plan.in_carrying_order():
        at = change.moved_from or change.address
        found = objects[at].digest if at in objects else None
        assert found == change.expects, f"{change.action} {change.address} expects {change.expects}"
        if change.action == "uninstall":
            uid = objects.pop(change.address).uid
            documents.pop(change.address)
            holds.pop(uid, None)
            continue
        if change.writes:
            uid = objects[at].uid if at in objects else f"uid-{change.address}"
            if change.action == "install" and change.address.kind == "Job":
                holds[uid] = [a_hold("new", "git")]
            objects.pop(at, None)
            documents.pop(at, None)
            objects[change.address] = _record(uid, tree.objects[change.address], tree.source)
            documents[change.address] = tree.documents[change.address]
        _edit(holds, change, objects)
    return replace(before, objects=objects, documents=documents, holds=holds, serial=before.serial + 1)


def _edit(holds: dict[str, list[Any]], change: Change, objects: Mapping[Address, Any]) -> None:
    for edit in change.holds:
        uid = edit.uid or objects[edit.address].uid
        others = [h for h in holds.get(uid, []) if (h.kind, h.owner) != (edit.kind, edit.owner)]
        holds[uid] = [*others, a_hold(edit.kind, edit.owner, edit.reason)] if edit.verb == "add" else others


def _record(uid: str, wanted: Declared, source: str) -> Record:
    return Record(
        uid=uid,
        address=wanted.address,
        source=source,
        digest=wanted.digest,
        enabled=wanted.enabled,
        protected=wanted.protected,
        prune_disabled=wanted.prune_disabled,
        file=wanted.place.file,
        line=wanted.place.line,
    )


def lines(plan: Plan) -> list[str]:
    """`install Job/x` for every line."""
    return [f"{change.action} {change.address}" for change in plan.changes]


def the(plan: Plan, action: str) -> Change:
    """The one line with this action."""
    [change] = [change for change in plan.changes if change.action == action]
    return change
