"""In what order is a job's code called, and when is what it returned recorded?

A class: `prepare(params, status)` once, then `perform(status)` until a status is complete, a checkpoint
after each. A function: `run(job)` once, with the checkpoints that it makes itself. Knows no processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.sdk.failures import JobCodeError, JobInterrupted, is_interruption
from runner.sdk.job import Job
from runner.sdk.life import Life
from runner.sdk.port import Ask, Limits, Outcome, Port, Recorded
from runner.sdk.status import Status
from runner.sdk.values import kind_of

JobCode = type[Job] | Callable[[Job], Any]

_ITS_OWN = {"prepare", "perform"}
"""What a subclass of Job is meant to define."""

_CHANGES = {"state", "info", "persistent", "trigger_at", "items"}
"""What makes a checkpoint worth its write after a resume."""


def drive(
    job_code: JobCode,
    port: Port,
    *,
    params: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    recorded: Recorded = Recorded(),  # noqa: B008 -- immutable
    limits: Limits = Limits(),  # noqa: B008
) -> Outcome:
    """Run the code in this process, from what is recorded, until it is complete or has to end.

    `params` are the step's `with` values over the job's inputs; `metadata` as `Metadata` reads it. What the
    code raises is passed on (JobCodeError when it did not keep to the agreements), after what it said last
    has been sent; what is recorded then is the last committed checkpoint.
    """
    course = Course(job_code, port, params or {}, metadata or {}, recorded, limits)
    try:
        for _ in course.checkpoints():
            pass
    finally:
        course.close()
    return course.outcome


class Course:
    """The way of one process through a job's code; `outcome` is there once `checkpoints` is exhausted."""

    outcome: Outcome

    def __init__(
        self,
        job_code: JobCode,
        port: Port,
        params: Mapping[str, Any],
        metadata: Mapping[str, Any],
        recorded: Recorded,
        limits: Limits,
    ) -> None:
        self._code = job_code
        self._life = Life(port, params, metadata, recorded, limits)

    def checkpoints(self) -> Iterator[int]:
        """Run the code; yields the number of each checkpoint of a class when it is recorded."""
        life = self._life
        try:
            if (asked := life.asked()) is not None:
                self.outcome = Outcome(asked)
                return
            work = self._performed() if isinstance(self._code, type) else self._run(self._code)
            for message in work:
                yield message["n"]
                if (asked := life.asked()) is not None:
                    self.outcome = Outcome(asked)
                    return
            life.say_progress()
        except GeneratorExit:
            raise
        except BaseException as error:
            if life.ending is None or not is_interruption(error):
                self._last_words()
                raise
            self.outcome = self._interrupted(life.ending)

    def close(self) -> None:
        """End what async code left running."""
        self._life.close()

    def _performed(self) -> Iterator[dict[str, Any]]:
        life = self._life
        job = _made(self._code, life)
        before = None if life.is_fresh else Status(life.state)
        status = self._status(job.prepare, life.params, before)
        if not status.complete:
            message = life.record("checkpoint", status.state)
            if life.is_fresh or message.keys() & _CHANGES:
                life.commit(message)
                yield message
        life.phase = "perform"
        while not status.complete:
            status = self._status(job.perform, status)
            if not status.complete:
                message = life.record("checkpoint", status.state)
                life.commit(message)
                yield message
        self.outcome = Outcome("complete", life.record("complete", status.state), status.outputs)

    def _status(self, function: Callable[..., Any], *arguments: Any) -> Status:
        life = self._life
        status = life.call(function, *arguments)
        self._refuse_swallowed()
        what = f"{life.phase}()"
        if not isinstance(status, Status):
            raise JobCodeError(
                "bad-status",
                f"{what} returned {kind_of(status)}; return a Status, like `return status` or "
                "`return Status(state, complete=True)`",
            )
        if type(status.complete) is not bool:
            raise JobCodeError(
                "bad-status", f"{what}: complete is {kind_of(status.complete)}; it is True or False"
            )
        if status.outputs is not None and not status.complete:
            raise JobCodeError("bad-status", f"{what}: there are outputs, but it is not complete")
        life.state = status.state
        return status

    def _run(self, function: Callable[[Job], Any]) -> Iterator[dict[str, Any]]:
        life = self._life
        life.phase = "run"
        returned = life.call(function, bound(Job, life))
        self._refuse_swallowed()
        self.outcome = Outcome("complete", life.record("complete", life.state), returned)
        yield from ()

    def _refuse_swallowed(self) -> None:
        """A stop may come too late to matter; a sleep that did not happen is a mistake."""
        if self._life.sleep_record is not None:
            raise JobCodeError(
                "swallowed-sleep",
                f"{self._life.phase}() went on after a sleep had ended the process; catch Exception and not "
                "BaseException, and await the tasks that sleep",
            )

    def _interrupted(self, ending: JobInterrupted) -> Outcome:
        life = self._life
        if (message := life.sleep_record) is not None:
            life.commit(message)
            return Outcome("sleep", until=message["until"])
        life.say_progress()
        asked: Ask = "pause" if ending.why == "pause" else "stop"
        return Outcome(asked)

    def _last_words(self) -> None:
        """Before a failure: how far it was, and what it noted, help to see why."""
        life = self._life
        life.say_progress()
        try:
            info = life.info.unrecorded()
        except JobCodeError:
            return  # it may be this very failure
        if info is not None:
            life.say({"m": "info", "info": info})


def bound(kind: type[Job], life: Life) -> Job:
    """An instance of the class that can already ask and say, before its own `__init__` runs."""
    job = kind.__new__(kind)
    object.__setattr__(job, "_runner", life)
    return job


def _made(code: Any, life: Life) -> Job:
    name = getattr(code, "__name__", "the class")
    if not issubclass(code, Job):
        raise JobCodeError("no-job", f"{name} is a class, but no Job; write `class {name}(Job):`")
    if code.perform is Job.perform:
        raise JobCodeError("no-job", f"{name} has no perform(self, status)")
    for base in code.__mro__[: code.__mro__.index(Job)]:
        for hidden in sorted(_API & vars(base).keys()):
            raise JobCodeError(
                "reserved-name", f"{base.__name__}.{hidden} hides Job.{hidden}; give it another name"
            )
    job = bound(code, life)
    try:
        life.call(job.__init__)  # type: ignore[misc]
    except TypeError as error:
        if error.__traceback__ and error.__traceback__.tb_next and error.__traceback__.tb_next.tb_next:
            raise  # it was raised inside
        raise JobCodeError(
            "no-job",
            f"{name}.__init__() takes arguments, but none are given: what it needs comes to prepare()",
        ) from None
    return job


_API = {name for name in vars(Job) if name[:2] != "__"} - _ITS_OWN | {"_runner"}
