"""`runner run`: one instance in the foreground, in a database of its own, then everything of it is gone."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from runner.daemon.clock import Clock
from runner.daemon.ending import Tell
from runner.daemon.engine import Engine
from runner.daemon.presence import begin_session
from runner.daemon.signals import STOP_SIGNALS, first_signals, unless_at_once
from runner.execution.logs import LogLine, follow_log, follow_targets
from runner.execution.order import Ended
from runner.execution.supervisor import Supervisor
from runner.operations.outcome import Finished, NotStarted
from runner.store.instances import InstanceRecord, log_path_of
from runner.store.port import Store


class TrialListener:
    """Waits for the one end; a retry that is due later is an end too, because a person is waiting."""

    def __init__(self, done: asyncio.Event, clock: Clock) -> None:
        self._done = done
        self._clock = clock
        self.result: Finished | NotStarted | None = None
        self.problem: BaseException | None = None

    def recovered(self, finished: Finished) -> None:
        """Nothing is recovered in a new database."""

    def started(self, instance: InstanceRecord) -> None:
        """The log tells."""

    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None:
        again_at_once = finished.due_at is not None and finished.due_at <= self._clock.now()
        if not again_at_once:
            self._end(finished)

    def not_started(self, result: NotStarted) -> None:
        self._end(result)

    def removed(self, job: str) -> None:
        """Nothing is removed."""

    def noticed(self, word: str, text: str, *, bad: bool) -> None:
        """A start by hand is bound to no window."""

    def trouble(self, doing: str, problem: BaseException) -> None:
        self.problem = problem
        self._done.set()

    def _end(self, result: Finished | NotStarted) -> None:
        self.result = result
        self._done.set()


def run_trial(
    store: Store,
    state: Path,
    project: Path,
    instance_id: int,
    job: str,
    show: Callable[[LogLine], None],
    clock: Clock,
    waits: Tell = lambda _: None,
) -> Finished | NotStarted:
    """Run the recorded instance to its end, showing its log, or those of its targets, as they grow.

    Ctrl-C stops it, and all of it, but for a step with `interruptible: false`: `waits` hears of that, and
    Ctrl-C once more ends it too.
    """
    ended = threading.Event()
    path = state / log_path_of(job, instance_id)

    def follow(lines: Iterable[LogLine]) -> None:
        for line in lines:
            show(line)

    logs = follow_log(path, ended.is_set), follow_targets(path.with_suffix(""), ended.is_set)
    followers = [threading.Thread(target=follow, args=(log,), name="log", daemon=True) for log in logs]
    for follower in followers:
        follower.start()
    try:
        return asyncio.run(drive(store, state, project, clock, waits=waits))
    finally:
        ended.set()
        for follower in followers:
            follower.join(timeout=10)


async def drive(
    store: Store,
    state: Path,
    project: Path,
    clock: Clock,
    *,
    listener: Callable[[asyncio.Event], TrialListener] | None = None,
    supervisor: Callable[..., Supervisor] = Supervisor,
    within_s: float | None = None,
    waits: Tell = lambda _: None,
) -> Finished | NotStarted:
    """Run what waits until the listener has its result; KeyboardInterrupt when a signal came first, and
    TimeoutError when it took longer than `within_s`. Nothing of it runs any more then.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    interrupted: list[int] = []

    def interrupt() -> None:
        interrupted.append(1)
        done.set()

    handlers = {number: signal.getsignal(number) for number in first_signals()}
    for number in handlers:
        loop.add_signal_handler(number, interrupt)
    heard = listener(done) if listener is not None else TrialListener(done, clock)
    session = begin_session(store, clock, "run")
    engine = Engine(
        loop,
        store,
        clock,
        heard,
        project=project,
        state=state,
        session=session,
        parallel=1,
        automatic=False,
        supervisor=supervisor,
    )
    engine.start()
    timed_out = False
    try:
        async with asyncio.timeout(within_s):
            await done.wait()
    except TimeoutError:
        timed_out = True

    def force(_: signal.Signals) -> None:
        engine.ending.force()

    for number in STOP_SIGNALS:  # a second signal ends everything at once
        loop.add_signal_handler(number, unless_at_once(loop, force) if interrupted else force, number)
    await engine.stop(0, waits)
    for number, handler in handlers.items():
        loop.remove_signal_handler(number)
        signal.signal(number, handler)
    if interrupted:
        raise KeyboardInterrupt
    if heard.problem is not None:
        raise heard.problem
    if timed_out or heard.result is None:
        raise TimeoutError
    return heard.result
