"""Telling a person what happens, without ever failing for it and without saying the same again and again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import ParamSpec, Protocol

from runner.daemon.clock import Clock
from runner.execution.order import Ended
from runner.operations.outcome import Finished, NotStarted
from runner.store.instances import InstanceRecord
from runner.vocabulary.errors import ChangedMeanwhile

QUIET_S = 60.0
"""The same trouble is told once in this time; a full disk would be told by every write otherwise."""

KNOWN_TROUBLES = 200

P = ParamSpec("P")


class Listener(Protocol):
    """Who wants to know what the engine does, in order to tell a person."""

    def recovered(self, finished: Finished) -> None: ...
    def started(self, instance: InstanceRecord) -> None: ...
    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None: ...
    def not_started(self, result: NotStarted) -> None: ...
    def removed(self, job: str) -> None: ...
    def noticed(self, word: str, text: str, *, bad: bool) -> None: ...
    def trouble(self, doing: str, problem: BaseException) -> None: ...


def tell(say: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
    """Call `say`; a closed terminal or a full disk behind stdout is nobody's reason to stop working."""
    with contextlib.suppress(Exception):  # there is nobody left who could be told
        say(*arguments, **named)


class Telling:
    """A listener in front of the real one: it never raises, and keeps a repeated trouble back."""

    def __init__(self, listener: Listener, clock: Clock) -> None:
        self._listener = listener
        self._clock = clock
        self._told_at_s: dict[str, float] = {}
        self._kept_back: dict[str, int] = {}
        self._changed_at_s: dict[str, float] = {}

    def recovered(self, finished: Finished) -> None:
        tell(self._listener.recovered, finished)

    def started(self, instance: InstanceRecord) -> None:
        tell(self._listener.started, instance)

    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None:
        tell(self._listener.finished, instance, finished, ended)

    def not_started(self, result: NotStarted) -> None:
        tell(self._listener.not_started, result)

    def removed(self, job: str) -> None:
        tell(self._listener.removed, job)

    def noticed(self, word: str, text: str) -> None:
        """What happens to runs without that one of them starts or ends."""
        with contextlib.suppress(Exception):
            self._listener.noticed(word, text, bad=False)

    def trouble_if_it_stays(self, doing: str, problem: BaseException) -> None:
        """Tell it; what somebody has changed at that very moment only when it comes twice in a short time."""
        if isinstance(problem, ChangedMeanwhile):
            now_s = self._clock.boot_s()
            if len(self._changed_at_s) >= KNOWN_TROUBLES:
                self._changed_at_s.clear()
            before_s, self._changed_at_s[doing] = self._changed_at_s.get(doing), now_s
            if before_s is None or now_s - before_s >= QUIET_S:
                return
        self.trouble(doing, problem)

    def trouble(self, doing: str, problem: BaseException) -> None:
        """Tell it, unless this very problem was told a moment ago, whatever was being done."""
        what = f"{type(problem).__name__}: {problem}"
        now_s = self._clock.boot_s()
        told_at_s = self._told_at_s.get(what)
        if told_at_s is not None and now_s - told_at_s < QUIET_S:
            self._kept_back[what] = self._kept_back.get(what, 0) + 1
            return
        if len(self._told_at_s) >= KNOWN_TROUBLES:
            self._told_at_s.clear()
            self._kept_back.clear()
        self._told_at_s[what] = now_s
        again = self._kept_back.pop(what, 0)
        times = "once more" if again == 1 else f"{again} times more"
        tell(self._listener.trouble, f"{doing} ({times} since it was told last)" if again else doing, problem)
