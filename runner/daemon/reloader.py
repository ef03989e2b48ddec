"""Hot reload: when files change, the whole tree is loaded and reconciled, or nothing is."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from runner.vocabulary.diagnostic import Diagnostic

SETTLE_MS = 120
"""Quiet time after the last event before the tree is read."""

LONGEST_SETTLE_MS = 700
"""A tree that never rests is read anyway, so that a reload comes within a second of a write."""

LOOK_AGAIN_MS = 2_000
"""How often a watcher that hears nothing checks that it still watches the right folder."""

GIT_AT_WORK = ("index.lock", "rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "BISECT_LOG")
"""While one of these is in the git directory, the tree is between two states: wait."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The outcome of one reload: what was applied, or why nothing was.

    `cause` of a reload that is not ok: `invalid` files, `refused` by a guard, or `trouble` that is not the
    author's: a full disk, or an error of this program (then `trace` says where).
    """

    ok: bool
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()
    changed: bool = False
    cause: Literal["", "invalid", "refused", "trouble"] = ""
    trace: str = ""


class Reloader:
    """A thread that watches `root` and calls `reload` when something has changed."""

    def __init__(self, root: Path, state: Path, reload: Callable[[], Reloaded]) -> None:
        self._root = root
        self._state = state
        self._reload = reload
        self._done: Callable[[Reloaded], None] = _ignore
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reloader", daemon=True)
        self._last: Reloaded | None = None

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
        for _ in self._events():
            if self._stop.is_set():
                return
            self._wait_for_git()
            self.reload_now()

    def reload_now(self) -> None:
        """Load, reconcile, tell. The same problems are told once."""
        was = self._last
        outcome = self.load()
        if outcome.changed or self._last != was:
            self._done(outcome)

    def load(self) -> Reloaded:
        """Load and reconcile now; an outcome in every case, because a reload must never end the daemon."""
        try:
            outcome = self._reload()
        except Exception as problem:
            outcome = Reloaded(False, f"{type(problem).__name__}: {problem}", cause="trouble")
        note(self._state, outcome)
        self._last = replace(outcome, changed=False, text="" if outcome.ok else outcome.text)
        return outcome

    def _events(self) -> Iterator[None]:
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
            ):
                if _identity(self._root) != identity:
                    yield None
                    break  # the folder was replaced: the watcher looks at the one that is gone
                if first or any(not self._is_noise(path) for _, path in changes):
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

    def _wait_for_git(self) -> None:
        git = _git_directory(self._root)
        while git is not None and not self._stop.wait(0.05):
            if not any((git / name).exists() for name in GIT_AT_WORK):
                return


def _ignore(outcome: Reloaded) -> None:
    """Nobody listens yet."""


def note(state: Path, outcome: Reloaded) -> None:
    """Leave the last outcome where `runner doctor` finds it."""
    path = state / "reload.json"
    temporary = path.with_suffix(".tmp")
    content = {
        "ok": outcome.ok,
        "cause": outcome.cause,
        "text": outcome.text,
        "diagnostics": [diagnostic.as_json() for diagnostic in outcome.diagnostics],
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


def _git_directory(root: Path) -> Path | None:
    for folder in (root, *root.parents):
        candidate = folder / ".git"
        if candidate.is_dir():
            return candidate
        if candidate.is_file():  # a linked work tree
            try:
                return (folder / candidate.read_text().removeprefix("gitdir:").strip()).resolve()
            except OSError:
                return None
    return None
