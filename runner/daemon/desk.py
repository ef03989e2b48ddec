"""What does every run over an inventory work with?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.target_locks import TargetLocks
from runner.daemon.telling import Telling
from runner.execution.order import Order
from runner.execution.supervisor import Supervisor
from runner.operations.definition import Definition
from runner.operations.outcome import Finished
from runner.schedules.window import Window
from runner.store.instances import InstanceRecord
from runner.store.port import Store
from runner.store.tasks import TaskRecord


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed to each of them. `order` makes the order of a target, `finished` hears how the run ended."""

    loop: asyncio.AbstractEventLoop
    bridge: Bridge
    store: Store
    supervisor: Supervisor
    clock: Clock
    telling: Telling
    locks: TargetLocks
    window_of: Callable[[InstanceRecord], Window | None]
    order: Callable[[InstanceRecord, Definition, TaskRecord], Order]
    finished: Callable[[InstanceRecord, Finished | None], None]
