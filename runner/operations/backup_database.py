"""Copy the database while it is in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.store.admin import backup
from runner.vocabulary.errors import Refused, UnknownName


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What was copied where; `size` in bytes."""

    database: Path
    file: Path
    size: int


def backup_database(path: Path, to: Path, *, overwrite: bool = False) -> BackedUp:
    """One complete file with mode 0600, read back once; Refused when it exists and may not be overwritten."""
    if to.exists() and (to.is_dir() or not overwrite):
        what = (
            "is a folder; name a file in it" if to.is_dir() else "exists; name another file, or use --force"
        )
        raise Refused(f"{to} {what}")
    if to.exists() and not to.is_file():
        raise Refused(f"{to} is no regular file, and stays what it is; name another one")
    if not to.parent.is_dir():
        raise UnknownName(f"there is no folder {to.parent}; make it, or mount what belongs there")
    if to.exists() and path.exists() and to.samefile(path):
        raise Refused(f"{to} is the database itself; name another file")
    return BackedUp(path, to, backup(path, to))
