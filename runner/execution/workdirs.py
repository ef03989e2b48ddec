"""Where does an instance work, and how does that directory go away?"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

_FEW = 8  # files that are removed at once, on the event loop
_OWN = "own-"
_TICK_NS = 50_000_000  # a kernel whose clock ticks 100 times a second, with room


class WorkingDirectories:
    """Private directories for instances that name none; each is made for one, and removed after it.

    But one in which nothing was ever made or changed (its change time tells) goes to the next instance:
    making and removing a directory takes a file system longer than a short instance takes to run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pristine: list[str] = []
        self._changed_ns: dict[str, int] = {}
        self._taken_ns: dict[str, int] = {}
        self._made = 0

    def left_over(self) -> list[str]:
        """What an earlier process that was killed left behind."""
        with contextlib.suppress(FileNotFoundError):
            return [str(path) for path in self._folder.glob(f"{_OWN}*")]
        return []

    def take(self) -> str:
        """An empty directory, mode 0700; OSError when none can be made."""
        if self._pristine:
            path = self._pristine.pop()
            self._taken_ns[path] = time.time_ns()
            return path
        self._made += 1
        path = f"{self._folder}/{_OWN}{os.getpid()}-{self._made}"
        try:
            os.mkdir(path, 0o700)  # noqa: PTH102 -- on the way of every instance
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.mkdir(path, 0o700)  # noqa: PTH102
        self._changed_ns[path] = os.stat(path).st_ctime_ns  # noqa: PTH116
        return path

    def give_back(self, path: str) -> bool:
        """Take it back if it is as it was; False when it has to be removed."""
        changed_ns = self._changed_ns.get(path, -1)
        taken_ns = self._taken_ns.pop(path, 0)
        try:
            found = os.lstat(path)
            # Times come from a clock that ticks: a change so soon after the last one may not show.
            shows = taken_ns - changed_ns > _TICK_NS
            if (
                found.st_ctime_ns == changed_ns
                and stat.S_IMODE(found.st_mode) == 0o700
                and (shows or not os.listdir(path))  # noqa: PTH208
            ):
                self._pristine.append(path)
                return True
        except OSError:
            pass
        self._changed_ns.pop(path, None)
        return False

    def close(self) -> None:
        """Remove what nobody uses."""
        for path in self._pristine:
            remove_if_small(path)
        self._pristine.clear()


def remove_if_small(folder: str) -> bool:
    """Remove a directory that holds a few files at most; whether it is gone. The event loop may do it.

    A link that a job put in its place goes, and what it leads to stays.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return _remove_what_is_no_folder(folder)
    try:
        with os.scandir(descriptor) as entries:
            names = [entry.name for _, entry in zip(range(_FEW), entries, strict=False)]
        for name in names:
            os.unlink(name, dir_fd=descriptor)
        os.rmdir(folder)  # noqa: PTH106
    except FileNotFoundError:
        return not os.path.lexists(folder)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def remove_tree(folder: str) -> None:
    """Remove a tree, whatever modes the job gave its folders; no link is followed, not even for a mode."""

    def make_way(function: Callable[..., object], path: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            for each in (Path(path).parent, Path(path)):
                if stat.S_ISDIR(each.lstat().st_mode):
                    each.chmod(0o700)
            function(path)

    if not _remove_what_is_no_folder(folder):
        shutil.rmtree(folder, onerror=make_way)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_what_is_no_folder(path: str) -> bool:
    """Whether nothing is there (any more): a link or a file is removed, a directory is not."""
    try:
        os.unlink(path)  # noqa: PTH108 -- on the way of every instance
    except FileNotFoundError:
        return True
    except OSError:  # a directory
        return False
    return True
