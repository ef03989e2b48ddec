"""Evict what runs because its daemon stops: ask it to pause where the next daemon can let it go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from runner.lifecycle.pausing import EVICTION, NotPausable
from runner.operations.pausing import how_to_pause, pause_instance
from runner.store.port import Transaction

DAEMON = "system:daemon"


def evict(tx: Transaction, epochs: Mapping[int, int], now: datetime) -> tuple[int, ...]:
    """The instances that were asked; those that cannot be paused run to their end.

    `epochs` are those that the daemon has a process of; a later epoch is not its own any more.
    """
    asked: list[int] = []
    for id, epoch in epochs.items():
        instance = tx.instances.get(id)
        if instance is None or instance.epoch != epoch or instance.state not in ("RUNNING", "PAUSING"):
            continue
        if instance.state == "RUNNING" and isinstance(how_to_pause(tx, instance), NotPausable):
            continue
        pause_instance(tx, instance, EVICTION, who=DAEMON, why="the daemon is being stopped", now=now)
        asked.append(id)
    return tuple(asked)
