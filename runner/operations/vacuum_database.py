"""Give the room of what was deleted back to the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.operations.free_space import free_space
from runner.store.admin import Space, space, vacuum
from runner.store.daemon_lock import lock_holder
from runner.vocabulary.duration import format_size
from runner.vocabulary.errors import Refused

LONG = 256 * 2**20
"""Bytes in use from which writing them anew may keep a daemon's writes waiting for longer than they wait."""


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """The space of a database before and after."""

    database: Path
    before: Space
    after: Space


def vacuum_database(path: Path) -> Vacuumed:
    """Write the database anew, as small as it can be; nothing is lost when that is interrupted.

    Refused while the disk has no room for the copies that SQLite makes meanwhile, and for a large database
    beside a daemon, whose writes would wait too long.
    """
    before = space(path)
    in_use = before.size - before.unused
    free, needed = (
        free_space(path.parent),
        2 * in_use,
    )  # the new file, and the log through which it is written
    if free < needed:
        raise Refused(
            f"it needs {format_size(needed)} for a while, and {format_size(free)} are free on the disk of "
            f"{path}; nothing was changed"
        )
    holder = lock_holder(path.parent)
    if holder is not None and in_use > LONG:
        raise Refused(
            f"{format_size(in_use)} would keep the daemon (pid {holder.pid}) from recording for too long; "
            "run `runner drain` first; nothing was changed"
        )
    return Vacuumed(path, before, vacuum(path))
