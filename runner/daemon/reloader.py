"""Hot reload: when files change, the whole tree is loaded and reconciled, or nothing is."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from runner.daemon.git_at_work import MARKS, git_at_work, git_directory
from runner.vocabulary.diagnostic import Diagnostic

SETTLE_MS = 60
"""Quiet time after the last event before the tree is read."""

LONGEST_SETTLE_MS = 700
"""A tree that never rests is read anyway, so that a reload comes within a second of a write."""

LOOK_AGAIN_MS = 2_000
"""How often a watcher that hears nothing checks that it still watches the right folder."""

LOOK_AT_GIT_S = 0.05
TOLD_AFTER_S = 1.0
"""A wait for git that is longer than this is noted for `runner doctor`; a commit takes less."""

FIRST_PATIENCE_S = 2.0
"""How long the first load waits for git: a status of an editor locks the index for a moment."""

AGAIN_S, LONGEST_AGAIN_S = 10.0, 300.0
"""Before it is tried again, when the files were not to blame; twice as long after each time in vain."""

WATCH_AGAIN_S = 2.0
"""Before the folder is watched again, when the watcher failed."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The outcome of one reload: what was applied, or why nothing was.

    `cause` of a reload that is not ok: `invalid` files, `partial` when what is invalid was left as it was and
    the rest was applied, `refused` by a guard, or `trouble` that is not the author's: a full disk, or an
    error of this program (then `trace` says where).
    """

    ok: bool
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()
    changed: bool = False
    cause: Literal["", "invalid", "partial", "refused", "trouble"] = ""
    trace: str = ""


class Reloader:
    """A thread that watches `root` and calls `reload` when something has changed, and again after trouble."""

    def __init__(self, root: Path, state: Path, reload: Callable[[], Reloaded]) -> None:
        self._root = root.resolve()
        self._state = state.resolve()
        self._reload = reload
        self._done: Callable[[Reloaded], None] = _ignore
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reloader", daemon=True)
        self._last: Reloaded | None = None
        self._again_at_s: float | None = None
        self._pause_s = AGAIN_S

    def start(self, done: Callable[[Reloaded], None]) -> None:
        """Watch from now on; `done` is called, in the watching thread, with what came of each reload."""
        self._done = done
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; returns when a reload under way is finished."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _watch(self) -> None:
        polling = False
        while not self._stop.is_set():
            try:
                self._reload_at_each(self._events(polling))
            except Exception as problem:  # the folder went away, or the system's watches are used up
                polling = True
                text = f"{self._root} cannot be watched, so it is polled: {problem}"
                self._tell(Reloaded(False, text, cause="trouble"))
                self._stop.wait(WATCH_AGAIN_S)

    def _reload_at_each(self, events: Iterator[None]) -> None:
        for _ in events:
            self._wait_for_git(None)
            if self._stop.is_set():
                return
            self.reload_now()

    def reload_now(self) -> None:
        """Load, reconcile, tell. The same problems are told once."""
        self._tell(self._loaded())

    def load_first(self) -> Reloaded:
        """Load and reconcile before anything runs; an outcome in every case.

        While git is at work nothing is loaded: what is installed runs, and the watching thread goes on
        waiting.
        """
        at_work = self._wait_for_git(FIRST_PATIENCE_S)
        if at_work is None:
            outcome = self._loaded()
        else:
            text = f"{MARKS[at_work.name]} ({at_work}); the files are read when it is over"
            outcome = Reloaded(False, text, cause="refused")
        self._keep(outcome, at_work)
        return outcome

    def _loaded(self) -> Reloaded:
        """An outcome in every case, because a reload must never end the daemon."""
        try:
            return self._reload()
        except Exception as problem:
            return Reloaded(False, f"{type(problem).__name__}: {problem}", cause="trouble")

    def _tell(self, outcome: Reloaded) -> None:
        was = self._last
        self._keep(outcome)
        if outcome.changed or self._last != was:
            self._done(outcome)

    def _keep(self, outcome: Reloaded, waiting: Path | None = None) -> None:
        note(self._state, outcome, waiting)
        if outcome.cause == "trouble":
            self._again_at_s = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_AGAIN_S)
        else:
            self._again_at_s, self._pause_s = None, AGAIN_S
        self._last = replace(outcome, changed=False, text="" if outcome.ok else outcome.text)

    def _events(self, polling: bool) -> Iterator[None]:
        """One item when something may have changed; events only mean «go and look»."""
        from watchfiles import watch

        first = True  # what changed between the first reconcile and the first look of the watcher
        while not self._stop.is_set():
            watched = self._existing()
            identity = _identity(self._root)
            for changes in watch(
                watched,
                watch_filter=None,
                debounce=LONGEST_SETTLE_MS,
                step=SETTLE_MS,
                rust_timeout=LOOK_AGAIN_MS,
                yield_on_timeout=True,
                stop_event=self._stop,
                raise_interrupt=False,
                recursive=watched == self._root,
                force_polling=polling or None,
            ):
                if _identity(self._root) != identity:
                    yield None
                    first = True
                    break  # the folder was replaced: the watcher looks at the one that is gone
                again = self._again_at_s is not None and time.monotonic() >= self._again_at_s
                if first or again or any(not self._is_noise(path) for _, path in changes):
                    first = False
                    yield None

    def _is_noise(self, path: str) -> bool:
        """Files that editors, git and the runner make for themselves."""
        name = Path(path).name
        return (
            name.startswith((".#", ".git"))
            or name.endswith(("~", ".swp", ".swx", ".tmp"))
            or name == "4913"
            or "/.git/" in path
            or Path(path).is_relative_to(self._state)
        )

    def _existing(self) -> Path:
        """The root, or the nearest folder above it that is there."""
        path = self._root
        while not path.exists() and path != path.parent:
            path = path.parent
        return path

    def _wait_for_git(self, patience_s: float | None) -> Path | None:
        """Until git is done, or the patience is over: then the file that says that it is not done."""
        directory = git_directory(self._root)
        waited_s = 0.0
        while (at_work := git_at_work(directory)) is not None:
            if patience_s is not None and waited_s >= patience_s:
                return at_work
            if self._stop.wait(LOOK_AT_GIT_S):
                return at_work
            was_s, waited_s = waited_s, waited_s + LOOK_AT_GIT_S
            if was_s < TOLD_AFTER_S <= waited_s:
                note(self._state, self._last or Reloaded(True, ""), at_work)
        return None


def _ignore(outcome: Reloaded) -> None:
    """Nobody listens yet."""


def note(state: Path, outcome: Reloaded, waiting: Path | None = None) -> None:
    """Leave the last outcome where `runner doctor` finds it, and which file of git is waited for."""
    path = state / "reload.json"
    temporary = path.with_suffix(".tmp")
    content = {
        "ok": outcome.ok,
        "cause": outcome.cause,
        "text": outcome.text,
        "diagnostics": [diagnostic.as_json() for diagnostic in outcome.diagnostics],
        "waiting": None if waiting is None else {"file": str(waiting), "why": MARKS[waiting.name]},
    }
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
        temporary.replace(path)
    except OSError:
        pass  # a full disk is told by the store; this note only helps a person


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        stat = root.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
