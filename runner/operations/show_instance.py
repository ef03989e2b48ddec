"""Show one run: everything that is recorded about it."""

from __future__ import annotations

from dataclasses import dataclass

from runner.operations.cancel import the_instance
from runner.operations.list_instances import InstanceView, views_of
from runner.store.port import Reader
from runner.store.records import EventRecord


@dataclass(frozen=True, slots=True)
class InstanceDetails:
    """One run and what happened to it, oldest event first."""

    view: InstanceView
    events: tuple[EventRecord, ...]
    slots: tuple[str, ...]
    """The keys of all slots that it stands for: more than one when they landed after a gap (R3)."""


def show_instance(reader: Reader, id: int) -> InstanceDetails:
    """The run of that number; UnknownName when there is none."""
    (view,) = views_of(reader, [the_instance(reader, id)])
    events = reader.events.of("instance", str(id), limit=200)
    run = view.instance
    decided = () if run.slot_at is None else reader.slots.decided_at(run.job_uid, run.slot_at)
    slots = tuple(row.slot_key for row in decided if row.instance_id == run.id)
    return InstanceDetails(view, tuple(reversed(events)), slots)
