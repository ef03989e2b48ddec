"""What rollbacks have pinned, as a plan needs it, and what an apply writes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.declaration.declared import Declared, Document
from runner.reconcile.pins import Pin, Pinned, under_pins
from runner.reconcile.sides import DeclaredSide
from runner.store.objects import NewObject
from runner.store.port import Reader, Transaction
from runner.store.revisions import RevisionRecord
from runner.store.sources import QuarantineRecord
from runner.vocabulary.identity import Address, Place


@dataclass(frozen=True, slots=True)
class QuarantineEdits:
    """What an apply begins and ends, in its own transaction. `by` is the commit that ends them."""

    begin: tuple[QuarantineRecord, ...] = ()
    end: tuple[int, ...] = ()
    by: str = ""

    def write(self, tx: Transaction, source: str, *, at: datetime, who: str) -> None:
        """Each change of what is pinned is an event of the source."""
        ended = [pin for pin in tx.quarantines.active() if pin.id in self.end] if self.end else []
        for pin in ended:
            tx.quarantines.end(pin.id, at=at, by=self.by or who)
        for pin in self.begin:
            tx.quarantines.begin(pin)
        for event, pins in (("source.quarantine-ended", ended), ("source.rolled-back", self.begin)):
            if pins:
                details = {
                    "objects": [str(pin.address) for pin in pins],
                    "bad_commit": pins[0].bad_commit,
                    "bad_serial": pins[0].bad_serial,
                    "to_serial": pins[0].to_serial,
                }
                tx.events.append("source", source, event, at=at, who=who, why=pins[0].why, details=details)


def pinned_side(reader: Reader, declared: DeclaredSide) -> Pinned:
    """The declared side under the pins that hold; of a part of a source only pins of what it declares."""
    pins = [
        _pin(reader, record)
        for record in reader.quarantines.active()
        if record.address in declared.objects or (record.source == declared.source and not declared.partial)
    ]
    if declared.partial:
        pins = [pin for pin in pins if pin.bad_digest]
    return under_pins(pins, declared.objects, declared.documents)


def ended_by(pinned: Pinned | None, commit: str | None) -> QuarantineEdits | None:
    """What the apply of a tree ends of it."""
    if pinned is None or not pinned.ended:
        return None
    return QuarantineEdits(end=tuple(pin.id for pin in pinned.ended), by=commit or "")


def _pin(reader: Reader, record: QuarantineRecord) -> Pin:
    revision = revision_of(reader, record.uid, record.revision)
    moved_from = _moved_from(reader, record) if revision is not None else None
    protected = (installed := reader.objects.by_uid(record.uid)) is not None and installed.protected
    commit = record.bad_commit[:7] or f"serial {record.bad_serial}"
    why = f" ({record.why})" if record.why else ""
    return Pin(
        record.id,
        record.address,
        record.uid,
        record.bad_digest,
        record.bad_own,
        None if revision is None else as_declared(record.address, revision, protected, moved_from),
        None if revision is None else Document(revision.declared, revision.resolved, revision.files),
        f"{record.who} rolled {commit} back{why}; until a newer commit changes it",
    )


def _moved_from(reader: Reader, record: QuarantineRecord) -> str | None:
    """The name that the bad commit gave it, as long as it is installed under that."""
    installed = reader.objects.by_uid(record.uid)
    if installed is None or installed.removed_at is not None or installed.name == record.address.name:
        return None
    return installed.name


def revision_of(reader: Reader, uid: str, number: int | None) -> RevisionRecord | None:
    """One revision of an object."""
    if number is None:
        return None
    return next((each for each in reader.revisions.of(uid) if each.revision == number), None)


def as_declared(
    address: Address, content: RevisionRecord | NewObject, protected: bool, moved_from: str | None = None
) -> Declared:
    """Something that was installed, as if a tree declared it now."""
    metadata: Mapping[str, Any] = content.declared.get("metadata") or {}
    annotations: Mapping[str, Any] = metadata.get("annotations") or {}
    enabled = (content.declared.get("spec") or {}).get("enabled")
    return Declared(
        address=address,
        place=Place(content.file, content.line),
        digest=content.digest,
        execution_digest=content.execution_digest,
        enabled=enabled if isinstance(enabled, bool) else None,
        labels=dict(metadata.get("labels") or {}),
        protected=protected,
        prune_disabled=annotations.get("jobs.runner/prune") == "disabled",
        reconcile_disabled=False,
        moved_from=moved_from,
        references=tuple(sorted(f"Group/{name}" for name in content.resolved.get("groups") or ())),
    )
