"""Whose turn is it? The targets of one run: which wait, which run, and how far their wave is.

Holds what the decisions of runner.dispatch.tasks are asked with. It starts nothing and writes nothing.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from runner.dispatch.tasks import (
    FOR_EVER,
    Again,
    Cancelled,
    EndOfTry,
    FanOutRules,
    Go,
    Lost,
    NextWave,
    Stop,
    Succeeded,
    Wave,
    decide_more,
    wave_sizes,
)
from runner.lifecycle.task import TASK
from runner.store.tasks import OpenTask


@dataclass(slots=True)
class Begun:
    """A target that has been started once at least."""

    position: int
    state: str
    expires_at: datetime
    failures: int
    crashes: int


class Next(NamedTuple):
    """What there is to do now."""

    start: list[str]
    late: list[str]


class Turns:
    """Made from what is recorded: a first start has nothing but targets that have not begun.

    `last` is the moment at which the run itself expires.
    """

    def __init__(
        self, rules: FanOutRules, tasks: Sequence[OpenTask], now: datetime, last: datetime | None
    ) -> None:
        self._rules = rules
        self._last = last
        self._sizes = wave_sizes(rules.waves, len(tasks))
        self._fresh: deque[tuple[int, str]] = deque()
        self._retries: list[tuple[datetime, int, str]] = []
        self._begun: dict[str, Begun] = {}
        # Whose turn it was while another run worked on them; fresh ones without a time.
        self._aside: list[tuple[datetime | None, int, str]] = []
        self._dropped: list[int] = []  # places of those that had ended before their wave began
        self._failed = 0
        self.running: set[str] = set()
        self.stop: Stop | None = None
        for place, task in enumerate(tasks):
            self._take(place, task, now)
        self._number = 0  # of the wave under way, from 0
        self._wave, self._wave_end = Wave(0), 0
        self._find_wave([task.state for task in tasks])

    @property
    def nothing_left(self) -> bool:
        """Whether no target is to start any more."""
        return self.stop is not None or not (self._fresh or self._retries or self._aside)

    def of(self, target: str) -> Begun:
        """What is known of a target that has begun."""
        return self._begun[target]

    def next(self, now: datetime, is_free: Callable[[str], bool] = lambda _: True) -> Next:
        """Who starts now (they count as running), and whose time was over before its next try (T9).

        Nobody starts who is not free: another run works on that target. `stop` says from now on when no
        other ever starts.
        """
        found = Next([], [])
        self._bring_back()
        while self.stop is None:
            decision = decide_more(
                self._rules,
                self._wave,
                number=self._number + 1,
                waves=len(self._sizes),
                failed=self._failed,
                running=len(self.running),
            )
            match decision:
                case Stop():
                    self.stop = decision
                case Go(places=places):
                    target = self._first(now, is_free) if places else None
                    if target is None:
                        break
                    if self._begun[target].expires_at <= now and self._begun[target].state != "SCHEDULED":
                        self._begun[target].state = "FAILED"
                        self._lose()
                        found.late.append(target)
                    else:
                        self.running.add(target)
                        found.start.append(target)
                case NextWave():
                    if self._number + 1 >= len(self._sizes):
                        break
                    self._number += 1
                    first, self._wave_end = self._wave_end, self._wave_end + self._sizes[self._number]
                    gone = sum(first <= place < self._wave_end for place in self._dropped)
                    self._wave = Wave(self._sizes[self._number], gone)
        return found

    def ended(self, target: str, end: EndOfTry, outcome: str) -> None:
        """A try of it is over."""
        self.running.discard(target)
        it = self._begun[target]
        match end:
            case Again(at=at, reason=reason):
                it.state = "RESCHEDULED"
                it.failures += reason == "retry"
                it.crashes += outcome == "crashed"
                heapq.heappush(self._retries, (at, it.position, target))
            case Succeeded():
                it.state = "SUCCEEDED"
                self._wave = self._wave._replace(
                    ended=self._wave.ended + 1, succeeded=self._wave.succeeded + 1
                )
            case Lost():
                it.state = "FAILED"
                it.failures += 1
                self._lose()
            case Cancelled():
                it.state = "CANCELLED"
                self._leave(it.position)

    def drop(self, target: str) -> None:
        """It is never to start (again); nothing when it does not wait."""
        self._bring_back()
        fresh = next((place for place, name in self._fresh if name == target), None)
        if fresh is not None:
            self._fresh = deque(each for each in self._fresh if each[1] != target)
            self._leave(fresh)
        elif any(name == target for _, _, name in self._retries):
            self._retries = [each for each in self._retries if each[2] != target]
            heapq.heapify(self._retries)
            self._begun[target].state = "CANCELLED"
            self._leave(self._begun[target].position)

    def put_back(self, target: str, before: str, now: datetime) -> None:
        """It could not be started; it is as it was before."""
        self.running.discard(target)
        it = self._begun[target]
        it.state = before
        if before == "SCHEDULED":
            self._fresh.appendleft((it.position, target))
        else:
            heapq.heappush(self._retries, (now, it.position, target))

    def waits_for_time(self, now: datetime) -> bool:
        """Whether a next try is not due yet."""
        return any(at > now for at, _, _ in self._retries)

    def bring_forward(self, targets: Collection[str], now: datetime) -> None:
        """The next try of these is due now."""
        self._retries = [(min(at, now) if it in targets else at, n, it) for at, n, it in self._retries]
        heapq.heapify(self._retries)

    def next_at(self) -> datetime | None:
        """When the next try is due, if there is a place for it."""
        has_places = len(self.running) < self._rules.parallel
        return self._retries[0][0] if self._retries and has_places else None

    def _take(self, place: int, task: OpenTask, now: datetime) -> None:
        if task.attempt:
            expires_at = task.expires_at or self._expires_at(now)
            self._begun[task.target] = Begun(place, task.state, expires_at, task.failures, task.crashes)
        if task.state == "SCHEDULED":
            self._fresh.append((place, task.target))
        elif task.state == "RESCHEDULED":
            heapq.heappush(self._retries, (task.next_try_at or now, place, task.target))
        if task.state in TASK.terminal:
            self._dropped.append(place)
        self._failed += task.state == "FAILED"

    def _find_wave(self, states: Sequence[str]) -> None:
        """The first wave that is not over; the last one when all are."""
        first = 0
        for number, size in enumerate(self._sizes):
            those = states[first : first + size]
            self._number, self._wave_end = number, first + size
            over = sum(state in TASK.terminal for state in those)
            self._wave = Wave(size, over, those.count("SUCCEEDED"))
            if over < size:
                return
            first += size

    def _first(self, now: datetime, is_free: Callable[[str], bool]) -> str | None:
        """What waits longest for its next try goes before what has not begun; None when nothing is due."""
        while self._retries and self._retries[0][0] <= now:
            at, place, target = heapq.heappop(self._retries)
            if self._begun[target].expires_at <= now or is_free(target):
                return target
            self._aside.append((at, place, target))
        while self._fresh and self._fresh[0][0] < self._wave_end:
            place, target = self._fresh.popleft()
            if is_free(target):
                self._begun[target] = Begun(place, "SCHEDULED", self._expires_at(now), 0, 0)
                return target
            self._aside.append((None, place, target))
        return None

    def _bring_back(self) -> None:
        """Perhaps they are free now; in their old order."""
        for at, place, target in reversed(self._aside):
            if at is None:
                self._fresh.appendleft((place, target))
            else:
                heapq.heappush(self._retries, (at, place, target))
        self._aside.clear()

    def _leave(self, place: int) -> None:
        """It ended without success or failure, perhaps before its wave."""
        if place < self._wave_end:
            self._wave = self._wave._replace(ended=self._wave.ended + 1)
        else:
            self._dropped.append(place)

    def _expires_at(self, now: datetime) -> datetime:
        own = now + (FOR_EVER if self._rules.expires_in is None else self._rules.expires_in)
        return min(own, self._last) if self._last is not None else own

    def _lose(self) -> None:
        self._failed += 1
        self._wave = self._wave._replace(ended=self._wave.ended + 1)
