"""Does my job do what it should, also when it is interrupted? For the author's own unit tests.

    from runner.sdk.testing import Trial

    def test_every_contact_is_imported():
        trial = Trial(ContactImport, params={"file": "contacts.csv"})
        trial.run(kill_after=2)        # dies after its second checkpoint
        trial.run()                    # a new process goes on from there
        assert trial.outputs == {"rows": 250}

No daemon, no database, no processes, no waiting: sleeps only move the trial's own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from runner.sdk.drive import Course, JobCode
from runner.sdk.heard import Checkpoint, Heard, Notification, Progress, Raised, as_text
from runner.sdk.port import Ask, Limits, Recorded

__all__ = ["Checkpoint", "Ended", "Limits", "Notification", "Progress", "Raised", "Trial"]

STARTED_AT = 1_767_225_600.0
"""2026-01-01T00:00:00Z: what a trial's clock shows first, unless another time is given."""

AT = "2026-01-01T00:00:00+00:00"
"""When the items of a trial arrived."""

LIVES = 10_000
"""Processes of one trial; a job that sleeps more often than that never ends."""

Ended = Literal["complete", "stop", "pause", "sleep", "killed"]


class _Killed(BaseException):
    """The process is gone. It cannot be told from outside in a real kill; here `finally` blocks still run."""


class Trial(Heard):
    """One instance of a job, run in the test's own process, through as many processes as it takes.

    `params`, `state` (as if an earlier process had recorded it), `persistent`, `info` and `metadata` (`job`,
    `trigger`, `slot`, `last_execution`, `next_slot`, …; instants as ISO texts with an offset) are what the
    job finds. `now` is what its clock shows first. `items` are maps like `{"payload": {…}}` or
    `{"file": {…}}`, for a job that works through what arrives.

    After a run: `ended` (how the last process did: `complete`, `stop`, `pause`, `sleep`, `killed`; None when
    the job raised), `state`, `info`, `persistent`, `outputs`, `checkpoints`, `warnings`, `errors`,
    `notifications`, `progress`, `log` (lines), `sleeps` (seconds), `earlier_starts` and `now` (seconds since
    the epoch), `items` (those that are left), `lives` (how many processes).
    """

    def __init__(
        self,
        job_code: JobCode,
        *,
        params: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        persistent: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        items: Iterable[Mapping[str, Any]] | None = None,
        now: datetime | float = STARTED_AT,
        limits: Limits = Limits(),  # noqa: B008 -- immutable
    ) -> None:
        recorded = Recorded(state=as_text(state), info=as_text(info), persistent=as_text(persistent))
        super().__init__(recorded, now.timestamp() if isinstance(now, datetime) else float(now))
        self._code = job_code
        self._params = dict(params or {})
        self._metadata = dict(metadata or {})
        if items is not None:
            self.items = [
                {"id": n, "kind": _kind(given), "at": AT, **given} for n, given in enumerate(items, 1)
            ]
            details = {"consume": {"linger_s": 0.0}, **(self._metadata.get("trigger_details") or {})}
            self._metadata["trigger_details"] = details
        self._given_items = list(self.items)
        self._limits = limits
        self._before = (recorded, self.now)
        self._port: _Port | None = None
        self.ended: Ended | None = None
        self.outputs: Any = None
        self.lives = 0

    def run(
        self,
        *,
        kill_after: int | None = None,
        kill_before: int | None = None,
        stop_after: int | None = None,
        pause_after: int | None = None,
        on_checkpoint: Callable[[Checkpoint], object] | None = None,
        on_sleep: Callable[[float], object] | None = None,
        through_sleeps: bool = True,
    ) -> Trial:
        """Run until the job is complete or has to end; called again, go on from what is recorded.

        `kill_after=n` ends the process at once when checkpoint n is recorded, `kill_before=n` when its work
        is done and it is not recorded. `stop_after` and `pause_after` ask for the end when checkpoint n is
        recorded. `on_checkpoint` is called with each, `on_sleep` with the seconds of each sleep (before it);
        both may call `stop()` or `pause()`. A sleep that ends the process is followed by the next process,
        at the time when it is over, unless `through_sleeps` is False. What the job raises is passed on;
        running again is then the retry.
        """
        orders = _Orders(kill_after, kill_before, stop_after, pause_after, on_checkpoint, on_sleep)
        for _ in self._lives(orders, through_sleeps):
            pass
        return self

    def steps(self) -> Iterator[Checkpoint]:
        """Run a class checkpoint by checkpoint: the job stands still between two of them.

        Leaving the loop early is a kill. A function makes its checkpoints in the middle: there, use `run`
        with `on_checkpoint`.
        """
        if not isinstance(self._code, type):
            raise TypeError("only a class can be run step by step; for a function use run(on_checkpoint=…)")
        seen = len(self.checkpoints)
        for _ in self._lives(_Orders(), True):
            yield from self.checkpoints[seen:]
            seen = len(self.checkpoints)
        yield from self.checkpoints[seen:]

    def assert_resumable(self) -> None:
        """Whether the job ends alike wherever it dies: AssertionError names the first difference.

        Runs the job undisturbed, and then once for each moment before and after each checkpoint, dying
        there and going on; each time as a new instance that finds what this trial was given (this one does
        not run itself). Compared are state, info, persistent state and outputs. Side effects of the job
        happen every time.
        """
        undisturbed = self._again().run()
        if undisturbed.ended != "complete":
            raise AssertionError(f"undisturbed, the job ends with {undisturbed.ended}")
        expected = undisturbed._end()
        for n in [checkpoint.n for checkpoint in undisturbed.checkpoints]:
            for when, trial in (
                ("before", self._again().run(kill_before=n)),
                ("after", self._again().run(kill_after=n)),
            ):
                if trial.ended == "killed":
                    trial.run()
                for what, value in trial._end().items():
                    if value != expected[what]:
                        raise AssertionError(
                            f"killed {when} checkpoint {n}, the job ends with {what} {value!r} instead of "
                            f"{expected[what]!r}"
                        )

    def _again(self) -> Trial:
        trial = Trial(self._code, params=self._params, metadata=self._metadata, limits=self._limits)
        trial.recorded, trial.now = trial._before = self._before
        trial.items = list(self._given_items)
        return trial

    def _end(self) -> dict[str, Any]:
        return {
            "ending": self.ended,
            "state": self.state,
            "info": self.info,
            "persistent": self.persistent,
            "outputs": self.outputs,
        }

    def stop(self) -> None:
        """Ask the running job to stop; from `on_checkpoint`, `on_sleep` or between two steps."""
        self._ask("stop")

    def pause(self) -> None:
        """Ask the running job to pause."""
        self._ask("pause")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def _ask(self, what: Ask) -> None:
        if self._port is None:
            raise RuntimeError("the job does not run now")
        self._port.ask = self._port.ask or what

    def _lives(self, orders: _Orders, through_sleeps: bool) -> Iterator[None]:
        if self.ended == "complete":
            raise RuntimeError("the instance is complete; make another Trial for the next one")
        for _ in range(LIVES):
            yield from self._life(orders)
            if self.ended != "sleep" or not through_sleeps:
                return
        raise RuntimeError(
            f"the job has slept {LIVES:,} times in a row and is not complete; does its state move?"
        )

    def _life(self, orders: _Orders) -> Iterator[None]:
        self.now = max(self.now, self.due)
        self.lives += 1
        self.ended = None
        port = self._port = _Port(self, orders)
        course = Course(self._code, port, self._params, self._metadata, self.recorded, self._limits)
        try:
            for _ in course.checkpoints():
                yield
            outcome = course.outcome
            if outcome.kind == "complete" and outcome.record is not None:
                port.commit(outcome.record)
                self.outputs = outcome.outputs
            self.ended = outcome.kind
        except (_Killed, GeneratorExit):
            self.ended = "killed"
            if not port.is_dead:
                raise
        finally:
            port.is_dead = True
            self._port = None
            course.close()


def _kind(given: Mapping[str, Any]) -> str:
    return "file" if "file" in given else "after" if "job" in given else "webhook"


class _Orders(NamedTuple):
    kill_after: int | None = None
    kill_before: int | None = None
    stop_after: int | None = None
    pause_after: int | None = None
    on_checkpoint: Callable[[Checkpoint], object] | None = None
    on_sleep: Callable[[float], object] | None = None


class _Port:
    """The other side of one process."""

    def __init__(self, trial: Trial, orders: _Orders) -> None:
        self._trial = trial
        self._orders = orders
        self.ask: Ask | None = None
        self.is_dead = False

    def now(self) -> float:
        return self._trial.now

    def asked(self) -> Ask | None:
        self._live()
        return self.ask

    def wait(self, seconds: float, interruptible: bool) -> None:
        self._live()
        self._slept(seconds)
        if not (interruptible and self.ask):
            self._trial.advance(seconds)

    async def wait_async(self, seconds: float, interruptible: bool) -> None:
        self.wait(seconds, interruptible)

    def take(self, most: int) -> list[dict[str, Any]]:
        self._live()
        return self._trial.items[:most]

    def send(self, message: dict[str, Any]) -> None:
        self._live()
        self._trial.hear(message)

    def log(self, line: str) -> None:
        self._live()
        self._trial.log.append(line)

    def commit(self, message: dict[str, Any]) -> None:
        self._live()
        orders, n = self._orders, message["n"]
        if n == orders.kill_before:
            self._die()
        checkpoint = self._trial.record(message)
        if message["m"] == "sleep":
            self._slept(message["until"] - self._trial.now)
        if orders.on_checkpoint is not None:
            orders.on_checkpoint(checkpoint)
        if n == orders.stop_after:
            self.ask = self.ask or "stop"
        if n == orders.pause_after:
            self.ask = self.ask or "pause"
        if n == orders.kill_after and message["m"] != "complete":
            self._die()

    def _slept(self, seconds: float) -> None:
        self._trial.sleeps.append(seconds)
        if self._orders.on_sleep is not None:
            self._orders.on_sleep(seconds)

    def _die(self) -> None:
        self.is_dead = True
        raise _Killed

    def _live(self) -> None:
        if self.is_dead:
            raise _Killed
