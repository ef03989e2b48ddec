"""Delete old runs and their logs, as each job's `history` says, and contents that nothing names any more."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from runner.operations.prune_arrivals import prune_arrivals
from runner.operations.settings import keep_removed
from runner.operations.unused_blobs import DeletedBlobs, delete_unused_blobs
from runner.store.instances import PrunedInstance
from runner.store.objects import ObjectRecord
from runner.store.port import Store, Transaction
from runner.vocabulary.duration import parse_duration

REMOVER = "system:prune-history"

PORTION = 500
"""Runs deleted per transaction, so that the daemon's own writes never wait long."""


@dataclass(frozen=True, slots=True)
class PrunedJob:
    """How many runs of a job went."""

    job: str
    instances: int


@dataclass(frozen=True, slots=True)
class PrunedHistory:
    """What was deleted; `log_bytes` is what the logs gave back; `kept_logs` could not be deleted.

    `blobs` are the contents of named files.
    """

    jobs: tuple[PrunedJob, ...]
    logs: int
    log_bytes: int
    kept_logs: tuple[str, ...]
    blobs: DeletedBlobs = field(default_factory=DeletedBlobs)

    @property
    def instances(self) -> int:
        return sum(job.instances for job in self.jobs)


def prune_history(store: Store, state: Path, *, now: datetime, keep_days: int | None = None) -> PrunedHistory:
    """Terminal runs beyond each job's `history.keep` or older than its `history.maxAge` go, with their logs.

    `keep_days` deletes older ones whatever the job says. Of each job the newest run stays, and so does the
    ledger of its slots: nothing becomes runnable again. Jobs that are uninstalled keep the history that their
    last declaration says. Contents of named files go when nothing installed and no run under way needs them.
    """
    with store.read() as reader:
        jobs = [*reader.objects.all("Job"), *(t for t in reader.objects.tombstones() if t.kind == "Job")]
    counts: list[PrunedJob] = []
    logs = _Logs(state)
    for job in jobs:
        keep, before = _limits(job, now, keep_days)
        gone = 0
        while True:
            portion = store.transact(partial(_prune, uid=job.uid, keep=keep, before=before))
            # The rows are gone for good: a crash here leaves logs without a run, which the sweep finds.
            for pruned in portion:
                logs.delete(pruned.log)
            gone += len(portion)
            if len(portion) < PORTION:
                break
        if gone:
            counts.append(PrunedJob(job.name, gone))
    _forget_removed(store, now)
    logs.sweep(store)
    prune_arrivals(store, now)
    blobs = delete_unused_blobs(store, state, now)
    jobs_told = tuple(sorted(counts, key=lambda c: c.job))
    return PrunedHistory(jobs_told, logs.count, logs.size, tuple(logs.kept), blobs)


def _forget_removed(store: Store, now: datetime) -> None:
    """What an uninstalled job had saved goes when `runner undo` cannot bring it back any more."""
    with store.read() as reader:
        before = now - keep_removed(reader)
        gone = [
            record.uid
            for record in reader.objects.tombstones()
            if record.kind == "Job" and record.removed_at is not None and record.removed_at < before
        ]
        left = [
            uid
            for uid in gone
            if reader.state.last_owner(uid) is not None or reader.state.persistent(uid) is not None
        ]
    for uid in left:
        store.transact(partial(_forget, uid=uid, now=now))


def _forget(tx: Transaction, *, uid: str, now: datetime) -> None:
    why = "uninstalled, and past the time in which it can be brought back"
    tx.state.clear(uid, at=now, who=REMOVER, why=why)
    tx.state.clear_persistent(uid, at=now, who=REMOVER, why=why)


def _prune(tx: Transaction, *, uid: str, keep: int | None, before: datetime | None) -> list[PrunedInstance]:
    return tx.instances.prune(uid, keep=keep, before=before, limit=PORTION)


def _limits(job: ObjectRecord, now: datetime, keep_days: int | None) -> tuple[int | None, datetime | None]:
    history: Mapping[str, Any] = job.resolved.get("history") or {}
    ages = [parse_duration(history["maxAge"])] if history.get("maxAge") else []
    if keep_days is not None:
        ages.append(timedelta(days=keep_days))
    return history.get("keep"), now - min(ages) if ages else None


class _Logs:
    """The log files below `state`; remembers what went."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.count = 0
        self.size = 0
        self.kept: list[str] = []

    def delete(self, log: str) -> None:
        path = self._state / log
        self._delete_workdir(path.stem)
        self._delete_targets(path.with_suffix(""), log)
        try:
            size = path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            return
        except OSError:
            self.kept.append(log)
            return
        self.count += 1
        self.size += size
        with contextlib.suppress(OSError):  # not empty yet
            path.parent.rmdir()

    def _delete_workdir(self, instance: str) -> None:
        """A kept working directory (`keepWorkdir`) goes with the log of its run."""
        workdir = self._state / "work" / instance
        if workdir.is_dir() and not workdir.is_symlink():
            shutil.rmtree(workdir, ignore_errors=True)

    def _delete_targets(self, folder: Path, log: str) -> None:
        """A run over an inventory has a folder with the log of each target."""
        if not folder.is_dir() or folder.is_symlink():
            return
        found = [(path, path.lstat().st_size) for path in folder.iterdir()]
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            self.kept.append(log.removesuffix(".log"))
        gone = [size for path, size in found if not path.exists()]
        self.count += len(gone)
        self.size += sum(gone)
        with contextlib.suppress(OSError):  # not empty yet
            folder.parent.rmdir()

    def sweep(self, store: Store) -> None:
        """Logs whose run is gone: a process was killed between the two deletions."""
        found = {
            int(path.stem): path.with_suffix(".log").relative_to(self._state).as_posix()
            for pattern in ("*/*.log", "*/*/")
            for path in (self._state / "logs").glob(pattern)
            if path.stem.isdecimal() and not path.parent.is_symlink()
        }
        if found:
            with store.read() as reader:
                known = reader.instances.existing(found)
            for id in sorted(found.keys() - known):
                self.delete(found[id])
