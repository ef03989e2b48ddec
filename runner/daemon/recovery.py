"""Brings to an end, or back, what no process belongs to: at the start, and whenever such a one is found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from runner.daemon.bridge import Bridge
from runner.daemon.telling import Telling
from runner.execution.processes import boot_id, is_gone
from runner.operations.outcome import Finished
from runner.operations.recover import NOT_TOLD, left_behind, recover
from runner.store.instances import InstanceRecord
from runner.store.port import Store
from runner.vocabulary.errors import StoreUnavailable


class Recovery:
    """`done` runs when instances that had lost their process have been decided."""

    def __init__(self, store: Store, bridge: Bridge, telling: Telling, *, done: Callable[[], None]) -> None:
        self._store = store
        self._bridge = bridge
        self._telling = telling
        self._done = done
        self._under_way: set[int] = set()

    def at_start(self, now: datetime) -> None:
        """Decide what an earlier daemon left; one instance that resists does not keep this one down."""
        with self._store.read() as reader:
            left = left_behind(reader)
        try:
            self._transact(left, now)
        except StoreUnavailable:
            raise
        except Exception:
            for id in left:
                try:
                    self._transact((id,), now)
                except Exception as problem:
                    self._telling.trouble(f"recovering instance {id}", problem)

    def of_lost(self, ids: Iterable[int], now: datetime) -> None:
        """Decide instances of this daemon that are live in the database and have no process."""
        lost = set(ids) - self._under_way
        if lost:
            self._decide(lost, now)

    def _decide(self, lost: Collection[int], now: datetime) -> None:
        self._under_way.update(lost)

        def done(result: tuple[Finished, ...] | None, problem: BaseException | None) -> None:
            self._under_way.difference_update(lost)
            if problem is not None and len(lost) > 1 and not isinstance(problem, StoreUnavailable):
                for id in lost:  # one of them resists: the others are decided without it
                    self._decide((id,), now)
                return
            if problem is not None:
                self._telling.trouble(f"recovering instance {', '.join(map(str, sorted(lost)))}", problem)
            for finished in result or ():
                self._telling.recovered(finished)
            self._done()

        self._bridge.write(lambda tx: recover(tx, sorted(lost), now, NOT_TOLD), done)

    def _transact(self, ids: Iterable[int], now: datetime) -> None:
        for finished in self._store.transact(lambda tx: recover(tx, ids, now, is_there=is_there)):
            self._telling.recovered(finished)


def is_there(instance: InstanceRecord) -> bool:
    """Whether the process is there that the record names: this boot's, with this number and this start."""
    return (
        instance.pid is not None
        and instance.boot_id == boot_id()
        and not is_gone(instance.pid, instance.pid_started)
    )


def has_died(instance: InstanceRecord) -> bool:
    """Whether the process that the record names is proven gone; not when it names none."""
    return instance.pid is not None and not is_there(instance)
