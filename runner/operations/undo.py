"""Bring an uninstalled object back, with its history and its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runner.access.permission import Actor
from runner.declaration.facts import addresses_in, facts_of
from runner.operations.beside_plans import Managed, may_manage, write_down
from runner.operations.blobs import blob_path
from runner.operations.settings import keep_removed
from runner.reconcile.next_start import in_words, next_start
from runner.reconcile.switches import GIT, OPERATOR
from runner.store.holds import HoldRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import Refused, UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.names import nearest


@dataclass(frozen=True, slots=True)
class Removed:
    """What was uninstalled, and until when it can be brought back."""

    address: Address
    removed_at: datetime
    until: datetime
    who: str


def removed_objects(reader: Reader, now: datetime) -> Sequence[Removed]:
    """What can be brought back, the newest first."""
    keep = keep_removed(reader)
    found = []
    for record in reader.objects.tombstones():
        if record.removed_at is None or record.removed_at + keep <= now:
            continue
        events = reader.events.of(record.kind, record.name, 20)
        who = next((e.who for e in events if e.event.endswith(".uninstalled")), "")
        found.append(Removed(record.address, record.removed_at, record.removed_at + keep, who))
    return sorted(found, key=lambda each: each.removed_at, reverse=True)


def undo(
    tx: Transaction,
    address: Address,
    actor: Actor,
    now: datetime,
    *,
    state: Path,
    allow_protected: bool = False,
) -> Managed:
    """The object is installed again as it was, with its uid: history, state and operators' holds are its own.

    Its schedules count from now. Until it is declared again no plan removes it. UnknownName when nothing of
    that address was uninstalled; Refused when it is installed, when that is too long ago, or when something
    that it needs is gone. A job that still drains just stays.
    """
    installed = tx.objects.get(address)
    if installed is not None:
        return _kept(tx, installed, actor, now, allow_protected=allow_protected)
    buried = [each for each in tx.objects.tombstones() if each.address == address]
    if not buried:
        names = [each.name for each in tx.objects.tombstones() if each.kind == address.kind]
        close = nearest(address.name, names)
        hint = f"did you mean '{close}'?" if close else "`runner undo` alone lists what can be brought back"
        raise UnknownName(f"no {address.kind} was uninstalled that was called '{address.name[:100]}'; {hint}")
    record = buried[-1]
    _refuse(tx, record, now, state)
    may_manage(actor, record, allow_protected=allow_protected)
    reason = f"brought back by runner undo; it was uninstalled {record.removed_at:%Y-%m-%d %H:%M} UTC"
    uid = tx.objects.install(replace(record, prune_disabled=True), at=now, who=str(actor), why=reason)
    if record.kind == "Job":
        for schedule in record.resolved.get("schedules") or ():
            tx.slots.set_watermark(uid, schedule, now)
        for kind, owner, why in _holds(record, str(actor)):
            tx.holds.add(uid, HoldRecord(uid, kind, owner, why, now), who=str(actor), why=reason)
    serial = write_down(tx, record, "undo", record.source, reason, who=str(actor), at=now)
    return Managed(address, True, _said(tx, uid, record, now), serial)


def _kept(
    tx: Transaction, record: ObjectRecord, actor: Actor, now: datetime, *, allow_protected: bool
) -> Managed:
    if not any(hold.kind == "removed" for hold in tx.holds.of(record.uid)):
        raise Refused(f"{record.address} is installed; there is nothing to undo")
    may_manage(actor, record, allow_protected=allow_protected)
    reason = "kept by runner undo before it had drained"
    new = replace(record, prune_disabled=True)
    tx.objects.update(record.uid, new, expected_digest=record.digest, at=now, who=str(actor), why=reason)
    tx.holds.clear(record.uid, "removed", at=now, who=str(actor), why=reason)
    for schedule in record.resolved.get("schedules") or ():
        tx.slots.set_watermark(record.uid, schedule, now)
    serial = write_down(tx, record, "undo", record.source, reason, who=str(actor), at=now)
    return Managed(record.address, True, _said(tx, record.uid, record, now), serial)


def _refuse(tx: Transaction, record: ObjectRecord, now: datetime, state: Path) -> None:
    keep = keep_removed(tx)
    assert record.removed_at is not None
    if record.removed_at + keep <= now:
        raise Refused(
            f"{record.address} was uninstalled {record.removed_at:%Y-%m-%d %H:%M} UTC, more than {keep.days} "
            "days ago (keepRemoved of the Runner); declare it again: its history comes back with it"
        )
    for text in addresses_in(facts_of(record.declared, record.kind)):
        if text.startswith("JobType/"):
            continue  # a part of what was resolved
        needed = Address.parse(text)
        if tx.objects.get(needed) is None:
            raise Refused(
                f"{record.address} needs {needed}, which is not installed; `runner undo {needed}` first"
            )
    for path, sha256 in record.files.items():
        if not blob_path(state, sha256).is_file():
            raise Refused(
                f"the content of {path}, which {record.address} names, is not kept any more; declare it again"
            )


def _holds(record: ObjectRecord, who: str) -> list[tuple[str, str, str]]:
    """Nothing starts by surprise: what git had not enabled is held."""
    if record.enabled is False:
        return [("git", GIT, "spec.enabled is false")]
    if record.enabled is None:
        return [(OPERATOR, who, "brought back, and spec.enabled is omitted")]
    return []


def _said(tx: Transaction, uid: str, record: ObjectRecord, now: datetime) -> str:
    runs = len(tx.instances.ends_of(uid, 1000)) if record.kind == "Job" else 0
    has_state = tx.state.last_owner(uid) is not None or tx.state.persistent(uid) is not None
    with_what = [f"{runs} run{'' if runs == 1 else 's'} of history"] if record.kind == "Job" else []
    with_what += ["its saved state"] if has_state else []
    held = sorted({hold.kind for hold in tx.holds.of(uid)})
    said = f"{record.address} is back" + (f", with {' and '.join(with_what)}" if with_what else "")
    start = None if held or record.kind != "Job" else next_start(record.resolved, now)
    if held:
        said += f"; held: {', '.join(held)}"
    elif start is not None:
        said += f"; next start {in_words(start, now)} {start.zone}"
    return f"{said}. No plan removes it; declare it again to manage it"
