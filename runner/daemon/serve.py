"""`runner up`: reconcile, watch, schedule and execute, until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from runner.daemon.clock import Clock
from runner.daemon.ending import WaitedFor
from runner.daemon.engine import Engine
from runner.daemon.git_agents import GitAgents, Synced
from runner.daemon.idle import Idle
from runner.daemon.ownership import TAKEN, Ownership, owned, taken_away
from runner.daemon.presence import begin_session
from runner.daemon.reloader import Reloaded, Reloader
from runner.daemon.signals import FORCE, STOP_SIGNALS, first_signals, unless_at_once
from runner.daemon.telling import Listener, tell
from runner.daemon.timekeeping import Timekeeping
from runner.daemon.web_process import WebProcess
from runner.operations.checked_out import CheckedOut
from runner.operations.ownership import refuse_to_run_for_another
from runner.operations.restored import take_in_restored
from runner.operations.settings import PARALLEL, parallel_limit, settings
from runner.sources.settings import SourceSettings
from runner.store.daemon_lock import DaemonLock
from runner.store.open import open_store, refuse_what_is_no_folder
from runner.store.port import Store, Transaction
from runner.vocabulary.errors import Refused, RunnerError, UnknownName

DRAIN = "drain"

READ_AGAIN_S = 2.0
"""Before settings are read again that could not be read."""


class Audience(Listener, Protocol):
    """Who is told what `up` does."""

    def reloaded(self, outcome: Reloaded, *, first: bool) -> None: ...
    def next_start(self, next_start: tuple[datetime, str] | None) -> None: ...
    def following(self, source: SourceSettings) -> None: ...
    def synced(self, synced: Synced) -> None: ...
    def listening(self, address: str) -> None: ...
    def noticed(self, word: str, text: str, *, bad: bool) -> None: ...
    def stopping(self, how: str, running: int, grace_s: float) -> None: ...
    def hurrying(self, how: str, running: int, forced: bool) -> None: ...
    def waiting(self, waited_for: Sequence[WaitedFor]) -> None: ...
    def stopped(self, how: str, up: timedelta, stopped: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Serving:
    """What `up` was asked to do. `reload` loads, plans and applies the tree, or raises why not.

    Without a `root` there is no folder to watch: what is declared comes from `git`. `reload_source` does the
    same for what was checked out of any git source.
    """

    project: Path
    database: Path
    root: Path | None
    grace_s: float
    watch: bool
    reload: Callable[[], Reloaded]
    git: SourceSettings | None
    reload_source: Callable[[CheckedOut], Reloaded]


def serve(serving: Serving, audience: Audience, clock: Clock) -> None:
    """Run until SIGTERM, Ctrl-C, the end of its terminal or `runner drain`, then evict what can resume and
    let the rest end within the grace. A second signal gives no more grace, but a step with
    `interruptible: false` still ends first; only SIGQUIT ends that too.

    AlreadyRunning when another daemon holds the database, Refused when another project owns it. Files that
    are broken or gone do not stop it: it goes on with what the database has; only with neither files nor a
    database is there nothing to do.
    """
    state = serving.database.parent
    if serving.root is not None and not serving.root.exists() and not serving.database.exists():
        raise UnknownName(
            f"there is no {serving.root}, and no database at {serving.database} either; "
            "`runner init` makes a project here, `--project DIR` names another"
        )
    refuse_what_is_no_folder(state)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if state.stat().st_mode & stat.S_IWOTH:
        raise Refused(
            f"{state} can be written by every user, who could change what runs; `chmod 700 {state}`"
        )
    with owned(state) as lock:
        store = open_store(serving.database, create=True)  # first: without it there is nothing to go on with
        try:
            with store.read() as reader:
                refuse_to_run_for_another(reader, serving.root, project=serving.project, state=state)
            reloader = None if serving.root is None else Reloader(serving.root, state, serving.reload)
            if reloader is not None:
                tell(audience.reloaded, reloader.load_first(), first=True)
            asyncio.run(_serve(serving, store, audience, clock, reloader, lock))
        finally:
            store.close()


async def _serve(
    serving: Serving,
    store: Store,
    audience: Audience,
    clock: Clock,
    reloader: Reloader | None,
    lock: DaemonLock,
) -> None:
    loop = asyncio.get_running_loop()
    state = serving.database.parent
    asked: asyncio.Queue[str] = asyncio.Queue()
    for number in (*first_signals(), FORCE):
        loop.add_signal_handler(number, asked.put_nowait, number.name)
    started = clock.now()
    session = begin_session(store, clock, "up")
    restored = take_in_restored(store, state, session, started)
    if restored is not None:
        tell(audience.noticed, "restored", restored.text, bad=True)

    def take_in(outcome: Reloaded | Synced) -> None:
        _told(audience, outcome)
        if isinstance(outcome, Reloaded) or outcome.outcome.changed:
            engine.look()
            idle.changed()

    def reloaded(outcome: Reloaded) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(take_in, outcome)

    web = WebProcess(
        loop,
        project=serving.project,
        database=serving.database,
        up=lambda address: tell(audience.listening, address),
        trouble=lambda doing, problem: tell(audience.trouble, doing, problem),
    )
    agents = GitAgents(
        loop,
        store,
        clock,
        project=serving.project,
        state=state,
        given=serving.git,
        reload=serving.reload_source,
        following=lambda source: tell(audience.following, source),
        synced=take_in,
        trouble=lambda doing, problem: tell(audience.trouble, doing, problem),
    )
    engine = Engine(
        loop,
        store,
        clock,
        audience,
        project=serving.project,
        state=state,
        session=session,
        parallel=parallel_limit(store),
        drain=lambda: asked.put_nowait(DRAIN),
        outside=web,
        sources=agents.ask,
    )
    engine.start()
    web.changed = engine.look
    engine.tell_of_applies(partial(_adjust, loop, store, engine, web, agents))
    idle = Idle(loop, engine, agents, lambda upcoming: tell(audience.next_start, upcoming))
    timekeeping = Timekeeping(loop, store, clock, session, engine, audience)
    ownership = Ownership(loop, store, lock, session, asked.put_nowait)
    if serving.watch and reloader is not None:
        reloader.start(reloaded)
    how = await asked.get()
    _hear_further_signals(loop, engine, audience, how)
    idle.stop()
    ownership.stop()
    if how in TAKEN:
        engine.ending.force()
    else:
        lock.note_drain(clock.now())
        _begin_to_end(how, engine, audience, serving.grace_s)
    closing = asyncio.gather(
        web.stop(),
        agents.stop(),
        loop.run_in_executor(None, _stop, reloader),  # it may be in the middle of a reload
    )
    stopped = await engine.stop(
        serving.grace_s * (how not in TAKEN), lambda those: tell(audience.waiting, those)
    )
    _let_signals_end_it(loop)
    await closing
    timekeeping.stop()
    if how in TAKEN:
        raise taken_away(how, store.path)

    def say_goodbye(tx: Transaction) -> None:
        timekeeping.say_goodbye(tx)
        tx.sessions.end(session, clock.now(), how)

    store.transact(say_goodbye)
    tell(audience.stopped, how, clock.now() - started, stopped)


def _begin_to_end(how: str, engine: Engine, audience: Audience, grace_s: float) -> None:
    if how == FORCE.name:
        _hurry(engine, audience, FORCE)
    else:
        tell(audience.stopping, how, engine.running, grace_s)


def _hear_further_signals(
    loop: asyncio.AbstractEventLoop, engine: Engine, audience: Audience, how: str
) -> None:
    def hurry(number: signal.Signals) -> None:
        _hurry(engine, audience, number)

    by_signal = how not in (DRAIN, *TAKEN)
    for number in (*STOP_SIGNALS, FORCE):
        loop.add_signal_handler(number, unless_at_once(loop, hurry) if by_signal else hurry, number)


def _let_signals_end_it(loop: asyncio.AbstractEventLoop) -> None:
    """Nothing runs any more, and what ran is recorded: what is left, such as a reload, holds nobody up."""
    for number in (*STOP_SIGNALS, FORCE):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


def _hurry(engine: Engine, audience: Audience, number: signal.Signals) -> None:
    """A signal more: no grace any longer, and at SIGQUIT no patience at all."""
    forced = number == FORCE
    (engine.ending.force if forced else engine.ending.hurry)()
    tell(audience.hurrying, number.name, engine.running, forced)
    if not forced and (waited_for := engine.ending.waited_for):
        tell(audience.waiting, waited_for)


def _told(audience: Audience, outcome: Reloaded | Synced) -> None:
    if isinstance(outcome, Synced):
        tell(audience.synced, outcome)
    else:
        tell(audience.reloaded, outcome, first=False)


def _adjust(
    loop: asyncio.AbstractEventLoop, store: Store, engine: Engine, web: WebProcess, agents: GitAgents
) -> None:
    """The limit, the listener and the git sources, as they are declared now."""
    if engine.ending.has_begun:
        return
    try:
        with store.read() as reader:
            declared = settings(reader)
    except RunnerError:  # which the engine tells
        loop.call_later(READ_AGAIN_S, _adjust, loop, store, engine, web, agents)
        return
    engine.allow(int(declared.get("parallel") or PARALLEL))
    web.adjust(declared.get("web"))
    agents.adjust()


def _stop(reloader: Reloader | None) -> None:
    if reloader is not None:
        reloader.stop()
