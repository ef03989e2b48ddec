"""Which definition is a run pinned to? Those used lately are at hand, prepared."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import nullcontext
from pathlib import Path

from runner.operations.definition import Definition, define
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Store
from runner.vocabulary.errors import UnknownName

KEPT = 1024
"""More jobs than start in the same minute, mostly, so that the next minute finds them; 7 KiB each of a small
job."""


class Definitions:
    """Of the database `store`, whose copies of files lie in `state`. A definition never changes, so what was
    read once is true for good; above `KEPT` the one that was not used for longest goes.
    """

    def __init__(self, store: Store, state: Path) -> None:
        self._store = store
        self._state = state
        self._kept: OrderedDict[tuple[str, str], Definition] = OrderedDict()

    def of(self, instance: InstanceRecord, reader: Reader | None = None) -> Definition:
        """The definition that the instance is pinned to.

        Raises UnknownName when it is not in the database, and what reading and preparing it may raise.
        """
        definition = self.at_hand(instance)
        if definition is None:
            key = (instance.job_uid, instance.digest)
            with self._store.read() if reader is None else nullcontext(reader) as given:
                spec = given.revisions.get(*key)
            if spec is None:
                raise UnknownName(f"revision {instance.digest} of Job/{instance.job} is not in the database")
            definition = self._kept[key] = define(spec, self._state)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return definition

    def at_hand(self, instance: InstanceRecord) -> Definition | None:
        """The same, if nothing has to be read for it."""
        key = (instance.job_uid, instance.digest)
        definition = self._kept.get(key)
        if definition is not None:
            self._kept.move_to_end(key)
        return definition
