"""Looks below roots for files that have arrived, in a thread of its own, and moves those that are done with.

Events of the file system only mean "go and look": they get lost, and there are none on network drives. What
counts is what is there, so everything is looked at anew every half minute as well.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.daemon.file_events import FileEvents
from runner.daemon.stable_files import StableFiles
from runner.execution.actions.prune import files_beneath
from runner.execution.actions.roots import Root
from runner.operations.files_arrived import FoundFile, Taken, files_arrived, ignore_existing
from runner.operations.move_files import move_files
from runner.schedules.trigger import FileSource
from runner.store.port import Store
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.printable import is_one_plain_line

RESCAN_S = 30.0
"""Everything is looked at so often, whatever events there are."""

FULL_S = 5.0
"""Before files are looked at again that found the queue full."""

MISSING_S = 5.0
"""Before a root that is not there is looked for again: nothing tells when it is back."""

PORTION = 500
"""Files taken in by one transaction."""

SHARE = 5
"""Between two looks passes so many times what a look takes: thousands of files are no load for hours."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Watched:
    """One trigger and the folder that its root is now."""

    job_uid: str
    schedule: str
    job: str
    source: FileSource
    path: str

    @property
    def key(self) -> tuple[str, str]:
        return self.job_uid, self.schedule


class FileWatch:
    """`adjust` says what is watched, `poke` that there may be something. `arrived` and `trouble` are called
    in the thread.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        arrived: Callable[[], None],
        trouble: Callable[[str, BaseException], None],
        rescan_s: float = RESCAN_S,
    ) -> None:
        self._store = store
        self._now = now
        self._arrived = arrived
        self._trouble = trouble
        self._rescan_s = rescan_s
        self._watched: tuple[Watched, ...] = ()
        self._roots: Mapping[str, str] = {}
        self._known: dict[tuple[str, str], set[str]] = {}
        self._stable: dict[Watched, StableFiles] = {}
        self._settled: set[tuple[str, str]] = set()
        self._something = threading.Event()
        self._ending = threading.Event()
        self._events = FileEvents(self._something.set, trouble)
        self._thread: threading.Thread | None = None

    def adjust(self, watched: Sequence[Watched], roots: Mapping[str, str]) -> None:
        """Watch these from now on; `roots` are all declared ones, by name."""
        self._watched, self._roots = tuple(watched), dict(roots)
        if watched:
            self._begin()
        self._something.set()

    def poke(self) -> None:
        """There may be a file to move, or room in a queue."""
        self._begin()
        self._something.set()

    def _begin(self) -> None:
        if self._thread is None and not self._ending.is_set():
            thread = threading.Thread(target=self._run, name="file-watch", daemon=True)
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Blocks until the thread has ended, for a moment."""
        self._ending.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
        self._events.stop()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._something.clear()
            began_s = time.monotonic()
            try:
                wait_s = self.look(began_s)
            except Exception as problem:  # whatever it is, it looks again
                self._trouble("looking for files", problem)
                wait_s = self._rescan_s
            took_s = time.monotonic() - began_s
            if not self._ending.is_set():
                self._something.wait(max(wait_s, SHORTEST_PAUSE_S))
                self._ending.wait(min(max(SHORTEST_PAUSE_S, SHARE * took_s), LONGEST_PAUSE_S))

    def look(self, at_s: float) -> float:
        """Look at everything once; seconds until something may have been stable for long enough."""
        watched = self._watched
        for gone in self._stable.keys() - set(watched):
            del self._stable[gone]
        keys = {each.key for each in watched}
        for key in self._known.keys() - keys:
            del self._known[key]
        self._settled &= keys
        waits = [self._rescan_s]
        paths = []
        for each in watched:
            try:
                waits.append(self._look_at(each, at_s))
                paths.append(each.path)
            except FileNotFoundError:
                text = f"{each.path} is not there; create or mount it: files are taken in as soon as it is"
                self._trouble(
                    f"looking for files of Job/{each.job} in root {each.source.root}", FilesWait(text)
                )
                self._stable.pop(each, None)
                waits.append(MISSING_S)
            except Exception as problem:  # whatever is wrong with one root, files of the others are taken in
                self._trouble(f"looking for files of Job/{each.job} in root {each.source.root}", problem)
        self._events.adjust(paths)
        try:
            for item in move_files(self._store, self._roots, self._now(), self._trouble):
                self._known.get((item.job_uid, item.schedule), set()).discard(item.key)
        except (OSError, RunnerError) as problem:
            self._trouble("moving files that are done with", problem)
        return min(waits)

    def _look_at(self, each: Watched, at_s: float) -> float:
        path = os.path.realpath(each.path, strict=True)
        found = [
            FoundFile(file.path, file.size, file.changed_ns, file.inode)
            for file in files_beneath(Root(each.source.root, path), each.source.match)
            if not self._is_aside(each, file.path)
        ]
        files = [file for file in found if is_one_plain_line(file.path)]
        if len(files) < len(found):
            text = f"{len(found) - len(files)} names hold control characters or no text; rename these files"
            self._trouble(f"looking for files of Job/{each.job}", FilesWait(text))
        known = self._known_of(each)
        if each.source.existing == "ignore" and each.key not in self._settled:
            if not self._ignore(each, path, files):
                return self._rescan_s
            known = self._known_of(each, anew=True)
        new = [file for file in files if file.key not in known]
        stable = self._stable.setdefault(each, StableFiles(each.source.stable_for.total_seconds()))
        ready, wait_s = stable.look(new, at_s)
        for name, seconds in stable.restless(at_s):
            text = f"{name} has been changing for {seconds / 60:.0f} min: it is not taken in before it rests"
            self._trouble(f"waiting for a file of Job/{each.job}", FilesWait(text))
        for start in range(0, len(ready), PORTION):
            taken = self._take_in(each, path, ready[start : start + PORTION])
            known.update(taken.keys)
            if taken.queued:
                self._arrived()
            if taken.full:
                return min(wait_s, FULL_S)
            if not taken.keys:
                break  # the job is switched off
        return wait_s

    def _take_in(self, each: Watched, path: str, files: Sequence[FoundFile]) -> Taken:
        now = self._now()
        return self._store.transact(
            lambda tx: files_arrived(tx, each.job_uid, each.schedule, path, files, now)
        )

    def _ignore(self, each: Watched, path: str, files: Sequence[FoundFile]) -> bool:
        now = self._now()
        settled = self._store.transact(
            lambda tx: ignore_existing(tx, each.job_uid, each.schedule, path, files, now)
        )
        if settled:
            self._settled.add(each.key)
        return settled

    def _known_of(self, each: Watched, *, anew: bool = False) -> set[str]:
        if anew or each.key not in self._known:
            with self._store.read() as reader:
                self._known[each.key] = reader.arrivals.keys(*each.key)
        return self._known[each.key]

    def _is_aside(self, each: Watched, path: str) -> bool:
        """Whether it lies where files go that are done with."""
        return any(path.startswith(f"{folder.strip('/')}/") for folder in each.source.move or ())


class FilesWait(Exception):
    """A sentence for people; there is nothing else to know of it."""
