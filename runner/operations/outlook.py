"""What is recorded of the jobs that a plan changes, as the outlook asks for it?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from runner.lifecycle.instance import TERMINAL
from runner.operations.installed_side import LAST_RUNS
from runner.operations.limit_notes import TEXT, has_no_effect
from runner.operations.settings import PARALLEL, settings
from runner.reconcile.back_tests import PastRun
from runner.reconcile.outlook import LOOKED_AT, OpenRun, Recorded, with_outlook
from runner.reconcile.plan import Plan
from runner.reconcile.sides import DeclaredSide, InstalledSide
from runner.store.port import Reader


def look_ahead(
    plan: Plan, declared: DeclaredSide, installed: InstalledSide, reader: Reader, now: datetime
) -> Plan:
    """The plan with its outlook; `reader` is the snapshot that the plan was made in."""
    recorded = Recorded(
        past_of=lambda uid: _past(reader, uid),
        open_of=lambda uid: [
            OpenRun(run.id, run.state, run.attempt > 0) for run in reader.instances.open_of(uid)
        ],
        kept_of=lambda uid: _kept(reader, uid),
        crowd=lambda: _crowd(reader),
        parallel=int(settings(reader).get("parallel") or PARALLEL),
    )
    return _with_limits(with_outlook(plan, declared, installed, recorded, now), declared)


def _with_limits(plan: Plan, declared: DeclaredSide) -> Plan:
    """What the plan installs and the machine would not hold, told beside the change."""
    jobs = [change for change in plan.changes if change.writes and change.address.kind == "Job"]
    if len(jobs) > LOOKED_AT:
        return plan
    unbound = {job.address for job in jobs if has_no_effect(declared.documents[job.address].resolved)}
    return replace(
        plan,
        changes=tuple(
            replace(each, impact={**each.impact, "remarks": [*each.impact.get("remarks", ()), TEXT]})
            if each.writes and each.address in unbound
            else each
            for each in plan.changes
        ),
    )


def _past(reader: Reader, uid: str) -> Sequence[PastRun]:
    return [
        PastRun(run.slot_at or run.created_at, run.started_at, run.completed_at)
        for run in reader.instances.list(job_uid=uid, states=sorted(TERMINAL), limit=LAST_RUNS)
        if run.completed_at is not None and run.started_at is not None
    ]


def _kept(reader: Reader, uid: str) -> tuple[int, Sequence[str]] | None:
    """The failed run whose state the next one takes over, and its steps (lifecycle.md, principle 9)."""
    owner = reader.state.last_owner(uid)
    run = reader.instances.get(owner) if owner is not None else None
    if run is None or run.state != "FAILED":
        return None
    steps = sorted({row.step for row in reader.state.of_instance(run.id) if row.step})
    return (run.id, steps) if steps else None


def _crowd(reader: Reader) -> Mapping[str, tuple[Mapping[str, Any], int]]:
    crowd: dict[str, tuple[Mapping[str, Any], int]] = {}
    for text, jobs in reader.objects.schedules().items():
        for schedule in json.loads(text).values():
            key = json.dumps(schedule, sort_keys=True)
            crowd[key] = (schedule, crowd.get(key, (schedule, 0))[1] + jobs)
    return crowd
