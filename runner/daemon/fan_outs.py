"""The runs over an inventory that are under way: begins them, and passes on what their targets report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.desk import Desk
from runner.daemon.fan_out import FanOut
from runner.daemon.target_locks import TargetLocks
from runner.daemon.telling import Telling
from runner.execution.order import Ended, Order
from runner.execution.supervisor import Supervisor
from runner.operations.definition import Definition
from runner.operations.finish_fan_out import nothing_to_do
from runner.operations.make_order import make_order, run_context
from runner.operations.outcome import Finished
from runner.operations.record_warnings import record_warnings
from runner.operations.run_target import freeze_targets
from runner.operations.targets_of import Target, targets_of
from runner.operations.whole_copies import WholeCopies
from runner.schedules.window import Window
from runner.store.instances import InstanceRecord
from runner.store.port import Store
from runner.store.tasks import OpenTask, TaskRecord


class FanOuts:
    """By the number of their run. `cannot_start` and `finished` are the engine's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bridge: Bridge,
        store: Store,
        supervisor: Supervisor,
        clock: Clock,
        telling: Telling,
        *,
        project: Path,
        state: Path,
        zone_of: Callable[[], str],
        window_of: Callable[[InstanceRecord], Window | None] = lambda _: None,
        cannot_start: Callable[[InstanceRecord, Exception], None],
        finished: Callable[[int, Finished | None, Ended | None], None],
    ) -> None:
        self._project = project
        self._state = state
        self._zone_of = zone_of
        self._cannot_start = cannot_start
        self._finished = finished
        self._copies = WholeCopies()
        self._under_way: dict[int, FanOut] = {}
        self._warned: dict[int, set[str]] = {}
        self._closed = False
        # One thread: inventories are read one after the other, beside the loop.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="inventories")
        self._desk = Desk(
            loop, bridge, store, supervisor, clock, telling, TargetLocks(loop.call_soon),
            window_of=window_of, order=self._order, finished=self._done,
        )  # fmt: skip

    def begin(self, instance: InstanceRecord, definition: Definition) -> None:
        """Freeze its targets, unless it has them already, and start them."""
        task = self._desk.loop.run_in_executor(self._reader, self._prepare, instance, definition)
        task.add_done_callback(lambda done: self._prepared(instance, definition, done))

    def target_ended(self, ended: Ended) -> None:
        """A target's process is gone."""
        fan_out = self._under_way.get(ended.instance)
        if fan_out is not None and fan_out.instance.epoch == ended.epoch:
            fan_out.target_ended(ended)
        elif fan_out is None:
            self._desk.locks.gone(ended.target, ended.instance)

    def ask(self, instance: InstanceRecord) -> bool:
        """Let it do what its state asks for; False when it has no targets that are under way."""
        fan_out = self._under_way.get(instance.id)
        if fan_out is not None:
            fan_out.obey(instance)
        return fan_out is not None

    def is_shielded(self, instance_id: int) -> bool:
        """Whether one of its targets is in a step that a stop lets end first."""
        fan_out = self._under_way.get(instance_id)
        return fan_out is not None and fan_out.is_shielded

    def give_up(self, instance_id: int) -> None:
        """Nobody believes it any more: end its processes, and record nothing."""
        fan_out = self._under_way.get(instance_id)
        if fan_out is not None:
            fan_out.give_up()

    def close_doors(self) -> None:
        """Start no further target, of any run; each ends its run when the last one of it has ended."""
        self._closed = True
        for fan_out in [*self._under_way.values()]:
            fan_out.close_doors()

    def stop_all(self, grace_s: float, why: str) -> None:
        """Stop every target that has a process."""
        for fan_out in [*self._under_way.values()]:
            fan_out.stop_targets(grace_s, why)

    def close(self) -> None:
        """Let go of the thread."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _prepare(
        self, instance: InstanceRecord, definition: Definition
    ) -> tuple[Sequence[OpenTask], Sequence[Target]]:
        """Its tasks, or the targets that are to become its tasks."""
        if instance.targets:
            with self._desk.store.read() as reader:
                return reader.tasks.open_tasks(instance.id), ()
        context = run_context(instance, definition, self._zone_of())
        return (), targets_of(definition.spec["tasks"], context, self._state, self._copies)

    def _prepared(
        self,
        instance: InstanceRecord,
        definition: Definition,
        done: asyncio.Future[tuple[Sequence[OpenTask], Sequence[Target]]],
    ) -> None:
        if done.cancelled():
            return
        problem = done.exception()
        if problem is not None:
            self._cannot_start(
                instance, problem if isinstance(problem, Exception) else Exception(str(problem))
            )
            return
        tasks, targets = done.result()
        if tasks:
            self._go(instance, definition, tasks)
        elif targets:
            self._freeze(instance, definition, targets)
        else:
            self._nothing(instance, definition)

    def _freeze(self, instance: InstanceRecord, definition: Definition, targets: Sequence[Target]) -> None:
        now = self._desk.clock.now()

        def frozen(_: None, problem: BaseException | None) -> None:
            if isinstance(problem, Exception):
                self._cannot_start(instance, problem)
                return
            tasks = [
                OpenTask(target, position, "SCHEDULED", 0, None, None, 0, 0)
                for position, (target, _) in enumerate(targets)
            ]
            self._go(instance, definition, tasks)

        inventory = definition.spec["tasks"]["inventory"]
        self._desk.bridge.write(lambda tx: freeze_targets(tx, instance, targets, inventory, now), frozen)

    def _go(self, instance: InstanceRecord, definition: Definition, tasks: Sequence[OpenTask]) -> None:
        fan_out = FanOut(self._desk, instance, definition, tasks)
        self._under_way[instance.id] = fan_out
        if self._closed:
            fan_out.close_doors()
        else:
            fan_out.see_what_was_asked()
            fan_out.look()

    def _nothing(self, instance: InstanceRecord, definition: Definition) -> None:
        now = self._desk.clock.now()

        def done(finished: Finished | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"recording the end of instance {instance.id}", problem)
            self._finished(instance.id, finished, None)

        self._desk.bridge.record(
            f"the end of instance {instance.id}",
            lambda tx: nothing_to_do(tx, instance, definition.spec, now),
            done,
        )

    def _order(self, instance: InstanceRecord, definition: Definition, task: TaskRecord) -> Order:
        warnings: list[str] = []
        order = make_order(
            self._desk.store,
            instance,
            definition,
            project=self._project,
            state=self._state,
            now=self._desk.clock.now(),
            copies=self._copies,
            zone=self._zone_of(),
            warn=warnings.append,
            task=task,
        )
        if warnings:
            self._warn(instance, warnings)
        return order

    def _warn(self, instance: InstanceRecord, warnings: Sequence[str]) -> None:
        """Keep with the run what was noticed at the start of a target; once, although all would say it."""
        told = self._warned.setdefault(instance.id, set())
        new = [text for text in warnings if text not in told]
        told.update(new)
        now = self._desk.clock.now()

        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"keeping the warnings of instance {instance.id}", problem)

        if new:
            self._desk.bridge.write(lambda tx: record_warnings(tx, instance.id, new, now), done)

    def _done(self, instance: InstanceRecord, finished: Finished | None) -> None:
        self._under_way.pop(instance.id, None)
        self._warned.pop(instance.id, None)
        self._finished(instance.id, finished, None)
