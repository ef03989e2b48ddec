"""The git agent: one thread for each source looks for newer commits, and has them applied.

What they do is slow and waits for others, so none of it is on the loop; what came of it is told there.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from runner.daemon.clock import Clock
from runner.daemon.reloader import Reloaded
from runner.execution.marks import MARK, mark_of
from runner.operations.checked_out import CheckedOut
from runner.operations.declared_sources import declared_sources
from runner.operations.follow_source import Following
from runner.sources.outcome import APPLIED, IN_PART, Outcome
from runner.sources.settings import PREFIX, SourceSettings
from runner.store.port import Store, Transaction
from runner.vocabulary.errors import RunnerError

_REASONS = {"partial": IN_PART, "invalid": "InvalidDeclarations", "refused": "Refused"}
"""Cause of a reload that changed nothing → the reason of the condition; else `Trouble`."""

STOP_S = 10.0
"""For an apply under way, which ends whole; git itself is ended at once."""

BETWEEN_LOOKS_S = 1.0
"""Hints that come faster than this make one look."""

AFTER_TROUBLE_S = 5.0
"""Before another look when the database could not even be written."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of one attempt of a source; `reloaded` is what plan and apply said, if it came to that."""

    name: str
    outcome: Outcome
    reloaded: Reloaded | None = None


class GitAgents:
    """The agents of all sources. `given` is the source of the command line; `reload` plans and applies."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        clock: Clock,
        *,
        project: Path,
        state: Path,
        given: SourceSettings | None,
        reload: Callable[[CheckedOut], Reloaded],
        following: Callable[[SourceSettings], None],
        synced: Callable[[Synced], None],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._loop = loop
        self._following = following
        self._store = store
        self._clock = clock
        self._project = project
        self._state = state
        self._given = given
        self._reload = reload
        self._synced = synced
        self._trouble = trouble
        self._agents: dict[str, _Agent] = {}
        self._wrong: Mapping[str, str] = {}
        self._one_apply = threading.Lock()
        self._stopped = False

    def adjust(self) -> None:
        """Follow what is declared now, and nothing else."""
        if self._stopped:
            return
        try:
            with self._store.read() as reader:
                wanted, wrong = declared_sources(reader, self._given)
        except RunnerError as problem:
            self._trouble("reading which sources are declared (it is tried again)", problem)
            self._loop.call_later(AFTER_TROUBLE_S, self.adjust)
            return
        changed = [name for name, agent in self._agents.items() if wanted.get(name) != agent.source]
        gone = {name: self._agents.pop(name) for name in changed}
        for agent in gone.values():
            agent.stop()
        for name, source in wanted.items():
            if name not in self._agents:
                self._agents[name] = self._begun(source, gone.get(name))
        for name, why in wrong.items():
            if self._wrong.get(name) != why:
                self._trouble(f"following the source {name}", ValueError(why))
        self._wrong = wrong
        self._forget_what_left_nothing({*wanted, *wrong})

    def _forget_what_left_nothing(self, names: set[str]) -> None:
        """A source that is not declared any more is shown as long as something of it is installed."""

        def work(tx: Transaction) -> None:
            left = {each.source for each in tx.objects.summaries()}
            for record in tx.sources.all():
                if record.name not in names and PREFIX + record.name not in left:
                    tx.sources.drop(record.name)

        with self._store.read() as reader:
            known = {record.name for record in reader.sources.all()}
        if known - names:
            self._store.submit(work, lambda result, problem: None)

    @property
    def are_looking_first(self) -> bool:
        """Whether one of them has not ended its first look since it began: more may be installed soon."""
        return any(not agent.has_looked for agent in self._agents.values())

    def ask(self) -> None:
        """Somebody may have asked for a look."""
        for agent in self._agents.values():
            agent.ask()

    async def stop(self) -> None:
        """Begin nothing more, and return when nothing is under way."""
        self._stopped = True
        agents = [*self._agents.values()]
        for agent in agents:
            agent.stop()
        for agent in agents:
            await self._loop.run_in_executor(None, agent.join, STOP_S)

    def _begun(self, source: SourceSettings, before: _Agent | None) -> _Agent:
        self._following(source)
        agent = _Agent(
            source,
            self._store,
            project=self._project,
            state=self._state,
            now=self._clock.now,
            reload=self._reloaded,
            synced=self._tell,
            trouble=self._tell_trouble,
            before=before,
        )
        agent.start()
        return agent

    def _reloaded(self, tree: CheckedOut) -> Reloaded:
        """One after the other: two applies at once would only make each other stale."""
        with self._one_apply:
            return self._reload(tree)

    def _tell(self, synced: Synced) -> None:
        self._on_the_loop(self._synced, synced)

    def _tell_trouble(self, doing: str, problem: BaseException) -> None:
        self._on_the_loop(self._trouble, doing, problem)

    def _on_the_loop(self, call: Callable[..., Any], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop has ended meanwhile
            return


class _Agent:
    """Looks, waits for the next time or until it is asked, and looks again."""

    def __init__(
        self,
        source: SourceSettings,
        store: Store,
        *,
        project: Path,
        state: Path,
        now: Callable[[], datetime],
        reload: Callable[[CheckedOut], Reloaded],
        synced: Callable[[Synced], None],
        trouble: Callable[[str, BaseException], None],
        before: _Agent | None,
    ) -> None:
        self.source = source
        self._before = before
        self._store = store
        self._now = now
        self._reload = reload
        self._synced = synced
        self._trouble = trouble
        self._following = Following(
            source, store, project, state, self._apply, now, random.random, {MARK: mark_of(state)}
        )
        self._wake = threading.Event()
        self._end = threading.Event()
        self.has_looked = False
        self._last: Reloaded | None = None
        self._told: tuple[str, str] | None = None
        self._thread = threading.Thread(target=self._run, name=f"git-{source.name}", daemon=True)
        self.start, self.join = self._thread.start, self._thread.join

    def ask(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._end.set()
        self._following.stop()
        self._wake.set()

    def _run(self) -> None:
        if self._before is not None:  # it may be in the middle of an apply
            self._before.join()
            self._before = None
        first = True  # what is installed may have been made by another release, or restored
        while not self._end.is_set():
            self._wake.clear()
            try:
                wait = self._look(first)
                first = False
            except Exception as problem:  # the database cannot be written, or an error of ours: it goes on
                self._trouble(f"following the source {self.source.name}", problem)
                wait = timedelta(seconds=AFTER_TROUBLE_S)
            self.has_looked = True
            looked_s = time.monotonic()
            self._wake.wait(max(wait.total_seconds(), 0.0))
            self._end.wait(max(looked_s + BETWEEN_LOOKS_S - time.monotonic(), 0.0))

    def _look(self, first: bool) -> timedelta:
        with self._store.read() as reader:
            before = reader.sources.get(self.source.name)
        asked_at = before.asked_at if before else None
        asked = asked_at is not None and (before is None or before.answered_at != asked_at)
        self._last = None
        outcome = self._following.look(asked=asked or first)
        if self._end.is_set():
            return timedelta(0)
        if asked and asked_at is not None:
            self._store.transact(lambda tx: tx.sources.answer(self.source.name, asked_at))
        if outcome is not None and (
            (key := (outcome.reason, outcome.message)) != self._told or outcome.changed
        ):
            self._told = key
            self._synced(Synced(self.source.name, outcome, self._last))
        with self._store.read() as reader:
            record = reader.sources.get(self.source.name)
        if record is None or record.next_at is None:
            return self.source.interval
        return min(record.next_at - self._now(), self.source.interval * 2)

    def _apply(self, tree: CheckedOut) -> Outcome:
        self._last = reloaded = self._reload(tree)
        if reloaded.ok:
            return Outcome(APPLIED, "", changed=reloaded.changed)
        message = reloaded.text
        errors = [each for each in reloaded.diagnostics if each.severity == "error"]
        if errors:
            message = f"{message}; the first: {errors[0].place}: {errors[0].summary}: {errors[0].detail}"
        return Outcome(_REASONS.get(reloaded.cause, "Trouble"), message, changed=reloaded.changed)
