"""Record the end of a run over an inventory: no target of it has a process, and none is to get one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.dispatch.tasks import Stop
from runner.lifecycle.instance import LIVE
from runner.lifecycle.pausing import PAUSE
from runner.operations.consecutive_failures import SHUTDOWN
from runner.operations.finish_instance import crash
from runner.operations.open_targets import count_targets, move_open_targets, result_of
from runner.operations.outcome import Finished, Recording, definition_of
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

DISPATCHER = "system:dispatcher"
TOO_FEW = "too-few-succeeded"
PARTIALLY = "partially"
NOT_ALL = "not-all-succeeded"
"""What a run says that has reached its minSuccess."""


def finish_fan_out(
    tx: Transaction,
    instance_id: int,
    epoch: int,
    spec: Mapping[str, Any] | None,
    stop: Stop | None,
    now: datetime,
) -> Finished | None:
    """What its targets make of the run, or what it was asked for; None when a later epoch owns it.

    With `stop` (the breaker, a wave that failed) the targets that wait are cancelled first. While targets
    wait, it was asked to pause or to stop, or the daemon is stopped.
    """
    instance = tx.instances.get(instance_id)
    if instance is None or instance.epoch != epoch or instance.state not in LIVE:
        return None
    recording = Recording(tx, instance, spec or definition_of(tx, instance), now, DISPATCHER)
    if stop is not None and instance.state in ("RUNNING", "PAUSING"):
        move_open_targets(tx, instance, recording.spec, "cancel", stop.reason, now=now, who=DISPATCHER)
    counts = count_targets(tx, instance)
    waiting = counts.get("SCHEDULED", 0) + counts.get("RESCHEDULED", 0)
    if not waiting:
        return _all_ended(recording, counts, stop)
    if instance.state == "STOPPING":
        return recording.stopped()
    if instance.state == "PAUSING":
        return recording.paused(PAUSE, "", event="pause_done")
    if instance.state == "UNKNOWN":
        return crash(recording, {"code": "crash", "description": "its targets ended while it was UNKNOWN"})
    recording.stop(SHUTDOWN)
    return recording.evicted()


def stop_in_time(tx: Transaction, instance: InstanceRecord, intent: str, now: datetime) -> bool:
    """I19 by the time: it is over for all its targets. Whether it was still running."""
    current = tx.instances.get(instance.id)
    if current is None or current.epoch != instance.epoch or current.state != "RUNNING":
        return False
    Recording(tx, current, definition_of(tx, current), now, DISPATCHER).stop(intent)
    return True


def nothing_to_do(
    tx: Transaction, instance: InstanceRecord, spec: Mapping[str, Any], now: datetime
) -> Finished | None:
    """No target fits: the run has done all there was."""
    current = tx.instances.get(instance.id)
    if current is None or current.epoch != instance.epoch or current.state not in LIVE:
        return None
    return Recording(tx, current, spec, now, DISPATCHER).succeed(_outputs({}))


def _all_ended(recording: Recording, counts: Mapping[str, int], stop: Stop | None) -> Finished:
    tx, instance = recording.tx, recording.instance
    result, outputs = result_of(tx, instance, recording.spec), _outputs(counts)
    if result == "succeeded":
        return recording.succeed(outputs)
    if instance.state == "STOPPING":
        return recording.stopped()
    told = f"{outputs['succeeded']} of {outputs['targets']} targets succeeded"
    least = (recording.spec.get("tasks") or {}).get("minSuccess")
    if result == "partially":
        told = f"{told}, as many as minSuccess ({least}) asks for"
    elif outputs["succeeded"] and least is not None:
        told = f"{told}, minSuccess is {least}"
    code = NOT_ALL if result == "partially" else TOO_FEW
    error = {"code": code, "description": f"{stop.why}; {told}" if stop else told}
    if result == "partially":
        return recording.succeed_partially("succeed_partially", PARTIALLY, error, outputs)
    return recording.fail("fail", stop.reason if stop else TOO_FEW, error, outputs)


def _outputs(counts: Mapping[str, int]) -> dict[str, int]:
    return {
        "targets": sum(counts.values()),
        "succeeded": counts.get("SUCCEEDED", 0),
        "failed": counts.get("FAILED", 0),
        "cancelled": counts.get("CANCELLED", 0),
    }
