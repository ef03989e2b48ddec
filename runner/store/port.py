"""What can be asked of a store, whatever it is made of? One small Protocol per noun.

Reads see one snapshot. Every write belongs to a transaction, and is guarded: it names the state (and the
epoch) that it expects, raises ChangedMeanwhile when it finds another, and then changes nothing. Every
transition writes its event row itself, so callers never do. Instants are aware UTC datetimes, handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    AtWork,
    ErrorRecord,
    EventRecord,
    HoldRecord,
    InstalledSummary,
    InstanceEnd,
    InstanceRecord,
    LatestInstance,
    LockHolder,
    NewInstance,
    NewObject,
    NewStep,
    NotificationRecord,
    ObjectRecord,
    OpenTask,
    PersistentRecord,
    PrunedInstance,
    RevisionRecord,
    SessionRecord,
    SlotRecord,
    StateRecord,
    StepRecord,
    TargetRequest,
    TaskRecord,
    Watermark,
)
from runner.store.sourcing import QuarantineReads, QuarantineWrites, SourceReads, SourceWrites
from runner.store.timekeeping import PresenceReads, PresenceWrites, ZoneReads, ZoneWrites
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.identity import Address

if TYPE_CHECKING:
    from runner.lifecycle.machine import Move
    from runner.reconcile.owner import Owner

T = TypeVar("T")
Instances = list[InstanceRecord]
Ends = list[InstanceEnd]
Pruned = list[PrunedInstance]
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


class InstanceReads(Protocol):
    def get(self, id: int) -> InstanceRecord | None: ...
    def existing(self, ids: Iterable[int]) -> set[int]:
        """Those of `ids` that are runs in the history."""

    def list(
        self,
        job: str | None = None,
        states: Iterable[str] | None = None,
        since: datetime | None = None,
        limit: int | None = 50,
        job_uid: str | None = None,
    ) -> Instances:
        """Newest first; `since` looks at when they were created."""

    def waiting(
        self,
        due_before: datetime | None = None,
        limit: int | None = None,
        without: Iterable[int] = (),
        without_new_of: Iterable[str] = (),
    ) -> Instances:
        """SCHEDULED, first due first (then first created); `without` are ids that are left out, and
        `without_new_of` jobs of which what has not begun is, unless it is forced.
        """

    def late(self, now: datetime) -> Instances:
        """SCHEDULED or PAUSED whose start_deadline or expires_at has passed."""

    def overdue(self, now: datetime) -> Instances:
        """PAUSING, STOPPING or UNKNOWN, and the time for that is over."""

    def next_due(self, after: datetime | None = None) -> datetime | None:
        """When the first SCHEDULED one is due; `after` a moment: of those that are due later than that."""

    def next_deadline(self) -> datetime | None:
        """The earliest start_deadline or expires_at of what waits, or end of what is ended by force."""

    def open_of(self, job_uid: str) -> Instances:
        """What counts for overlap, oldest first (lifecycle.md, principle 5)."""

    def open_states(self, job_uid: str) -> Sequence[tuple[int, str]]:
        """The same as (id, state), which costs a tenth."""

    def open_counts(self) -> dict[str, int]: ...
    def unfinished_of(self, job_uid: str) -> Instances:
        """Not terminal, oldest first."""

    def live(self) -> Instances: ...
    def holders(self) -> Sequence[LockHolder]:
        """The live runs that hold locks or places in groups, first created first."""

    def waiting_for_locks(self, now: datetime) -> Sequence[LockHolder]:
        """SCHEDULED and due, with `locks` that the last ask found taken; first due first, `since` when."""

    def live_counts(self) -> dict[str, int]: ...
    def counts(self) -> dict[str, int]:
        """state → how many unfinished runs are in it."""

    def latest(self) -> dict[str, LatestInstance]:
        """job_uid → its newest run."""

    def latest_of(self, job_uid: str, states: Iterable[str] | None = None) -> InstanceRecord | None: ...
    def ends_of(self, job_uid: str, limit: int = 100) -> Ends:
        """Terminal runs that had started, newest first."""


class InstanceWrites(InstanceReads, Protocol):
    def create(self, new: NewInstance, *, who: str, at: datetime, why: str = "") -> int | None:
        """Its id; None when the slot was used or decided before, whatever has been pruned since.

        Writes the run, its tasks, their events (I1, I2 or I3; T1), and for a slot the ledger row, and moves
        the watermark forward.
        """

    def claim(
        self,
        id: int,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        session_id: int | None = None,
        **changes: Any,
    ) -> int:
        """The new epoch (I4). Attempt rises for the reasons slot, manual and retry; error and pid go."""

    def move(
        self,
        id: int,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        details: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """A guarded transition; `changes` are columns. A terminal state sets completed_at; SUCCEEDED deletes
        the run's state data. To fence late writers pass `raise_epoch=True` (I42, I46).
        """

    def update(self, id: int, *, epoch: int, **changes: Any) -> None:
        """Columns only (pid, progress, info …), no transition and no event; guarded by the epoch."""

    def prune(self, job_uid: str, *, keep: int | None, before: datetime | None, limit: int = 1000) -> Pruned:
        """Delete terminal runs beyond the newest `keep` or completed before `before`, at most `limit`.

        The slot ledger stays, so no slot becomes runnable again.
        """


class TaskReads(Protocol):
    def of(self, instance_id: int) -> list[TaskRecord]: ...
    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[TaskRecord]]: ...
    def get(self, instance_id: int, target: str) -> TaskRecord | None: ...
    def metrics(self, instance_id: int) -> dict[str, Any]:
        """What all targets of a run have used together; empty when nothing is known of any."""

    def page(
        self,
        instance_id: int,
        states: Iterable[str] | None = None,
        *,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[TaskRecord]:
        """In the order of the inventory; only those in `states`, if these are given."""

    def counts(self, instance_id: int) -> dict[str, int]:
        """state → how many tasks of the run are in it."""

    def open_tasks(self, instance_id: int) -> list[OpenTask]:
        """All tasks of the run as a fan-out needs them, in the order of the inventory."""

    def due(self, instance_id: int, now: datetime) -> list[str]:
        """The targets whose next try is due."""

    def at_work(self, instance_id: int, targets: Sequence[str]) -> dict[str, AtWork]:
        """Of these targets of the run, those that another run works on: target → that run."""

    def asked(self, instance_id: int) -> list[TargetRequest]:
        """What was asked of its targets and has not been done, the oldest first."""


class TaskWrites(TaskReads, Protocol):
    def freeze(
        self,
        instance_id: int,
        targets: Sequence[tuple[str, Mapping[str, Any]]],
        move: Move,
        *,
        at: datetime,
        who: str,
        inventory: str | None = None,
    ) -> None:
        """These targets with their values instead of the task `-` of a run that has just begun (T1).

        Of one `inventory`, a target is RUNNING in one run at a time.
        """

    def count_end(self, instance_id: int, *, epoch: int, failed: bool) -> None:
        """One more target of the run has ended."""

    def ask(self, instance_id: int, target: str, verb: str, *, who: str, why: str, at: datetime) -> None:
        """Of whoever works on the run."""

    def done(self, instance_id: int, target: str | None = None) -> None:
        """What was asked of the target, or of all of them, is done, or past."""

    def move_all(
        self,
        instance_id: int,
        moves: Mapping[str, Move],
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        **changes: Any,
    ) -> int:
        """Every task whose state one of the moves begins in; how many."""

    def update(self, instance_id: int, target: str, *, epoch: int, **changes: Any) -> None:
        """Columns only (progress …); nothing changes at another epoch."""

    def move(
        self,
        instance_id: int,
        target: str,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        **changes: Any,
    ) -> None:
        """RUNNING raises attempt and sets last_triggered_at.

        TargetAtWork, and nothing is changed, when another run works on that target of the inventory.
        """


class StepReads(Protocol):
    def of(self, instance_id: int, target: str | None = None) -> list[StepRecord]:
        """By target and position; those of one target, if it is given."""

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[StepRecord]]: ...
    def of_targets(self, instance_id: int, targets: Sequence[str]) -> dict[str, list[StepRecord]]: ...


class StepWrites(StepReads, Protocol):
    def create_all(self, instance_id: int, target: str, steps: Sequence[NewStep]) -> None:
        """PENDING; those that are there already (a second attempt) stay as they are."""

    def move(
        self,
        instance_id: int,
        target: str,
        name: str,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        outputs: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Sets the timestamps that the state stands for; a reopened failure is kept in the event."""


class StateReads(Protocol):
    def of(self, job_uid: str) -> list[StateRecord]: ...
    def of_instance(self, instance_id: int, target: str | None = None) -> list[StateRecord]:
        """Of all its targets, or of one."""

    def persistent(self, job_uid: str) -> PersistentRecord | None: ...

    def last_owner(self, job_uid: str) -> int | None:
        """The newest run of the job that has saved anything."""


class StateWrites(StateReads, Protocol):
    def put(self, job_uid: str, instance_id: int, target: str, data: Any, *, at: datetime) -> None:
        """From outside of the code: where it stands stays as it is."""

    def checkpoint(
        self,
        instance_id: int,
        target: str,
        *,
        epoch: int,
        at: datetime,
        step: str,
        n: int,
        cursor: str,
        data: str | None,
        wake_at: datetime | None = None,
        completes: bool = False,
    ) -> None:
        """Where the code of a live run goes on; ChangedMeanwhile at another epoch. `data` and `cursor` are
        JSON texts; without data that of the same step stays. What `completes` a step is never resumed.
        """

    def take_over(self, instance_id: int, *, predecessor: int, at: datetime) -> int:
        """Give a failed predecessor's rows to this run; how many. The sleeps of the other are not its own."""

    def wake(self, instance_id: int, target: str | None = None) -> None:
        """The sleep of all its targets, or of one, is over."""

    def clear(
        self, job_uid: str, *, instance_id: int | None = None, at: datetime, who: str, why: str = ""
    ) -> int:
        """How many rows were deleted; writes an event when there were any."""

    def put_persistent(self, job_uid: str, data: Any, *, at: datetime) -> None: ...
    def merge_persistent(
        self, job_uid: str, *, changed: Mapping[str, str], removed: Sequence[str], at: datetime
    ) -> None:
        """Change these keys (to JSON texts) and no others: of two runs that change one the later wins."""

    def clear_persistent(self, job_uid: str, *, at: datetime, who: str, why: str = "") -> bool: ...


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
