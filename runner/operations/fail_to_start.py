"""Record that a claimed instance could not be started at all: a secret or a connection is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.operations.outcome import Finished, Recording
from runner.store.port import Transaction

DISPATCHER = "system:dispatcher"


def fail_to_start(
    tx: Transaction, instance_id: int, epoch: int, spec: Mapping[str, Any], now: datetime, message: str
) -> Finished | None:
    """FAILED with the message; no retry is spent, because time alone does not bring a secret back (C7)."""
    instance = tx.instances.get(instance_id)
    if instance is None or instance.epoch != epoch or instance.state != "RUNNING":
        return None
    recording = Recording(tx, instance, spec, now, DISPATCHER)
    return recording.fail("fail", "authorization", {"code": "authorization", "description": message})
