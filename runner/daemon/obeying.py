"""What has been asked of what runs, and what becomes of what does not come to its end in time?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from runner.daemon.bridge import Bridge
from runner.daemon.dispatcher import Dispatcher
from runner.daemon.external import External
from runner.daemon.fan_outs import FanOuts
from runner.daemon.recovery import Recovery, has_died
from runner.daemon.telling import Telling
from runner.execution.order import Ended
from runner.execution.supervisor import Supervisor
from runner.operations.evict import evict
from runner.operations.force import force_overdue
from runner.operations.kill_instances import KILL
from runner.operations.outcome import Finished
from runner.store.instances import InstanceRecord

KILL_GRACE_S = 10.0
"""Between TERM and KILL, for work that is stopped."""


class Obeying:
    """Carries out what the database says is to be paused, stopped or given up. `look_soon` asks for a look at
    everything, `finished` records for the engine that an instance has come to an end.
    """

    def __init__(
        self,
        bridge: Bridge,
        telling: Telling,
        supervisor: Supervisor,
        dispatcher: Dispatcher,
        fan_outs: FanOuts,
        external: External,
        recovery: Recovery,
        *,
        finished: Callable[[int, Finished | None, Ended | None], None],
        look_soon: Callable[[], None],
    ) -> None:
        self._bridge = bridge
        self._telling = telling
        self._supervisor = supervisor
        self._dispatcher = dispatcher
        self._fan_outs = fan_outs
        self._external = external
        self._recovery = recovery
        self._finished = finished
        self._look_soon = look_soon
        self._at_its_start: set[int] = set()

    def obey(self, live: Iterable[InstanceRecord], now: datetime) -> None:
        """Do what is asked of each; what is live without being ours has lost its process unnoticed.

        A process of ours that is live in the database no more was given up: nobody believes it any more.
        """
        lost = []
        given_up = dict(self._dispatcher.running)
        for instance in live:
            given_up.pop(instance.id, None)
            if instance.id in self._dispatcher.running:
                self._ask(instance)
            elif instance.id in self._external.ids:
                pass  # it has no process; its system is told at its next report
            elif instance.id in self._dispatcher.claiming:
                if instance.state in ("PAUSING", "STOPPING"):
                    self._at_its_start.add(instance.id)
            elif instance.state != "UNKNOWN" or has_died(instance):
                lost.append(instance.id)
        for instance in given_up.values():
            self._fan_outs.give_up(instance.id)
            self._supervisor.stop(instance.id, instance.epoch, grace_s=0, why="given up")
        self._recovery.of_lost(lost, now)

    def stop_what_is_to_stop(self, live: Iterable[InstanceRecord]) -> None:
        """While the daemon ends: what was cancelled or killed since."""
        for instance in live:
            if instance.state == "STOPPING" and instance.id in self._dispatcher.running:
                self._ask(instance)

    def started(self, instance_id: int) -> None:
        """Its process is there: what was asked of it while it was being claimed can be done."""
        if instance_id in self._at_its_start:
            self._at_its_start.discard(instance_id)
            self._look_soon()

    def force(self, live: Iterable[InstanceRecord], now: datetime) -> None:
        """End by force what has not come to its end in time."""
        shielded = [instance.id for instance in live if self._is_shielded(instance)]

        def done(ended: tuple[Finished, ...] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("ending what did not end in time", problem)
            for finished in ended or ():
                self._finished(finished.instance_id, finished, None)
            self._look_soon()

        self._bridge.write(lambda tx: force_overdue(tx, now, shielded), done)

    def evict(self, now: datetime) -> None:
        """Ask what runs to pause where it can go on later, because the daemon stops."""
        asked = {instance.id: instance for instance in self._dispatcher.living()}

        def done(ids: tuple[int, ...] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("evicting what runs", problem)
            for id in ids or ():
                self._ask(asked[id]._replace(state="PAUSING"))

        epochs = {instance.id: instance.epoch for instance in asked.values()}
        self._bridge.write(lambda tx: evict(tx, epochs, now), done)

    def _ask(self, instance: InstanceRecord) -> None:
        """Stop it, let it pause, or let it go on."""
        if self._fan_outs.ask(instance):
            return
        id, epoch = instance.id, instance.epoch
        if instance.state == "STOPPING":
            grace_s = 0.0 if instance.reason == KILL else KILL_GRACE_S
            self._supervisor.stop(id, epoch, grace_s=grace_s, why=instance.reason)
        elif instance.state == "PAUSING":
            self._supervisor.pause(id, epoch)
        elif instance.state == "RUNNING":
            self._supervisor.go_on(id, epoch)

    def _is_shielded(self, instance: InstanceRecord) -> bool:
        is_shielded = self._supervisor.is_shielded(instance.id, instance.epoch)
        return is_shielded or self._fan_outs.is_shielded(instance.id)
