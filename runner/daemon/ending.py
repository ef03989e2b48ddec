"""How does a daemon come to its end: what is evicted, what is waited for, what is stopped?

Asked once it evicts what can resume and gives the rest a grace. Asked again it hurries: what may be stopped
is stopped at once. A step with `interruptible: false` outlasts both. Only `force` ends that too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.dispatcher import Dispatcher
from runner.daemon.fan_outs import FanOuts
from runner.daemon.obeying import KILL_GRACE_S, Obeying
from runner.daemon.recorder import Recorder
from runner.execution.supervisor import Supervisor
from runner.operations.consecutive_failures import SHUTDOWN
from runner.operations.finish_instance import ended_by_shutdown
from runner.operations.outcome import Finished

HURRIED_GRACE_S = 1.0
"""Between TERM and KILL for somebody who asks a second time: enough to remove a lock file."""

AFTER_KILL_S = 5.0
"""For processes that were killed to be gone."""

LAST_WRITES_S = 5.0
"""For the last records at a stop, when the database cannot be written."""


@dataclass(frozen=True, slots=True)
class WaitedFor:
    """A step that no stop interrupts; `limit_s` is its own timeout, if it has one."""

    instance: int
    job: str
    target: str
    step: str
    limit_s: float | None


Tell = Callable[[Sequence[WaitedFor]], None]


class Ending:
    """Of one engine. `settled` is to be called after each delivery of results, `finished` after each end."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        supervisor: Supervisor,
        dispatcher: Dispatcher,
        fan_outs: FanOuts,
        obeying: Obeying,
        recorder: Recorder,
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._supervisor = supervisor
        self._dispatcher = dispatcher
        self._fan_outs = fan_outs
        self._obeying = obeying
        self._recorder = recorder
        self._evicted: set[int] = set()
        self._settled = asyncio.Event()
        self._hurried = self._forced = self._grace_is_over = False
        self.has_begun = False

    def settled(self) -> None:
        """Something may have ended."""
        self._settled.set()

    def finished(self, instance_id: int, finished: Finished) -> None:
        """The end of one is recorded."""
        if self.has_begun and finished.state == "PAUSED":
            self._evicted.add(instance_id)

    @property
    def waited_for(self) -> list[WaitedFor]:
        """What no stop interrupts."""
        running = self._dispatcher.running
        return [
            WaitedFor(it.instance, running[it.instance].job, it.target, it.step or "", it.step_limit_s)
            for it in self._supervisor.shielded()
            if it.instance in running
        ]

    def hurry(self) -> None:
        """Give no more grace than that of one second."""
        self._hurried = True
        if self._grace_is_over:
            self._stop_all(HURRIED_GRACE_S)
        self._settled.set()

    def force(self) -> None:
        """Wait for nothing: what runs is killed, and recorded as stopped."""
        self._hurried = self._forced = True
        self._settled.set()

    async def carry_out(self, grace_s: float, waits: Tell) -> int:
        """Until nothing runs, or `force`; how many were stopped or evicted. Nothing starts any more.

        `waits` hears what is waited for when everything else has come to its end.
        """
        self.has_begun = True
        self._fan_outs.close_doors()
        if grace_s > 0 and not self._forced:
            self._obeying.evict(self._clock.now())
        await self._until_all_are_gone(grace_s, or_hurried=True)
        self._grace_is_over = True
        stopped = [*self._dispatcher.living()]
        if not self._forced:
            grace_s = HURRIED_GRACE_S if self._hurried else KILL_GRACE_S
            self._stop_all(grace_s)
            await self._until_only_the_shielded_are_left(KILL_GRACE_S + AFTER_KILL_S)
            if waited_for := self.waited_for:
                waits(waited_for)
            await self._until_all_are_gone(KILL_GRACE_S + AFTER_KILL_S)
        while self._dispatcher.alive and self._supervisor.uninterruptible and not self._forced:
            await self._until_all_are_gone(KILL_GRACE_S + AFTER_KILL_S)
        self._fan_outs.close()
        self._supervisor.close()
        for instance in self._dispatcher.living():  # killed with everything else, and not reported
            self._recorder.report(ended_by_shutdown(instance))
        await self._until(lambda: not self._bridge.pending, LAST_WRITES_S)
        return len(self._evicted | {instance.id for instance in stopped})

    def _stop_all(self, grace_s: float) -> None:
        self._fan_outs.stop_all(grace_s, SHUTDOWN)
        for instance in self._dispatcher.living():
            self._supervisor.stop(instance.id, instance.epoch, grace_s=grace_s, why=SHUTDOWN)

    async def _until_all_are_gone(self, seconds: float, *, or_hurried: bool = False) -> None:
        await self._until(
            lambda: not self._dispatcher.alive or self._forced or (or_hurried and self._hurried), seconds
        )

    async def _until_only_the_shielded_are_left(self, seconds: float) -> None:
        await self._until(
            lambda: self._forced or self._supervisor.running <= self._supervisor.uninterruptible, seconds
        )

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Until it holds, looking after each delivery of results; `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds():
                    self._settled.clear()
                    await self._settled.wait()
