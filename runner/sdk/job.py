"""What may a job's Python code ask for, and what may it say?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from runner.sdk.failures import JobCodeError
from runner.sdk.log import Log
from runner.sdk.status import Status
from runner.sdk.times import epoch_of, seconds_of, shown
from runner.sdk.values import for_people, kind_of, text_for_people

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from runner.sdk.batch import Batch
    from runner.sdk.info import Info
    from runner.sdk.items import Item
    from runner.sdk.life import Life
    from runner.sdk.metadata import Metadata

T = TypeVar("T")

_LEVELS = ("info", "success", "warning", "error")
_GRADES = ("minor", "major", "critical")


class Job:
    """A job's work, in small units that are recorded one by one.

    As a class: define `perform(status)`, and `prepare(params, status)` when there is something to prepare;
    either may be async. As a function: `run(job)` gets an instance of this class.

    Whatever ends the process between two checkpoints (a crash, an eviction, a stop), the work goes on from
    the last one, in a new process with the same instance. So what is done after it may be done twice.
    """

    _runner: Life

    def prepare(self, params: dict[str, Any], status: Status | None) -> Status | Awaitable[Status]:
        """The status to begin with.

        Called at a fresh start, with `status` None, and again at each resume, with the last recorded
        status. `params` are the step's `with` values over the job's inputs.
        """
        return Status() if status is None else status

    def perform(self, status: Status) -> Status | Awaitable[Status]:
        """Do a small unit of work, of less than 60 seconds, and return how far it is.

        Called again with what it returned, after that has been recorded, until it is complete.
        """
        raise NotImplementedError

    # What is kept.

    @property
    def state(self) -> dict[str, Any]:
        """The state of this instance: JSON values, 1 MiB at most unless more is allowed.

        In a class it is the state of the status that the call got, and what the call returns counts. In
        `run(job)` it is recorded by `checkpoint()`, by a sleep that ends the process, and at the end.
        """
        return self._life.state

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        if type(state) is not dict:
            raise TypeError(f"state is {kind_of(state)}; it is a map (dict) of JSON values")
        life = self._life
        if life.phase != "run":
            raise TypeError(f"{life.phase}() gives another state by returning it: `return Status(state)`")
        life.state = state

    @property
    def persistent(self) -> dict[str, Any]:
        """What outlives the instance: JSON values, shared by all instances of the job, cleared only by it.

        Changes are recorded together with the next checkpoint, key by key: of two instances that change
        the same key the later one wins.
        """
        return self._life.persistent

    @property
    def info(self) -> Info:
        """What people may want to know about this instance: `job.info["files.read"] = 3`."""
        return self._life.info

    def checkpoint(self) -> None:
        """In `run(job)`: record the state, `persistent` and `info`, together; and end here when asked to.

        Raises JobCodeError when a batch is not flushed or the state is not JSON or too large; what is
        recorded is then unchanged. In a class, return a status instead.
        """
        life = self._life
        if life.phase != "run":
            raise JobCodeError("no-checkpoint", f"{life.phase}() makes a checkpoint by returning its status")
        life.obey()
        life.commit(life.record("checkpoint", life.state))
        life.obey()

    # What it was given.

    @property
    def params(self) -> dict[str, Any]:
        """The step's `with` values over the job's inputs."""
        return self._life.params

    @property
    def metadata(self) -> Metadata:
        """Trigger, slot, last execution, next slot, and what else is known of the instance."""
        return self._life.metadata

    @property
    def should_stop(self) -> bool:
        """Whether this process is to end (a stop, a pause, an eviction): return, or make a checkpoint, soon.

        It will be forced to end after a grace. When `run(job)` just returns, the job is complete; to go on
        later, call `checkpoint()`, which does not return then.
        """
        return self._life.asked() is not None

    def next_item(self, wait: float | timedelta | None = None) -> Item | None:
        """The item to work on: the same until its `done()` is called, then the next one.

        `done()` is recorded with the next checkpoint, in one transaction with the state: after a crash an
        item that is recorded as done never comes again, and any other does. Waits for one as long as `linger`
        in the declaration says, or `wait` (seconds or a timedelta); None when none has come. JobCodeError
        `no-items` without `consume` in the trigger, `items-not-recorded` when 80 are done with and no
        checkpoint was made.
        """
        return self._life.items.following(None if wait is None else seconds_of(wait))

    def items(self, wait: float | timedelta | None = None) -> Iterator[Item]:
        """In `run(job)`: all items, each done with and recorded when the next one is asked for.

        Leaving the loop early, or an exception, leaves the item to the next run. `wait` as for `next_item`.
        In a class JobCodeError `no-loop`: take one at a time with `next_item()`.
        """
        if self._life.phase != "run":
            raise JobCodeError("no-loop", f"{self._life.phase}() takes one item at a time: job.next_item()")
        while (item := self.next_item(wait)) is not None:
            yield item
            item.done()
            self.checkpoint()

    # What it says.

    @property
    def log(self) -> Log:
        """The instance's log: `job.log("text")`, `job.log.warning("text")`."""
        return Log(self._life.log)

    def warn(self, description: str, *, code: str = "warning", info: Mapping[str, Any] | None = None) -> None:
        """Store a warning with the instance; the work goes on, and may still succeed.

        It is stored at once: work that is done again after a crash says it again. `code` is for programs,
        `description` for people (4000 characters), `info` is a small map (64 KiB); TypeError for any other.
        """
        self._raised({"severity": "warning"}, description, code, info)

    def error(
        self,
        description: str,
        *,
        code: str = "error",
        severity: Literal["minor", "major", "critical"] = "major",
        info: Mapping[str, Any] | None = None,
    ) -> None:
        """Store an error with the instance; the work goes on, but the instance will not be SUCCEEDED.

        `code`, `description` and `info` as for `warn`; ValueError for another severity.
        """
        if severity not in _GRADES:
            raise ValueError(f"severity is {severity!r}; it is one of {', '.join(_GRADES)}")
        self._raised({"severity": "error", "grade": severity}, description, code, info)

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Say how far the work is, in whatever unit; only the latest is kept, so it may be said often.

        TypeError for what is no number, ValueError for a negative one. `text` has at most 500 characters.
        """
        for name, number in (("done", done), ("total", total)):
            if number is None and name == "total":
                continue
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise TypeError(f"{name} is {kind_of(number)}; it is a number")
            if not 0 <= number < 1 << 63:
                raise ValueError(f"{name} is {shown(number)}; it is from 0 to what 64 bits hold")
        self._life.progress(
            {"m": "progress", "done": done, "total": total, "text": text_for_people(text, 500)}
        )

    def notify(self, level: Literal["info", "success", "warning", "error"], topic: str, message: str) -> None:
        """Tell people, in the activity log; at once, so work that is done again says it again.

        `topic` has at most 200 characters, `message` 4000. ValueError for another level.
        """
        if level not in _LEVELS:
            raise ValueError(f"level is {level!r}; it is one of {', '.join(_LEVELS)}")
        self._life.say(
            {
                "m": "notify",
                "level": level,
                "topic": text_for_people(topic, 200),
                "message": text_for_people(message, 4000),
            }
        )

    # Time.

    def sleep(self, seconds: float | timedelta, interruptible: bool = True) -> None:
        """Wait, 366 days at most; a stop, pause or eviction ends it at once, and the work goes on later.

        When it is not interruptible the process waits whatever the time, and a stop waits with it.

        An interruptible sleep of more than 60 seconds ends the process, and the instance comes back after
        it. Then the code is called from its last checkpoint: it meets this sleep again and passes through
        it. In a class the checkpoint is the status returned last, so sleep first or last in `perform`. In
        `run(job)` the sleep itself records the state when that has changed.

        Nothing after it runs in this process: it raises what is no `Exception`. Raises JobCodeError when it
        would end the process and a batch is not flushed. In async code use `sleep_async`.
        """
        life = self._life
        wanted_s = seconds_of(seconds)
        if interruptible and wanted_s > life.limits.release_after_s:
            life.leave_for(wanted_s)
        else:
            life.wait(wanted_s, interruptible)

    async def sleep_async(self, seconds: float | timedelta, interruptible: bool = True) -> None:
        """As `sleep`, letting other tasks of the event loop work meanwhile."""
        life = self._life
        wanted_s = seconds_of(seconds)
        if interruptible and wanted_s > life.limits.release_after_s:
            life.leave_for(wanted_s)
            return
        life.say_progress()
        if interruptible:
            life.obey()
        await life.port.wait_async(wanted_s, interruptible)
        if interruptible:
            life.obey()

    def trigger_at(self, when: datetime | float) -> None:
        """Start the job once at that time too; the earliest of several wins.

        Only earlier than the next slot: ValueError for a later time. A time that is past means as soon as
        this instance is over. `when` is an aware datetime, or seconds since the epoch. It is recorded with
        the next checkpoint.
        """
        at = epoch_of(when)
        next_slot = self.metadata.next_slot
        if next_slot is not None and at >= next_slot.timestamp():
            raise ValueError(
                f"{when} is not before the next slot at {next_slot.isoformat()}, "
                "and trigger_at is for an earlier start"
            )
        self._life.start_earlier(at)

    # Work in bulk.

    def batch(
        self,
        flush: Callable[[list[T]], Any],
        *,
        size: int = 1000,
        seconds: float | None = None,
        name: str | None = None,
    ) -> Batch[T]:
        """Collect items for a function that writes many at once: every `size` items, or after `seconds`.

        It must be flushed before a status is returned, `checkpoint()` is called or a sleep ends the process:
        use it in a `with` block, or call its `flush()`. Otherwise the step fails and nothing is lost.
        """
        from runner.sdk.batch import Batch

        life = self._life
        called = name or str(getattr(flush, "__name__", "batch"))
        return Batch(flush, size, seconds, called, life.port.now, life.unflushed)

    @property
    def _life(self) -> Life:
        try:
            return self._runner
        except AttributeError:
            raise RuntimeError(
                f"this {type(self).__name__} does not run; in a test, run it with runner.sdk.testing.Trial"
            ) from None

    def _raised(
        self, severity: dict[str, str], description: str, code: str, info: Mapping[str, Any] | None
    ) -> None:
        if not isinstance(info, Mapping | None):
            raise TypeError(f"info is {kind_of(info)}; it is a map")
        self._life.say(
            {
                "m": "raised",
                **severity,
                "code": text_for_people(code, 100),
                "description": text_for_people(description, 4000),
                "info": for_people(info or {}),
            }
        )
