"""The installed side of a plan, as the store has it; what costs something is read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from runner.declaration.declared import Document
from runner.operations.installed_jobs import schedules_of, whole
from runner.reconcile.sides import Alive, DeclaredSide, Installed, InstalledSide, Member
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.identity import Address

K = TypeVar("K")
V = TypeVar("V")

LAST_RUNS = 100
"""So many running times are looked at to say what a shorter timeout would have ended."""


LIVELY = timedelta(days=30)
"""A job that has run in this time is alive."""

MOST_RUNS = 1000
"""So many of them are counted: more say nothing more."""


def installed_side(
    reader: Reader,
    declared: DeclaredSide,
    lineage: str,
    now: datetime,
    *,
    only: Mapping[Address, Installed] | None = None,
) -> InstalledSide:
    """What is installed, in one snapshot; it must not be asked after `reader` is closed.

    `only` are the objects that are looked at, when those are known.
    """
    return InstalledSide(
        objects=only if only is not None else {each.address: each for each in reader.objects.summaries()},
        documents=_Asked(lambda address: _document(reader, address)),
        holds=reader.holds.all(),
        open_runs=reader.instances.open_counts(),
        durations=_Asked(lambda uid: _durations(reader, uid)),
        alive=_Asked(lambda uid: _alive(reader, uid, now)),
        members=_Members(reader, declared),
        lineage=lineage,
        serial=reader.serial(),
    )


def document_of(record: ObjectRecord) -> Document:
    """The whole of an installed object."""
    return Document(record.declared, record.resolved, record.files)


def _document(reader: Reader, address: Address) -> Document | None:
    """An installed object that means nothing any more differs in everything: the plan writes it anew."""
    try:
        record = reader.objects.get(address)
        if record is not None and record.kind == "Job":
            schedules_of(whole(record))
    except DamagedRow:
        return Document({}, {}, {})
    return None if record is None else document_of(record)


def _durations(reader: Reader, uid: str) -> Sequence[float]:
    return [
        (end.completed_at - end.started_at).total_seconds()
        for end in reader.instances.ends_of(uid, LAST_RUNS)
        if end.started_at is not None
    ]


def _alive(reader: Reader, uid: str, now: datetime) -> Alive:
    since = now - LIVELY
    runs = sum(end.completed_at >= since for end in reader.instances.ends_of(uid, MOST_RUNS))
    state = reader.state.last_owner(uid) is not None or reader.state.persistent(uid) is not None
    return Alive(runs, state)


class _Asked(Mapping[K, V], Generic[K, V]):
    """A map that reads each value when it is asked for."""

    def __init__(self, read: Callable[[K], V | None]) -> None:
        self._read = read

    def __getitem__(self, key: K) -> V:
        value = self._read(key)
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[K]:
        raise TypeError("this map answers for single keys only")

    def __len__(self) -> int:
        raise TypeError("this map answers for single keys only")


class _Members(Mapping[str, Sequence[Member]]):
    """The installed jobs that this tree does not declare, by group; read at the first question."""

    def __init__(self, reader: Reader, declared: DeclaredSide) -> None:
        self._reader, self._declared = reader, declared
        self._read: dict[str, list[Member]] | None = None

    def _known(self) -> dict[str, list[Member]]:
        if self._read is None:
            self._read = {}
            for summary in self._reader.objects.summaries("Job"):
                if summary.address in self._declared.objects:
                    continue
                job = self._reader.objects.by_uid(summary.uid)
                for group in (job.resolved.get("groups") if job else None) or ():
                    self._read.setdefault(group, []).append(Member(summary.address, summary.uid))
        return self._read

    def __getitem__(self, group: str) -> Sequence[Member]:
        return self._known()[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())
