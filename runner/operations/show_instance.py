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


def show_instance(reader: Reader, id: int) -> InstanceDetails:
    """The run of that number; UnknownName when there is none."""
    (view,) = views_of(reader, [the_instance(reader, id)])
    events = reader.events.of("instance", str(id), limit=200)
    return InstanceDetails(view, tuple(reversed(events)))
