"""What can be asked of a store, whatever it is made of? One small Protocol per noun.

Reads see one snapshot. Every write belongs to a transaction, and is guarded: it names the state (and the
epoch) that it expects, raises ChangedMeanwhile when it finds another, and then changes nothing. Every
transition writes its event row itself, so callers never do. Instants are aware UTC datetimes, handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from runner.store.applying import ApplyReads, ApplyWrites, LeaseReads, LeaseWrites
from runner.store.arriving import ArrivalReads, ArrivalWrites
from runner.store.drilling import DrillReads, DrillWrites
from runner.store.outside import ExternalReads, ExternalWrites, TokenReads, TokenWrites
from runner.store.records import (
    Applied,
    ErrorRecord,
    EventRecord,
    HoldRecord,
    InstalledSummary,
    NewObject,
    NotificationRecord,
    ObjectRecord,
    RevisionRecord,
    SessionRecord,
    SlotRecord,
    Watermark,
)
from runner.store.running import InstanceReads, InstanceWrites, StepReads, StepWrites, TaskReads, TaskWrites
from runner.store.saving import StateReads, StateWrites
from runner.store.sourcing import QuarantineReads, QuarantineWrites, SourceReads, SourceWrites
from runner.store.timekeeping import PresenceReads, PresenceWrites, ZoneReads, ZoneWrites
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.identity import Address

if TYPE_CHECKING:
    from runner.reconcile.owner import Owner

T = TypeVar("T")
Slots = list[SlotRecord]
Sessions = list[SessionRecord]


class ObjectReads(Protocol):
    """What is installed. Tombstones appear only where that is said."""

    def summaries(self, kind: str | None = None) -> list[InstalledSummary]: ...
    def get(self, address: Address) -> ObjectRecord | None: ...
    def by_uid(self, uid: str) -> ObjectRecord | None:
        """Tombstones too."""

    def all(self, kind: str | None = None) -> list[ObjectRecord]:
        """Sorted by kind and name."""

    def schedules(self) -> dict[str, int]:
        """The schedules (JSON text of a map) of the installed jobs that start by themselves and are not held,
        each with how many jobs have exactly these."""

    def tombstones(self) -> list[ObjectRecord]: ...
    def versions(self, kind: str | None = None) -> dict[str, tuple[str, int]]:
        """uid → (digest, revision): notice cheaply what changed since the last look."""


class ObjectWrites(ObjectReads, Protocol):
    """Carries a plan out; events `installed updated moved uninstalled` are written with it."""

    def install(
        self, new: NewObject, *, at: datetime, who: str, why: str = "", uid: str | None = None
    ) -> str:
        """Its uid. A tombstone of the same address comes back to life with its uid, slots and history."""

    def update(
        self, uid: str, new: NewObject, *, expected_digest: str, at: datetime, who: str, why: str = ""
    ) -> int:
        """The new revision; ChangedMeanwhile when another digest is installed. The address stays."""

    def move(self, uid: str, to: Address, *, at: datetime, who: str, why: str = "") -> None:
        """Give it another name; uid, holds, slots and history stay."""

    def relocate(self, uid: str, *, file: str, line: int, commit: str | None, dirty: bool) -> None:
        """Same content at another place of the tree: no new revision."""

    def remove(self, uid: str, *, expected_digest: str, at: datetime, who: str, why: str = "") -> None:
        """Make it a tombstone; ChangedMeanwhile when unfinished runs exist or another digest is installed."""


class RevisionReads(Protocol):
    def of(self, uid: str) -> list[RevisionRecord]:
        """Newest first."""

    def get(self, uid: str, digest: str) -> dict[str, Any] | None:
        """The resolved spec that a run is pinned to."""

    def record(self, uid: str, digest: str) -> RevisionRecord | None:
        """The same with its files and place."""

    def blobs_in_use(self) -> set[str]:
        """sha256 of every file that an installed object or an unfinished run may still need."""


class HoldReads(Protocol):
    def of(self, uid: str) -> list[HoldRecord]: ...
    def all(self) -> dict[str, list[HoldRecord]]:
        """Of installed objects: uid → holds; objects without a hold are absent."""

    def ending_before(self, instant: datetime) -> list[HoldRecord]: ...
    def next_end(self) -> datetime | None: ...


class HoldWrites(HoldReads, Protocol):
    def add(self, uid: str, hold: HoldRecord, *, who: str = "", why: str = "") -> bool:
        """Whether anything changed. One hold per (object, kind, owner): the same again only renews it."""

    def clear(
        self, uid: str, kind: str, owner: str | None = None, *, at: datetime, who: str, why: str = ""
    ) -> bool:
        """Whether there was one; owner None clears every owner's."""


class SlotReads(Protocol):
    def watermark(self, job_uid: str, schedule: str) -> Watermark | None: ...
    def watermarks(self) -> dict[tuple[str, str], Watermark]:
        """(job_uid, schedule) → watermark, of all jobs."""

    def is_decided(self, job_uid: str, slot_key: str) -> bool: ...
    def list(self, job_uid: str | None = None, *, since: datetime | None = None, limit: int = 100) -> Slots:
        """Newest slots first."""

    def decided_at(self, job_uid: str, slot_at: datetime) -> Slots:
        """All rows of a job's slots that were due at this instant, by their key."""

    def get(self, job_uid: str, slot_key: str) -> SlotRecord | None:
        """What was decided about the slot of that name."""

    def covering(self, job_uid: str, after: datetime, until: datetime) -> Slots:
        """Rows of slots that were due from `after` to `until`, both included, and of dropped ranges that
        reach into that time; first due first.
        """


class SlotWrites(SlotReads, Protocol):
    def decide(self, slot: SlotRecord, *, move_watermark: bool = True) -> bool:
        """Whether the slot was still undecided; the watermark only ever moves forward here."""

    def set_watermark(self, job_uid: str, schedule: str, at: datetime, slot_key: str | None = None) -> None:
        """Set it, also backwards: enabling, editing and restoring set it to now."""

    def drop_watermark(self, job_uid: str, schedule: str) -> None:
        """The schedule is gone from the declaration; its ledger stays."""


class ErrorReads(Protocol):
    def of(self, instance_id: int) -> list[ErrorRecord]: ...
    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[ErrorRecord]]: ...


class ErrorWrites(ErrorReads, Protocol):
    def add(self, error: ErrorRecord) -> None: ...


class NotificationReads(Protocol):
    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[NotificationRecord]]: ...


class NotificationWrites(NotificationReads, Protocol):
    def add(self, told: NotificationRecord) -> None: ...


class EventReads(Protocol):
    def of(
        self, subject_kind: str, subject: str, limit: int = 100, *, alone: bool = False
    ) -> list[EventRecord]:
        """Newest first. Of an instance: with those of its tasks and steps, unless `alone`."""

    def since(self, id: int, limit: int = 1000) -> list[EventRecord]:
        """After that id, oldest first."""

    def last_id(self) -> int:
        """Rises with every change that has an event: the cheapest way to notice that something happened."""


class EventWrites(EventReads, Protocol):
    def append(
        self,
        subject_kind: str,
        subject: str,
        event: str,
        *,
        at: datetime,
        who: str,
        why: str = "",
        row: str = "",
        before: str = "",
        after: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None: ...


class SessionReads(Protocol):
    def list(self, limit: int = 50) -> Sessions:
        """Newest first."""

    def get(self, id: int) -> SessionRecord | None: ...
    def current_daemon(self) -> SessionRecord | None:
        """The newest `up` that has not ended; whether it still lives, its heartbeat and the lock tell."""


class SessionWrites(SessionReads, Protocol):
    def start(self, kind: str, *, pid: int, host: str, boot_id: str, login: str, at: datetime) -> int: ...
    def beat(self, id: int, at: datetime) -> None: ...
    def end(self, id: int, at: datetime, how: str) -> None:
        """Once: an ended session stays as it ended."""

    def end_others(self, id: int, at: datetime, how: str) -> int:
        """End every other `up` session that never said goodbye; only the holder of the lock may."""


class Reader(Protocol):
    """One consistent snapshot."""

    @property
    def objects(self) -> ObjectReads: ...
    @property
    def revisions(self) -> RevisionReads: ...
    @property
    def holds(self) -> HoldReads: ...
    @property
    def slots(self) -> SlotReads: ...
    @property
    def instances(self) -> InstanceReads: ...
    @property
    def tasks(self) -> TaskReads: ...
    @property
    def steps(self) -> StepReads: ...
    @property
    def state(self) -> StateReads: ...
    @property
    def errors(self) -> ErrorReads: ...
    @property
    def notifications(self) -> NotificationReads: ...
    @property
    def events(self) -> EventReads: ...
    @property
    def sessions(self) -> SessionReads: ...
    @property
    def tokens(self) -> TokenReads: ...
    @property
    def external(self) -> ExternalReads: ...
    @property
    def drills(self) -> DrillReads: ...
    @property
    def arrivals(self) -> ArrivalReads: ...
    @property
    def leases(self) -> LeaseReads: ...
    @property
    def applies(self) -> ApplyReads: ...
    @property
    def sources(self) -> SourceReads: ...
    @property
    def quarantines(self) -> QuarantineReads: ...
    @property
    def presence(self) -> PresenceReads: ...
    @property
    def zones(self) -> ZoneReads: ...
    def note(self, problem: DamagedRow) -> None:
        """Keep it among the notes of the store and go on; raised where nobody takes notes."""

    def serial(self) -> int:
        """Rises with each apply, never with holds or runs."""

    def applied(self, source: str | None = None) -> Applied | None:
        """The last apply (of that source), or None."""

    def owner(self, source: str) -> Owner | None:
        """The project that a source belongs to; None when nobody has said so yet."""


class Transaction(Reader, Protocol):
    """Reads and writes that become durable together, or not at all."""

    @property
    def objects(self) -> ObjectWrites: ...
    @property
    def holds(self) -> HoldWrites: ...
    @property
    def slots(self) -> SlotWrites: ...
    @property
    def instances(self) -> InstanceWrites: ...
    @property
    def tasks(self) -> TaskWrites: ...
    @property
    def steps(self) -> StepWrites: ...
    @property
    def state(self) -> StateWrites: ...
    @property
    def errors(self) -> ErrorWrites: ...
    @property
    def notifications(self) -> NotificationWrites: ...
    @property
    def events(self) -> EventWrites: ...
    @property
    def sessions(self) -> SessionWrites: ...
    @property
    def tokens(self) -> TokenWrites: ...
    @property
    def external(self) -> ExternalWrites: ...
    @property
    def drills(self) -> DrillWrites: ...
    @property
    def arrivals(self) -> ArrivalWrites: ...
    @property
    def leases(self) -> LeaseWrites: ...
    @property
    def applies(self) -> ApplyWrites: ...
    @property
    def sources(self) -> SourceWrites: ...
    @property
    def quarantines(self) -> QuarantineWrites: ...
    @property
    def presence(self) -> PresenceWrites: ...
    @property
    def zones(self) -> ZoneWrites: ...
    def set_serial(
        self,
        expected: int,
        *,
        source: str,
        tree_digest: str,
        commit: str | None,
        branch: str | None,
        dirty: bool,
        at: datetime,
        who: str,
    ) -> int:
        """The new serial; StalePlan when it is no longer `expected`."""

    def set_owner(self, source: str, owner: Owner) -> None:
        """The source belongs to this project from now on."""


class Store(Protocol):
    """An open store. Methods may be called from any thread."""

    @property
    def path(self) -> Path: ...
    @property
    def lineage(self) -> str:
        """A uuid, made with the database."""

    @property
    def installation_id(self) -> str:
        """The same; what jitter is derived from."""

    @property
    def notes(self) -> Sequence[DamagedRow]:
        """What readers left out because it could not be read; empty where that is raised."""

    def read(self) -> AbstractContextManager[Reader]: ...
    def transact(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, durable. Whatever it raises is raised here, and nothing is changed.

        StoreUnavailable when another process holds the database for 30 s, or the disk fails. Never to be
        called from `then` of `submit`, nor inside a work.
        """

    def submit(
        self, work: Callable[[Transaction], T], then: Callable[[T | None, BaseException | None], None]
    ) -> None:
        """Queue `work` for the writer thread, in order; `then(result, None)` or `then(None, problem)` is
        called in that thread once the result is durable, or the work was undone. A work may be called again
        after it was undone, because of another one in its commit.
        """

    def submit_all(
        self,
        jobs: Sequence[tuple[Callable[[Transaction], Any], Callable[[Any, BaseException | None], None]]],
    ) -> None:
        """As `submit` for each of them, in order; the writer is woken once."""

    def close(self) -> None:
        """Finish what is queued, then let go."""
