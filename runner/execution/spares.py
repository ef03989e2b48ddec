"""Is there a child already, that waits for its order?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import NamedTuple

from runner.execution.streams import Streams, open_streams
from runner.execution.zygotes import Zygotes

REST_S = 0.005
"""Without a start, before the next spare is made: while there is work, nothing is done ahead of it."""

PROFILE = "lean"


class Spare(NamedTuple):
    """A child that has been forked, and our ends of its streams."""

    token: int
    streams: Streams


class Spares:
    """One child at most, forked while nothing else is to be done: the next start is spared the fork."""

    def __init__(self, loop: asyncio.AbstractEventLoop, zygotes: Zygotes, tokens: Iterator[int]) -> None:
        self._loop = loop
        self._zygotes = zygotes
        self._tokens = tokens
        self._spare: Spare | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started = False

    def take(self, profile: str) -> Spare | None:
        """The spare, if there is one of that profile. To be asked at every start."""
        self._started = True
        if self._timer is None:
            self._timer = self._loop.call_later(REST_S, self._make)
        if profile != PROFILE:
            return None
        spare, self._spare = self._spare, None
        return spare

    def ended(self, token: int) -> None:
        """The child with that token is gone; if it was the spare, there is none now."""
        if self._spare is not None and self._spare.token == token:
            self._drop(self._spare)

    def close(self) -> None:
        """Make no more; its zygote ends the one that there is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._spare is not None:
            self._drop(self._spare)

    def _drop(self, spare: Spare) -> None:
        self._spare = None
        self._zygotes.forget(spare.token)
        for descriptor in spare.streams:
            os.close(descriptor)

    def _make(self) -> None:
        self._timer = None
        if self._started:
            self._started = False
            self._timer = self._loop.call_later(REST_S, self._make)
        elif self._spare is None:
            try:
                zygote = self._zygotes.ready(PROFILE)
                ours, theirs = open_streams()
            except OSError:
                return  # the next start will say so, if it is still true
            self._spare = Spare(next(self._tokens), ours)
            self._zygotes.start(zygote, self._spare.token, theirs, ahead=True)
