"""Carry a plan out: exactly that, in one transaction, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from runner.access.permission import Actor, may
from runner.operations.audit import Approval
from runner.operations.blobs import renew_blob, store_blob
from runner.operations.carrying import Applied, Carrying
from runner.operations.last_applied import remember
from runner.operations.lease import apply_lease
from runner.operations.plan import Planned
from runner.operations.restore_blobs import restore_blobs
from runner.reconcile.guards import deletion_refusal, protected_changes
from runner.reconcile.plan import Change, Plan
from runner.store.objects import NewObject
from runner.store.port import Store
from runner.vocabulary.errors import ChangedMeanwhile, Refused, StalePlan

__all__ = ["Applied", "carry_out", "refuse_by_guards", "refuse_foreign_plan"]


def carry_out(
    planned: Planned,
    store: Store,
    actor: Actor,
    now: datetime,
    *,
    state: Path | None = None,
    allow_delete: int | None = None,
    allow_protected: bool = False,
    adopt: bool = False,
    approval: Approval | None = None,
) -> Applied:
    """Do what the plan says, once the guards agree.

    Contents of named files are written first, then everything else in one transaction, with a row that says
    what was done and who had agreed (`approval`). Raises Refused (the deletion budget; a source of another
    project, unless `adopt`; another apply under way), NotAllowed (a protected object), or StalePlan when the
    database or an object is no longer what the plan was made against. Nothing is changed then.
    """
    plan = planned.plan
    refuse_by_guards(planned, actor, allow_delete=allow_delete, allow_protected=allow_protected, adopt=adopt)
    refuse_foreign_plan(plan, store)
    approval = replace(
        approval or Approval(),
        allowed={
            **({} if allow_delete is None else {"delete": allow_delete}),
            **({"protected": True} if allow_protected else {}),
            **({"adopt": True} if adopt else {}),
            **({"heal": True} if any(each.impact.get("heals") for each in plan.changes) else {}),
        },
    )
    if plan.is_empty:
        return _carry_out(planned, store, actor, now, state, approval, None)
    with apply_lease(store, str(actor), plan.commit) as lease:
        return _carry_out(planned, store, actor, now, state, approval, lease)


def _carry_out(
    planned: Planned,
    store: Store,
    actor: Actor,
    now: datetime,
    state: Path | None,
    approval: Approval,
    lease: str | None,
) -> Applied:
    plan = planned.plan
    objects = {c.address: _new_object(planned, c) for c in plan.changes if c.writes}
    folder = state if state is not None else store.path.parent
    for sha256 in sorted({sha256 for each in objects.values() for sha256 in each.files.values()}):
        if not renew_blob(folder, sha256):
            store_blob(folder, sha256, planned.blob(sha256))
    carrying = Carrying(planned, objects, str(actor), now, approval, lease)
    try:
        applied = store.transact(carrying.work)
    except ChangedMeanwhile as problem:
        raise StalePlan(f"{problem}; make a new plan") from problem
    if planned.tree is not None:
        with store.read() as reader:
            restore_blobs(reader, folder, planned.tree)
    if applied.changed and planned.tree is not None and plan.is_all:
        remember(folder, planned.tree, plan.tree_digest)
    return applied


def refuse_by_guards(
    planned: Planned,
    actor: Actor,
    *,
    allow_delete: int | None = None,
    allow_protected: bool = False,
    adopt: bool = False,
) -> None:
    """Nothing, or Refused with what would be needed."""
    if planned.ownership.refusal and not adopt:
        raise Refused(planned.ownership.refusal[0].upper() + planned.ownership.refusal[1:])
    refusal = deletion_refusal(planned.plan, allow_delete, planned.budget)
    if refusal is not None:
        raise Refused(refusal[0].upper() + refusal[1:])
    for change in planned.plan.changes:
        if change.action in ("install", "update", "move", "uninstall"):
            may(actor, change.action)
            break
    for change in protected_changes(planned.plan):
        is_job = change.address.kind == "Job"
        may(
            actor,
            change.action if is_job else "group",
            what=change.address.name if is_job else "",
            protected=True,
            allow_protected=allow_protected,
        )


def refuse_foreign_plan(plan: Plan, store: Store) -> None:
    """Nothing, or StalePlan when the plan was made for another database."""
    if plan.lineage == store.lineage:
        return
    if plan.lineage is None:
        with store.read() as reader:
            if reader.serial() == 0 and not reader.objects.summaries():
                return
        raise StalePlan(
            "The plan was made without a database, and this one has objects already; make a new plan"
        )
    raise StalePlan(
        f"The plan was made for another database ({plan.lineage}; this one is {store.lineage}); "
        "make a new plan"
    )


def _new_object(planned: Planned, change: Change) -> NewObject:
    declared, document = planned.declared[change.address], planned.documents[change.address]
    if declared.digest != change.after_digest:
        raise StalePlan(f"{change.address} is no longer declared as planned; make a new plan")
    return NewObject(
        kind=change.address.kind,
        name=change.address.name,
        source=planned.plan.source,
        file=declared.place.file,
        line=declared.place.line,
        digest=declared.digest,
        execution_digest=declared.execution_digest,
        declared=document.declared,
        resolved=document.resolved,
        files=document.files,
        labels=declared.labels,
        enabled=declared.enabled,
        protected=declared.protected,
        prune_disabled=declared.prune_disabled,
        commit=planned.plan.commit,
        dirty=planned.plan.dirty,
    )
