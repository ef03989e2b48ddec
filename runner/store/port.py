"""What can be asked of a store, whatever it is made of?

Each noun has a module of its own beside this one, with its records and its Protocols; the module of the same
name in `sqlite/` answers them. Records are frozen values, maps in them plain JSON.

Reads see one snapshot. Every write belongs to a transaction, and is guarded: it names the state (and the
epoch) that it expects, raises ChangedMeanwhile when it finds another, and then changes nothing. Every
transition writes its event row itself, so callers never do. Instants are aware UTC datetimes, handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from runner.vocabulary.errors import DamagedRow

if TYPE_CHECKING:
    from runner.reconcile.owner import Owner
    from runner.store.applies import Applied, ApplyReads, ApplyWrites, LeaseReads, LeaseWrites
    from runner.store.arrivals import ArrivalReads, ArrivalWrites
    from runner.store.drills import DrillReads, DrillWrites
    from runner.store.errors import ErrorReads, ErrorWrites
    from runner.store.events import EventReads, EventWrites
    from runner.store.external_runs import ExternalReads, ExternalWrites
    from runner.store.feeds import FeedReads, FeedWrites
    from runner.store.holds import HoldReads, HoldWrites
    from runner.store.instances import InstanceReads, InstanceWrites
    from runner.store.notifications import NotificationReads, NotificationWrites
    from runner.store.objects import ObjectReads, ObjectWrites
    from runner.store.presence import PresenceReads, PresenceWrites
    from runner.store.refusals import RefusalReads, RefusalWrites
    from runner.store.revisions import RevisionReads
    from runner.store.sessions import SessionReads, SessionWrites
    from runner.store.slots import SlotReads, SlotWrites
    from runner.store.sources import QuarantineReads, QuarantineWrites, SourceReads, SourceWrites
    from runner.store.state import StateReads, StateWrites
    from runner.store.steps import StepReads, StepWrites
    from runner.store.target_requests import TargetRequestReads, TargetRequestWrites
    from runner.store.tasks import TaskReads, TaskWrites
    from runner.store.tokens import TokenReads, TokenWrites
    from runner.store.zones import ZoneReads, ZoneWrites

T = TypeVar("T")


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
    def target_requests(self) -> TargetRequestReads: ...
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
    def feeds(self) -> FeedReads: ...
    @property
    def refusals(self) -> RefusalReads: ...
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
    def target_requests(self) -> TargetRequestWrites: ...
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
    def feeds(self) -> FeedWrites: ...
    @property
    def refusals(self) -> RefusalWrites: ...
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

    def try_now(
        self,
        jobs: Sequence[tuple[Callable[[Transaction], Any], Callable[[Any, BaseException | None], None]]],
    ) -> bool:
        """As `submit_all`, in this thread and before this returns, in one commit. False, with nothing done
        and nobody told, when it would have to wait for another writer, or the disk fails: submit them. What
        this thread has submitted before may come after it.
        """

    def close(self) -> None:
        """Finish what is queued, then let go."""
