"""What does one apply write? All of it in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from runner.lifecycle.holds import is_blocking
from runner.operations.audit import Approval, record_of
from runner.operations.holding import hold_job
from runner.operations.job_moves import RELEASES, note_job_move, status_of
from runner.operations.lease import APPLY
from runner.operations.maintenance import maintenance_under_way
from runner.operations.pausing import resume_what_the_job_kept
from runner.operations.plan import Planned
from runner.operations.reset import reset_job
from runner.operations.take_away import take_away
from runner.reconcile.plan import Change, HoldEdit, Plan
from runner.reconcile.switches import GIT
from runner.store.holds import HoldRecord
from runner.store.objects import NewObject, ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import StalePlan
from runner.vocabulary.identity import Address
from runner.vocabulary.instants import from_text_or_none

_WHOEVER = ("new", "git", "removed")
"""Holds that one owner has, whatever it is called."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done. `draining` are removed jobs that finish a run first; `serial` is the database's now."""

    plan: Plan
    serial: int
    changed: bool
    draining: tuple[Address, ...] = ()


@dataclass(slots=True)
class Carrying:
    """One carrying out; `uids` has what it has installed, `draining` what could not go yet.

    `maintenance` is the hold of one that is on: what is installed meanwhile is held too.
    """

    planned: Planned
    objects: dict[Address, NewObject]
    who: str
    now: datetime
    approval: Approval
    lease: str | None = None
    uids: dict[Address, str] = field(default_factory=dict)
    draining: list[Address] = field(default_factory=list)
    maintenance: HoldRecord | None = None

    def work(self, tx: Transaction) -> Applied:
        plan = self.planned.plan
        self.uids.clear()
        self.draining.clear()
        if plan.is_empty:
            if tx.serial() == plan.serial:
                self._relocate(tx)
                self._own(tx)
                self._quarantine(tx)
            return Applied(plan, tx.serial(), changed=False)
        serial = tx.set_serial(
            plan.serial,
            source=plan.source,
            tree_digest=plan.tree_digest,
            commit=plan.commit,
            branch=plan.branch,
            dirty=plan.dirty,
            at=self.now,
            who=self.who,
        )
        self.maintenance = maintenance_under_way(tx, self.now) if plan.count("install") else None
        for change in plan.in_carrying_order():
            self._change(tx, change)
        self._relocate(tx)
        self._own(tx)
        self._quarantine(tx)
        tx.applies.add(record_of(plan, serial, self.approval, self._uid_of, who=self.who, at=self.now))
        if self.lease is not None:
            tx.leases.release(APPLY, self.lease)
        return Applied(plan, serial, changed=True, draining=tuple(sorted(self.draining)))

    def _change(self, tx: Transaction, change: Change) -> None:
        if change.action == "install":
            self._install(tx, change)
        elif change.action == "uninstall":
            self._uninstall(tx, change)
        elif change.writes:
            self._write(tx, change)
        else:
            self._found(tx, change)
        uid = self._uid(change.address, change.uid)
        clears = change.address.kind == "Job" and any(edit.verb == "clear" for edit in change.holds)
        before = status_of(tx, uid, self.now) if clears else None
        for edit in change.holds:
            self._hold(tx, edit, change.reason)
        record = tx.objects.by_uid(uid) if before is not None else None
        if record is not None and before is not None:
            note_job_move(tx, record, before, RELEASES, who=self.who, why=change.reason, now=self.now)
        for schedule in change.watermarks:
            tx.slots.set_watermark(uid, schedule, self.now)
        if any(edit.verb == "clear" for edit in change.holds):
            resume_what_the_job_kept(tx, uid, who=self.who, why=change.reason, now=self.now)

    def _install(self, tx: Transaction, change: Change) -> None:
        new = self.objects[change.address]
        uid = tx.objects.install(new, at=self.now, who=self.who, why=change.reason)
        self.uids[change.address] = uid
        if change.address.kind == "Job":
            for schedule in new.resolved.get("schedules") or ():
                tx.slots.drop_watermark(uid, schedule)  # of an earlier life
            hold = HoldRecord(uid, "new", GIT, "newly installed", self.now)
            tx.holds.add(uid, hold, who=self.who, why=change.reason)
            if self.maintenance is not None:
                tx.holds.add(uid, replace(self.maintenance, object_uid=uid, since=self.now), who=self.who)

    def _write(self, tx: Transaction, change: Change) -> None:
        new, uid = self.objects[change.address], self._uid(change.address, change.uid)
        was = tx.objects.by_uid(uid)
        if was is not None:  # a plan of one file leaves the object with its source
            new = replace(new, source=was.source)
        if change.moved_from is not None:
            tx.objects.move(uid, change.address, at=self.now, who=self.who, why=change.reason)
        tx.objects.update(
            uid,
            new,
            expected_digest=change.expects or "",
            at=self.now,
            who=self.who,
            why=_why(change),
        )
        gone = set((was.resolved.get("schedules") or {}) if was else ()) - set(
            new.resolved.get("schedules") or {}
        )
        for schedule in sorted(gone):
            tx.slots.drop_watermark(uid, schedule)
        if was is not None and was.execution_digest != new.execution_digest:
            self._give_another_chance(tx, uid)

    def _give_another_chance(self, tx: Transaction, uid: str) -> None:
        """J9: with `clearFailureOnChange` a new revision of a FAILED job is a reset."""
        record = tx.objects.by_uid(uid)
        if record is not None and record.resolved.get("clearFailureOnChange"):
            reset_job(tx, record, self.who, "a new revision", self.now)

    def _uninstall(self, tx: Transaction, change: Change) -> None:
        record = self._found(tx, change)
        if not take_away(tx, record, who=self.who, reason=change.reason, now=self.now):
            self.draining.append(change.address)

    def _found(self, tx: Transaction, change: Change) -> ObjectRecord:
        """The installed object, as the change expects it."""
        record = tx.objects.get(change.address)
        if record is None:
            raise StalePlan(f"{change.address} is not installed any more; make a new plan")
        if record.digest != change.expects:
            raise StalePlan(f"{change.address} was changed since the plan was made; make a new plan")
        return record

    def _hold(self, tx: Transaction, edit: HoldEdit, why: str) -> None:
        uid = self._uid(edit.address, edit.uid)
        if edit.verb == "clear":
            owner = None if edit.kind in _WHOEVER else edit.owner
            tx.holds.clear(uid, edit.kind, owner, at=self.now, who=self.who, why=why)
            return
        until = from_text_or_none(edit.until or None)
        record = tx.objects.by_uid(uid) if is_blocking(edit.kind) else None
        if record is not None and record.kind == "Job":
            hold_job(
                tx,
                record,
                edit.kind,
                owner=edit.owner,
                who=self.who,
                reason=edit.reason,
                now=self.now,
                until=until,
            )
        else:
            hold = HoldRecord(uid, edit.kind, edit.owner, edit.reason, self.now, until)
            tx.holds.add(uid, hold, who=self.who, why=why)

    def _relocate(self, tx: Transaction) -> None:
        plan = self.planned.plan
        for each in plan.relocations:
            tx.objects.relocate(
                each.uid, file=each.place.file, line=each.place.line, commit=plan.commit, dirty=plan.dirty
            )

    def _own(self, tx: Transaction) -> None:
        for source, owner in self.planned.ownership.owners.items():
            tx.set_owner(source, owner)

    def _uid_of(self, change: Change) -> str:
        return self._uid(change.address, change.uid)

    def _quarantine(self, tx: Transaction) -> None:
        edits = self.planned.quarantine
        if edits is not None:
            edits.write(tx, self.planned.plan.source, at=self.now, who=self.who)

    def _uid(self, address: Address, uid: str | None) -> str:
        return uid if uid is not None else self.uids[address]


def _why(change: Change) -> str:
    paths = [each.path for each in change.fields]
    listed = ", ".join(paths[:5]) + (", …" if len(paths) > 5 else "")
    return f"{change.reason}: {listed}" if listed else change.reason
