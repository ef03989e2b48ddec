"""What a new process of an instance has to know of the earlier ones, when its code can ask for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.execution.order import NO_TARGET
from runner.operations.next_slots import next_slots
from runner.schedules.kinds import schedule_from
from runner.store.instances import InstanceRecord
from runner.store.port import Reader


def saved_of(
    reader: Reader,
    instance: InstanceRecord,
    target: str,
    spec: Mapping[str, Any],
    now: datetime,
    *,
    for_code: bool,
) -> dict[str, Any]:
    """`Order.saved`; what only code can ask for is looked up only `for_code`."""
    saved: dict[str, Any] = {}
    row = next(iter(reader.state.of_instance(instance.id, target)), None)
    if row is not None:
        saved.update(step=row.step, n=row.n, cursor=row.cursor)
        saved["state"] = None if row.data is None else _text(row.data)
    if info := _info(reader, instance, target):
        saved["info"] = _text(info)
    if not for_code:
        return saved
    persistent = reader.state.persistent(instance.job_uid)
    if persistent is not None:
        saved["persistent"] = _text(persistent.data)
    before = next((each for each in reader.instances.ends_of(instance.job_uid, 1)), None)
    if before is not None and before.started_at is not None:
        saved["last_execution"] = before.started_at.isoformat()
    schedules = [schedule_from(each) for each in spec["schedules"].values()]
    if schedules and spec["mode"] == "automatic":
        following = next_slots(schedules, after=now, count=1)
        if following:
            saved["next_slot"] = following[0].at.isoformat()
    return saved


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _info(reader: Reader, instance: InstanceRecord, target: str) -> Mapping[str, Any]:
    if target == NO_TARGET:
        return instance.info
    task = reader.tasks.get(instance.id, target)
    return {} if task is None else task.info
