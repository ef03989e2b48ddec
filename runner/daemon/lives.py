"""What does an engine do when one of its instances starts, cannot start, or comes to its end?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.definitions import Definitions
from runner.daemon.dispatcher import Dispatcher
from runner.daemon.ending import Ending
from runner.daemon.fan_outs import FanOuts
from runner.daemon.obeying import Obeying
from runner.daemon.roster import Roster
from runner.daemon.telling import Telling
from runner.daemon.triggers import Triggers
from runner.execution.order import Ended
from runner.operations.fail_to_start import fail_to_start
from runner.operations.outcome import Finished
from runner.operations.put_back import put_back
from runner.store.instances import InstanceRecord


class Lives:
    """Of one engine, which names the parts below before anything starts. `look_soon` asks for a look at
    everything, `draw` spreads retries.
    """

    dispatcher: Dispatcher
    fan_outs: FanOuts
    obeying: Obeying
    ending: Ending
    triggers: Triggers

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        roster: Roster,
        telling: Telling,
        definitions: Definitions,
        *,
        draw: Callable[[], float],
        look_soon: Callable[[], None],
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._roster = roster
        self._telling = telling
        self._definitions = definitions
        self._draw = draw
        self._look_soon = look_soon

    def spec_of(self, instance_id: int) -> Mapping[str, Any] | None:
        """The resolved definition of one that runs, if it is at hand."""
        instance = self.dispatcher.running.get(instance_id)
        definition = instance and self._definitions.at_hand(instance)
        return definition.spec if definition else None

    def started(self, instance: InstanceRecord) -> None:
        """It has a process, or its targets get theirs."""
        self._telling.started(instance)
        self.obeying.started(instance.id)

    def cannot_start(self, instance: InstanceRecord, problem: Exception) -> None:
        """It was claimed, and no process could be made for it."""
        now, draw = self._clock.now(), self._draw()
        self._record_end(
            instance, lambda tx: fail_to_start(tx, instance.id, instance.epoch, problem, now, draw)
        )

    def target_ended(self, ended: Ended) -> None:
        """A process of one target is gone."""
        self.fan_outs.target_ended(ended)

    def cannot_fan_out(self, instance: InstanceRecord, problem: Exception) -> None:
        """Its targets could not be found or frozen."""
        self.cannot_start(instance, problem)
        self.dispatcher.vacated(instance.id)

    def fan_out_ended(self, instance_id: int, finished: Finished | None, ended: Ended | None) -> None:
        """The last of its targets has ended."""
        self.dispatcher.vacated(instance_id)
        self.finished(instance_id, finished, ended)

    def put_back(self, instance: InstanceRecord) -> None:
        """It was claimed while the daemon stops."""
        now = self._clock.now()
        self._record_end(instance, lambda tx: put_back(tx, instance.id, instance.epoch, now))

    def _record_end(self, instance: InstanceRecord, work: Callable[[Any], Finished | None]) -> None:
        what = f"the end of instance {instance.id}"

        def done(finished: Finished | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble(f"recording {what}", problem)
            self.finished(instance.id, finished, None)

        self._bridge.record(what, work, done, is_short=False)  # it may be one with thousands of targets

    def vacated(self, instance_id: int) -> None:
        """Its processes are gone; its end is being written."""
        self.dispatcher.vacated(instance_id)

    def finished(self, instance_id: int, finished: Finished | None, ended: Ended | None) -> None:
        """Its end is recorded: what follows for its job, and for what waits."""
        instance = self.dispatcher.running.get(instance_id)
        self.dispatcher.ended(instance_id)
        if instance is None or finished is None:
            return
        self._telling.finished(instance, finished, ended)
        self.ending.finished(instance_id, finished)
        self.triggers.ended(instance.job_uid)
        if finished.due_at is not None:
            self.dispatcher.wake()
        one_time = instance.job_uid in self._roster.one_time
        if finished.job_failed or finished.job_released or self._roster.draining or one_time:
            self._look_soon()
