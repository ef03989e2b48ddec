"""When is it said what comes next? Once nothing runs and nothing has happened for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from runner.daemon.engine import Engine
from runner.daemon.git_agents import GitAgents

NextStart = tuple[datetime, str]
"""When, and of which job."""

AFTER_S = 0.3
"""Quiet time before the next start is told."""

STILL_S = 3.0
"""How often it is looked for again while nothing is told: it is looked for among all jobs."""


class Idle:
    """Tells the next start while nothing runs and nothing is fetched for the first time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine,
        agents: GitAgents,
        say: Callable[[NextStart | None], None],
    ) -> None:
        self._loop = loop
        self._engine = engine
        self._agents = agents
        self._say = say
        self._told: tuple[NextStart | None] | None = None
        self._handle = loop.call_later(AFTER_S, self._look)

    def changed(self) -> None:
        """Something else was told: tell again what comes next, soon."""
        if self._told is not None:
            self._told = None
            self._handle.cancel()
            self._handle = self._loop.call_later(AFTER_S, self._look)

    def _look(self) -> None:
        if self._engine.running or self._agents.are_looking_first:
            self._told = None
        elif self._told != (upcoming := (self._engine.next_start(),)):
            self._say(upcoming[0])
            self._told = upcoming
        # What comes next is looked for among all jobs: not often while nothing happens.
        after_s = AFTER_S if self._told is None else STILL_S
        self._handle = self._loop.call_later(after_s, self._look)

    def stop(self) -> None:
        """Tell nothing more."""
        self._told = None
        self._handle.cancel()
