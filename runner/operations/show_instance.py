"""Show one run: everything that is recorded about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.operations.cancel import the_instance
from runner.operations.list_instances import InstanceView, views_of
from runner.operations.waiting import WaitsFor, waits_for
from runner.store.port import Reader
from runner.store.records import EventRecord


@dataclass(frozen=True, slots=True)
class InstanceDetails:
    """One run and what happened to it, oldest event first; when it is due and waits, for what."""

    view: InstanceView
    events: tuple[EventRecord, ...]
    waits_for: WaitsFor | None = None


def show_instance(reader: Reader, id: int, now: datetime) -> InstanceDetails:
    """The run of that number; UnknownName when there is none."""
    (view,) = views_of(reader, [the_instance(reader, id)])
    events = reader.events.of("instance", str(id), limit=200)
    return InstanceDetails(view, tuple(reversed(events)), waits_for(reader, view.instance, now))
