"""Show one run: everything that is recorded about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runner.lifecycle.instance import LIVE
from runner.operations.cancel import the_instance
from runner.operations.list_instances import InstanceView, views_of
from runner.operations.show_targets import TargetsPage, targets_page
from runner.operations.waiting import WaitsFor, waits_for
from runner.store.events import EventRecord
from runner.store.external_runs import ExternalRun
from runner.store.port import Reader


@dataclass(frozen=True, slots=True)
class InstanceDetails:
    """One run and what happened to it, oldest event first; when it is due and waits, for what."""

    view: InstanceView
    events: tuple[EventRecord, ...]
    waits_for: WaitsFor | None = None
    targets: TargetsPage | None = None
    """Of a run over an inventory; the view has the same tasks, and the events are those of the run alone."""
    commit: str | None = None
    """The commit of the definition that it is pinned to; None: it was not in git."""
    external: ExternalRun | None = None
    """Of a live run that another system executes: how far its call is, and until when a report is awaited."""


def show_instance(
    reader: Reader,
    id: int,
    now: datetime,
    *,
    states: Sequence[str] = (),
    offset: int = 0,
    limit: int | None = None,
) -> InstanceDetails:
    """The run of that number; UnknownName when there is none.

    `states`, `offset` and `limit` choose among its targets.
    """
    (view,) = views_of(reader, [the_instance(reader, id)])
    page = None
    if view.instance.targets:
        page = targets_page(reader, view.instance, states=states, offset=offset, limit=limit)
        view = replace(view, tasks=page.tasks, steps=page.steps)
    external = reader.external.get(id) if view.instance.state in LIVE else None
    events = reader.events.of("instance", str(id), limit=200, alone=page is not None)
    waits = waits_for(reader, view.instance, now)
    pinned = reader.revisions.record(view.instance.job_uid, view.instance.digest)
    commit = pinned.commit if pinned is not None else None
    return InstanceDetails(view, tuple(reversed(events)), waits, page, commit, external)
