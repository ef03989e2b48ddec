"""Which starts were asked and wait for something else than a place, so that they are not asked again yet?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runner.dispatch.missed import is_in_a_queue
from runner.operations.schedulable import SchedulableJob
from runner.store.instances import InstanceRecord


class Parked:
    """By job, until what they wait for may have come: an end of their job, or of whoever has a lock."""

    def __init__(self) -> None:
        self._ids: dict[str, set[int]] = {}
        self.behind: set[str] = set()
        """Jobs whose oldest start waits, and all that came later with it: those are not even looked at."""

    def __len__(self) -> int:
        return sum(map(len, self._ids.values()))

    def __contains__(self, instance: InstanceRecord) -> bool:
        return instance.id in self._ids.get(instance.job_uid, ())

    def add(self, instance: InstanceRecord) -> None:
        """Pass it over from now on."""
        self._ids.setdefault(instance.job_uid, set()).add(instance.id)

    def waits(self, instance: InstanceRecord, job: SchedulableJob | None) -> None:
        """It was told to wait; the later starts of its job would be told the same.

        Not so with a place for one that waits: there the newest is to be asked. And what is caught up waits
        by a rule of its own.
        """
        self.add(instance)
        usual = (
            instance.epoch == 0 and not is_in_a_queue(instance.trigger) and "force" not in instance.trigger
        )
        if usual and job is not None and job.overlap not in ("queue-one", "replace"):
            self.behind.add(instance.job_uid)

    def in_turn(
        self, waiting: Sequence[InstanceRecord], claiming: Iterable[InstanceRecord]
    ) -> list[InstanceRecord]:
        """What may be asked now. Of the starts that a job catches up only the oldest is (R10): others park
        behind it, because whichever is asked just after an end would be the one that starts.
        """
        asked: list[InstanceRecord] = []
        queues = {each.job_uid for each in claiming if is_in_a_queue(each.trigger)}
        for instance in waiting:
            in_a_queue = instance.epoch == 0 and is_in_a_queue(instance.trigger)
            if instance not in self:
                if in_a_queue and instance.job_uid in queues:
                    self.add(instance)
                else:
                    asked.append(instance)
            if in_a_queue:
                queues.add(instance.job_uid)
        return asked

    def ended(self, instance: InstanceRecord) -> bool:
        """Whether something waited for that one and is to be asked again: of its own job, and everything when
        it had or wanted a lock.
        """
        if instance.locks:
            return self.clear()
        self.behind.discard(instance.job_uid)
        return bool(self._ids.pop(instance.job_uid, None))

    def clear(self) -> bool:
        """All are to be asked again; whether there were any."""
        were = bool(self._ids)
        self._ids.clear()
        self.behind.clear()
        return were
