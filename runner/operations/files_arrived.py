"""Take in files that have arrived below a root: each once, whatever restarts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from runner.lifecycle.holds import active
from runner.operations.arrive import DUPLICATE, QUEUED, switched_off
from runner.operations.arrive_together import arrive_together
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import FileSource
from runner.store.arrivals import DONE, NewItem
from runner.store.port import Transaction


class FoundFile(NamedTuple):
    """A regular file below a root, unchanged for long enough."""

    path: str
    size: int
    changed_ns: int
    inode: int

    @property
    def key(self) -> str:
        """What makes it this file and no other: a file that replaces it, or is written anew, has another."""
        return f"file:{self.path}@{self.inode:x}-{self.size:x}-{self.changed_ns:x}"


class Taken(NamedTuple):
    """Keys that are known now, and whether the queue had no room for the rest."""

    keys: tuple[str, ...]
    full: bool = False
    queued: int = 0


def files_arrived(
    tx: Transaction, job_uid: str, schedule: str, root_path: str, files: Sequence[FoundFile], now: datetime
) -> Taken:
    """Make an item of each file, in the order of the files; while the job is switched off they stay there."""
    found = trigger_of(tx, job_uid, schedule)
    if not isinstance(found, Triggered) or not isinstance(found.trigger.source, FileSource):
        return Taken(())
    if switched_off(active(tx.holds.of(job_uid), now)) is not None:
        return Taken(())
    source = found.trigger.source
    keys: list[str] = []
    queued = 0
    news = (item_of_file(found, source, root_path, file) for file in files)
    for file, arrived in zip(files, arrive_together(tx, found, news, now), strict=True):
        if arrived.outcome not in (QUEUED, DUPLICATE, "dropped"):
            return Taken(tuple(keys), True, queued)
        queued += arrived.outcome == QUEUED
        keys.append(file.key)
    return Taken(tuple(keys), False, queued)


def ignore_existing(
    tx: Transaction, job_uid: str, schedule: str, root_path: str, files: Sequence[FoundFile], now: datetime
) -> bool:
    """`existing: ignore`: what was there when the job was first looked after is known, and starts nothing.

    Whether that is settled; not while the job is switched off.
    """
    if (job_uid, schedule) in tx.feeds.all():
        return True
    found = trigger_of(tx, job_uid, schedule)
    if not isinstance(found, Triggered) or not isinstance(found.trigger.source, FileSource):
        return False
    if switched_off(active(tx.holds.of(job_uid), now)) is not None:
        return False
    for file in files:
        new = item_of_file(found, found.trigger.source, root_path, file)
        tx.arrivals.add(new, at=now, state=DONE, reason="it was there before")
    tx.feeds.set(job_uid, schedule, 0)
    return True


def item_of_file(found: Triggered, source: FileSource, root_path: str, file: FoundFile) -> NewItem:
    """What the job is told of the file, and where that goes afterwards."""
    changed = datetime.fromtimestamp(file.changed_ns / 1e9, found.trigger.zone)
    done, failed = source.move or ("", "")
    return NewItem(
        job_uid=found.record.uid,
        schedule=found.name,
        kind="file",
        key=file.key,
        source=f"{source.root}:{file.path}",
        data={
            "file": {
                "root": source.root,
                "path": file.path,
                "name": file.path.rpartition("/")[2],
                "absolute": f"{root_path}/{file.path}",
                "size": file.size,
                "changed": changed.isoformat(timespec="seconds"),
            }
        },
        aftercare={"done": done, "failed": failed, "inode": file.inode} if source.move else {},
    )
