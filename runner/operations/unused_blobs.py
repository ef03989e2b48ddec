"""Which contents does nothing installed and no run under way name any more? They go, after a while."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from runner.operations.settings import keep_removed
from runner.store.admin import other_databases
from runner.store.port import Store

UNUSED_AFTER = timedelta(days=7)
"""Since a content was written, or named by an apply. Longer than any apply takes, and than most changes of
mind: a change that is taken back finds its files.
"""

_NAME = re.compile(r"[0-9a-f]{64}\Z")
_LEFT_OVER = re.compile(r"\.[0-9a-f]{64}(?:\.[a-z0-9_]{8})?\Z")
"""What a process that was killed in the middle of a write or a removal leaves."""


@dataclass(frozen=True, slots=True)
class DeletedBlobs:
    """How many contents went, their size, and what could not be deleted."""

    count: int = 0
    size: int = 0
    kept: tuple[str, ...] = ()


def delete_unused_blobs(store: Store, state: Path, now: datetime) -> DeletedBlobs:
    """Delete what was last written or applied before `UNUSED_AFTER` and is not in use.

    Nothing goes while another database lies in the state directory: its objects may name the same contents.
    """
    before_ns = int((now - UNUSED_AFTER).timestamp() * 1e9)
    old = [path for path in _copies(state) if _old_size(path, before_ns) is not None]
    if not old or other_databases(store.path):
        return DeletedBlobs()
    with store.read() as reader:
        in_use = reader.revisions.blobs_in_use()
        since = now - keep_removed(reader)
        for removed in reader.objects.tombstones():  # `runner undo` needs their files
            if removed.removed_at is not None and removed.removed_at >= since:
                in_use.update(removed.files.values())
    count, size, kept = 0, 0, []
    for path in old:
        if path.name in in_use:
            continue
        try:
            freed = _delete(path, before_ns)
        except OSError:
            kept.append(path.relative_to(state).as_posix())
            continue
        if freed is not None:
            count, size = count + 1, size + freed
    return DeletedBlobs(count, size, tuple(kept))


def _copies(state: Path) -> Iterator[Path]:
    """The files that this program writes; nothing else that lies there."""
    for folder in sorted((state / "blobs").glob("[0-9a-f][0-9a-f]")):
        if folder.is_symlink() or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if _NAME.match(path.name) or _LEFT_OVER.match(path.name):
                yield path


def _old_size(path: Path, before_ns: int) -> int | None:
    """The size of a regular file that is old enough; else None."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    old = stat.S_ISREG(status.st_mode) and status.st_mtime_ns < before_ns
    return status.st_size if old else None


def _delete(path: Path, before_ns: int) -> int | None:
    """The size of what went; None when it is needed again.

    An apply that finds a content renews it. Under another name nobody finds it: either it was renewed before
    that, which shows here, or it is written anew.
    """
    aside = path.with_name(f".{path.name.lstrip('.')[:64]}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    size = _old_size(aside, before_ns)
    if size is None:
        aside.rename(path)
        return None
    aside.unlink()
    return size
