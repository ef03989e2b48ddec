"""Go back to what an earlier apply had installed, and keep it so until a newer commit changes it.

Works on what the database has: neither the files nor the repository need to be there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runner.access.permission import Actor
from runner.declaration.declared import Document
from runner.git.repository import bytes_from_git
from runner.operations.blobs import has_blob
from runner.operations.installed_side import document_of, installed_side
from runner.operations.plan import Planned, budget_of
from runner.operations.quarantine import QuarantineEdits, as_declared, revision_of
from runner.reconcile.make_plan import make_plan
from runner.reconcile.pins import Pin, own_digest, under_pins
from runner.reconcile.sides import DeclaredSide
from runner.sources.settings import PREFIX
from runner.store.applies import ApplyRecord
from runner.store.port import Reader, Store, Transaction
from runner.store.revisions import RevisionRecord
from runner.store.sources import QuarantineRecord
from runner.vocabulary.errors import Refused, UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.printable import printable

ROLLBACK = "rollback"
"""The verb of the apply that a rollback is."""

_COMMIT = re.compile(r"[0-9a-f]{4,64}\Z")


@dataclass(frozen=True, slots=True)
class Rollback:
    """A plan that goes back from apply `serial` to apply `to`, and what it pins."""

    planned: Planned
    source: str
    serial: int
    to: ApplyRecord
    pins: tuple[QuarantineRecord, ...]


def plan_rollback(
    store: Store,
    revision: str | None,
    actor: Actor,
    now: datetime,
    *,
    source: str | None = None,
    why: str = "",
) -> Rollback:
    """The plan, which `carry_out` carries out.

    `revision` is the serial of an apply, or a commit that was applied; None: the one before the last.
    UnknownName when there is no such apply, Refused when there is nothing to go back to, or the content of a
    file is no longer kept.
    """
    with store.read() as reader:
        source = source or _last_source(reader)
        applies = reader.applies.list(limit=None, source=source)
        pinned = reader.quarantines.of_source(source)
        now_at = _effective(applies, pinned, source)
        to = _chosen(applies, now_at, revision, source)
        pins = tuple(_pins(reader, source, to, now_at, actor, now, why))
        if not pins:
            earlier = ", ".join([_named(each) for each in applies if each.serial < to.serial][:5])
            what_now = f"name an earlier one: {earlier} (runner history)" if earlier else "nothing to do"
            raise Refused(f"{source} is installed as it was at serial {to.serial} already; {what_now}")
        planned = _planned(reader, store, source, to, pins, now)
        planned = replace(planned, blob=_contents(reader, store.path.parent, source, planned, pins))
    return Rollback(planned, source, now_at.serial, to, pins)


def _last_source(reader: Reader) -> str:
    newest = next(iter(reader.applies.list(limit=1)), None)
    if newest is None:
        raise Refused("nothing was applied yet, so there is nothing to go back to")
    return newest.source


def _effective(
    applies: Sequence[ApplyRecord], pinned: Sequence[QuarantineRecord], source: str
) -> ApplyRecord:
    """The apply whose state is installed: after a rollback the one that it went back to."""
    if not applies:
        shown = printable(source)
        raise UnknownName(f"nothing was applied from {shown} yet; `runner history` shows what was")
    by_serial = {each.serial: each for each in applies}
    newest = applies[0]
    while newest.verb == ROLLBACK:
        to = next((each.to_serial for each in pinned if each.since == newest.at), None)
        if to is None or to not in by_serial or to >= newest.serial:
            break
        newest = by_serial[to]
    return newest


def _chosen(
    applies: Sequence[ApplyRecord], now_at: ApplyRecord, revision: str | None, source: str
) -> ApplyRecord:
    earlier = [each for each in applies if each.serial < now_at.serial]
    if revision is None:
        if not earlier:
            raise Refused(f"there is no apply of {source} before serial {now_at.serial} to go back to")
        return earlier[0]
    found = [each for each in applies if revision.isdecimal() and each.serial == int(revision)]
    if not found and _COMMIT.match(revision):
        found = [each for each in applies if (each.commit or "").startswith(revision)]
    if not found:
        known = ", ".join(_named(each) for each in earlier[:5])
        raise UnknownName(f"no apply of {source} is called {revision}; there is {known or 'none before'}")
    to = found[0]
    if to.serial >= now_at.serial:
        raise Refused(f"{_named(to)} is what is installed; name an earlier one")
    return to


def _named(apply: ApplyRecord) -> str:
    return f"{apply.serial} ({apply.commit[:7]})" if apply.commit else str(apply.serial)


@dataclass(frozen=True, slots=True)
class _Then:
    address: Address
    digest: str | None


def _pins(
    reader: Reader, source: str, to: ApplyRecord, now_at: ApplyRecord, actor: Actor, now: datetime, why: str
) -> list[QuarantineRecord]:
    """What differs from then, one record for each address."""
    active = {each.address: each for each in reader.quarantines.active(source)}
    pins: list[QuarantineRecord] = []
    for uid, then in _then(reader, source, to.serial).items():
        record = reader.objects.by_uid(uid)
        if record is None or record.source != source:
            continue
        revision = reader.revisions.record(uid, then.digest) if then.digest else None
        if then.digest and revision is None:
            raise Refused(f"what {then.address} was at serial {to.serial} is no longer kept")
        is_there = record.removed_at is None
        alike = (record.digest if is_there else None) == then.digest
        if alike and (record.address == then.address or not is_there) and then.address not in active:
            continue
        own_now = own_digest(document_of(record)) if is_there else ""
        own_then = (
            own_digest(Document(revision.declared, revision.resolved, revision.files)) if revision else ""
        )
        base = QuarantineRecord(
            source=source,
            address=then.address,
            uid=uid,
            revision=revision.revision if revision else None,
            bad_commit=now_at.commit or "",
            bad_digest=record.digest if is_there else "",
            bad_own=own_now if own_now != own_then else "",
            bad_serial=now_at.serial,
            to_serial=to.serial,
            since=now,
            who=str(actor),
            why=why,
        )
        if is_there and record.address != then.address:
            pins.append(replace(base, address=record.address, revision=None))
            base = replace(base, bad_digest="", bad_own="")
        before = active.get(then.address)
        if before is not None:  # what is declared is still what the first rollback found
            base = replace(
                base, bad_digest=before.bad_digest, bad_own=before.bad_own, bad_commit=before.bad_commit
            )
        pins.append(base)
    return pins


def _then(reader: Reader, source: str, serial: int) -> dict[str, _Then]:
    """Of each object that was changed since: what it was called, and its digest (None: it was not there)."""
    found: dict[str, _Then] = {}
    for apply in reader.applies.between(serial, reader.serial()):
        if apply.source != source:
            continue
        for change in apply.changes:
            address = Address.parse(str(change.get("moved_from") or change["address"]))
            found.setdefault(str(change["uid"]), _Then(address, change["before"]))
    return found


def _planned(
    reader: Reader,
    store: Store,
    source: str,
    to: ApplyRecord,
    pins: Sequence[QuarantineRecord],
    now: datetime,
) -> Planned:
    installed = [record for record in reader.objects.all() if record.source == source]
    objects = {each.address: as_declared(each.address, each, each.protected) for each in installed}
    documents = {each.address: document_of(each) for each in installed}
    laid_over = under_pins([_as_pin(reader, pin) for pin in pins], objects, documents)
    declared = DeclaredSide(
        laid_over.objects, laid_over.documents, source, digest=f"{ROLLBACK} to {to.serial}", commit=to.commit
    )
    plan = make_plan(declared, installed_side(reader, declared, store.lineage, now), now)
    addresses = {pin.address for pin in pins}
    changes = tuple(change for change in plan.changes if change.address in addresses)
    plan = replace(plan, changes=changes, relocations=(), branch=to.branch, dirty=to.dirty)
    return Planned(
        plan,
        laid_over.objects,
        laid_over.documents,
        _nothing,
        budget_of(reader),
        quarantine=QuarantineEdits(begin=tuple(pins)),
    )


def _as_pin(reader: Reader, pin: QuarantineRecord) -> Pin:
    """It holds against what is installed, whatever that is: the rollback goes back from it."""
    revision = revision_of(reader, pin.uid, pin.revision)
    record = reader.objects.by_uid(pin.uid)
    protected = record is not None and record.protected
    there = record is not None and record.removed_at is None
    moved_from = record.name if there and record is not None and record.address != pin.address else None
    bad = record.digest if there and record is not None and record.address == pin.address else ""
    return Pin(
        0,
        pin.address,
        pin.uid,
        bad,
        "",
        as_declared(pin.address, revision, protected, moved_from) if revision else None,
        Document(revision.declared, revision.resolved, revision.files) if revision else None,
        "",
    )


def _contents(
    reader: Reader, state: Path, source: str, planned: Planned, pins: Sequence[QuarantineRecord]
) -> Callable[[str], bytes]:
    """The contents of files that are no longer kept, from the history of the repository; Refused when they
    are not there either.
    """
    found: dict[str, bytes] = {}
    commits = {pin.address: revision_of(reader, pin.uid, pin.revision) for pin in pins}
    owner = reader.owner(source)
    for change in planned.plan.changes:
        revision = commits.get(change.address) if change.writes else None
        for path, sha256 in revision.files.items() if revision is not None else ():
            if has_blob(state, sha256):
                continue
            content = _of_history(Path(owner.folder), revision, path) if owner and revision else None
            if content is None or hashlib.sha256(content).hexdigest() != sha256:
                raise Refused(
                    f"{path}, which {change.address} named then, is no longer kept (contents that nothing "
                    "names go after 7 days), and git does not have it here; bring the file back by a commit "
                    "that reverts the bad one"
                )
            found[sha256] = content
    return found.__getitem__


def _of_history(folder: Path, revision: RevisionRecord, path: str) -> bytes | None:
    if not revision.commit or revision.dirty or not folder.is_dir():
        return None
    return bytes_from_git(folder, "cat-file", "blob", f"{revision.commit}:./{path}")


def _nothing(sha256: str) -> bytes:
    raise KeyError(sha256)


def end_quarantine(store: Store, source: str | None, actor: Actor, now: datetime) -> list[QuarantineRecord]:
    """What was pinned (by rollbacks of that source, or of all) flows again; what that was."""

    def work(tx: Transaction) -> list[QuarantineRecord]:
        found = tx.quarantines.active(source)
        for name in sorted({each.source for each in found}):
            ids = tuple(each.id for each in found if each.source == name)
            QuarantineEdits(end=ids, by=str(actor)).write(tx, name, at=now, who=str(actor))
            tx.sources.ask(name.removeprefix(PREFIX), at=now, who=str(actor))
        return found

    return store.transact(work)
