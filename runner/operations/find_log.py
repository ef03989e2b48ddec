"""Find the log of a run: by its id, or the latest (failed) run of a job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.lifecycle.instance import INSTANCE
from runner.store.port import Store
from runner.store.records import log_path_of
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.names import nearest


@dataclass(frozen=True, slots=True)
class FoundLog:
    """Which run it is, and where its log lies (there is none when it has printed nothing)."""

    instance_id: int
    job: str
    path: Path

    def is_live(self, store: Store) -> bool:
        """Whether more may come."""
        with store.read() as reader:
            instance = reader.instances.get(self.instance_id)
        return instance is not None and instance.state not in INSTANCE.terminal


def find_log(store: Store, state: Path, name_or_id: str, *, failed: bool) -> FoundLog:
    """The log that is meant; UnknownName, with the nearest known name, when there is no such run or job."""
    with store.read() as reader:
        if name_or_id.isdecimal():
            instance = reader.instances.get(int(name_or_id))
            if instance is None:
                raise UnknownName(f"there is no instance {name_or_id}; see `runner instances list`")
        else:
            found = reader.instances.list(job=name_or_id, states=("FAILED",) if failed else None, limit=1)
            if not found:
                raise UnknownName(
                    _nothing(name_or_id, [s.name for s in reader.objects.summaries("Job")], failed)
                )
            instance = found[0]
    return FoundLog(instance.id, instance.job, state / log_path_of(instance.job, instance.id))


def _nothing(name: str, known: list[str], failed: bool) -> str:
    if name in known:
        which = "failed run" if failed else "run"
        return f"Job/{name} has no {which} yet; start one with `runner jobs trigger {name}`"
    close = nearest(name, known)
    hint = f"; did you mean {close!r}?" if close else "; see `runner jobs list`"
    return f"there is no job {name!r}{hint}"
