"""Hears the file system say that something has changed below some folders; never what, and not always."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

GATHER_MS = 100
"""Changes are told together."""

PULSE_MS = 1000
"""After so long it certainly listens, and notices that it is to stop."""

DOING = "watching folders for files (they are looked at every 30 s)"

Place = tuple[str, int, int]
"""A folder and which one it was: made anew it is another, and the old watch is blind."""


class FileEvents:
    """`changed` is called in a thread of its own."""

    def __init__(self, changed: Callable[[], None], trouble: Callable[[str, BaseException], None]) -> None:
        self._changed = changed
        self._trouble = trouble
        self._places: frozenset[Place] = frozenset()
        self._stop = threading.Event()

    def adjust(self, paths: Sequence[str]) -> None:
        """Hear of these folders; nothing happens when they are the same as before."""
        places = frozenset(place for path in paths if (place := _place(path)) is not None)
        if places == self._places:
            return
        self.stop()
        self._places = places
        self._stop = threading.Event()
        if places:
            hearing = threading.Thread(
                target=self._hear, args=(places, self._stop), name="file-events", daemon=True
            )
            try:
                hearing.start()
            except RuntimeError as problem:  # there are as many threads as there may be: tried again
                self._places = frozenset()
                self._trouble(DOING, problem)

    def stop(self) -> None:
        """Hear nothing more."""
        self._stop.set()
        self._places = frozenset()

    def _hear(self, places: frozenset[Place], stop: threading.Event) -> None:
        from watchfiles import watch

        listens = False
        try:
            for changes in watch(
                *sorted(path for path, _, _ in places),
                watch_filter=None,
                debounce=GATHER_MS,
                step=GATHER_MS // 2,
                stop_event=stop,
                raise_interrupt=False,
                ignore_permission_denied=True,
                rust_timeout=PULSE_MS,
                yield_on_timeout=True,
            ):
                if changes or not listens:  # what came before it listened is looked for once more
                    listens = True
                    self._changed()
        except Exception as problem:  # too many watches, a folder that has just gone: it is looked at anyway
            if not stop.is_set():
                self._places = frozenset()
                self._trouble(DOING, problem)
                if listens:  # something happened that it could not tell, as to a name that is no text
                    self._changed()


def _place(path: str) -> Place | None:
    try:
        real = os.path.realpath(path, strict=True)
        found = Path(real).stat()
    except OSError:
        return None
    return real, found.st_dev, found.st_ino
