"""What went wrong with the file, in one sentence: which file, what happened, what now."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from runner.vocabulary.errors import StoreUnavailable


def sentence_for(path: Path, problem: BaseException) -> StoreUnavailable | None:
    """The sentence for a failure of the file or its disk; None when the failure is not the file's."""
    if isinstance(problem, OSError):
        return StoreUnavailable(f"{path}: {problem.strerror or problem}; nothing was recorded")
    if not isinstance(problem, sqlite3.Error):
        return None
    if "decode to UTF-8" in str(problem):  # raised by Python's module, without a code
        return StoreUnavailable(
            f"{path} holds text that is not UTF-8 ({problem}); keep a copy, then {restore(path)}, "
            "or run: runner db check"
        )
    code = getattr(problem, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF
    text = _SENTENCES.get(primary)
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _is_full(path):
        text = _SENTENCES[sqlite3.SQLITE_FULL]
    elif primary == sqlite3.SQLITE_CANTOPEN and not os.path.exists(path):  # noqa: PTH110 -- Path's raises where it may not look
        text = "{path} does not exist any more; restore it from a backup, or create a new one"
    elif primary == sqlite3.SQLITE_CANTOPEN and not _may_write(path.parent):
        text = _SENTENCES[sqlite3.SQLITE_READONLY]
    if text in _MAY_BE_THE_MOUNT and _is_mounted_read_only(path):
        text = _MOUNTED_READ_ONLY
    if text is None:
        return None
    return StoreUnavailable(text.format(path=path, folder=path.parent, restore=restore(path)))


_SENTENCES = {
    sqlite3.SQLITE_BUSY: "{path} is locked by another process for too long, so nothing was recorded; "
    "end what holds it (fuser {path} names it), then try again",
    sqlite3.SQLITE_LOCKED: "{path} is locked by another process for too long, so nothing was recorded; "
    "end what holds it (fuser {path} names it), then try again",
    sqlite3.SQLITE_READONLY: "{path} is read-only for this user, so nothing was recorded; "
    "give write access to it and to its folder {folder}",
    sqlite3.SQLITE_PERM: "{path} may not be opened by this user; "
    "give access to it and to its folder {folder}",
    sqlite3.SQLITE_AUTH: "{path} may not be opened by this user; "
    "give access to it and to its folder {folder}",
    sqlite3.SQLITE_FULL: "The disk of {path} is full, so nothing was recorded; "
    "free some space, then try again",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written (disk error), so nothing was recorded; "
    "check the disk, then run: runner db check",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened by this user; "
    "give access to it and to its folder {folder}",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged; keep a copy, then {restore}, or run: runner db check",
    sqlite3.SQLITE_NOTADB: "{path} is no database; if it was one of the runner, {restore}, "
    "else name another file with --db",
    sqlite3.SQLITE_NOMEM: "There is not enough memory to use {path}; nothing was recorded",
}


_MOUNTED_READ_ONLY = (
    "The file system of {path} is mounted read-only, so nothing was recorded; mount it writable "
    "(after a disk error `dmesg` says why it is not)"
)
_MAY_BE_THE_MOUNT = (_SENTENCES[sqlite3.SQLITE_READONLY], _SENTENCES[sqlite3.SQLITE_CANTOPEN])


def restore(path: Path) -> str:
    """What can be put in the place of a lost database: their own copy, or one from before a migration."""
    try:
        copies = [(copy.stat().st_mtime, copy) for copy in (path.parent / "backups").glob(f"{path.name}-v*")]
    except OSError:
        copies = []
    if copies:
        return f"restore what `runner db backup` made, or {max(copies)[1]}"
    return "restore what `runner db backup` made"


def _is_full(path: Path) -> bool:
    try:
        figures = os.statvfs(path.parent)
    except OSError:
        return False
    return figures.f_bavail * figures.f_frsize < 64 * 1024


def _is_mounted_read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)
