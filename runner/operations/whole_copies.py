"""Are the copies of named files what was applied? Looked at when a run starts, and read only once."""

from __future__ import annotations

import hashlib
import os
import stat

from runner.vocabulary.errors import RunnerError, UnknownName

MOST_KNOWN = 20_000
"""Copies that are remembered: far more than a large installation names at a time."""

_NO_WAITING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class DamagedCopy(RunnerError):
    """What lies in the place of an applied file is something else, so nothing may run it."""


class WholeCopies:
    """Remembers which copies were whole, by what changes when a file is written or replaced."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int, int]] = {}

    def require(self, path: str, copy: str) -> None:
        """Nothing, when `copy` (named by its sha256) has what `path` had when it was applied.

        Else UnknownName when it is gone, DamagedCopy when it is anything else. Costs one look at the file's
        figures, unless they differ from the last time.
        """
        try:
            status = os.stat(copy, follow_symlinks=False)  # noqa: PTH116 - for every start; a Path costs more
            figures = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if self._known.get(copy) == figures:
                return
            problem = _problem_of(copy, status)
        except FileNotFoundError:
            raise UnknownName(
                f"the copy of {path} as it was applied is gone from the state directory; "
                "run `runner reconcile`, which keeps it again"
            ) from None
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
        if problem:
            raise DamagedCopy(
                f"the copy of {path} as it was applied {problem}, so it is not run: {copy}; "
                "find out who wrote there, delete it, then run `runner reconcile`, which keeps it again"
            )
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[copy] = figures


def _problem_of(copy: str, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file any more"
    with os.fdopen(os.open(copy, _NO_WAITING), "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest == copy.rpartition("/")[2] else "has been changed since"
