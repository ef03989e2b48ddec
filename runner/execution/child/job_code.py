"""How does code that is written against the SDK run in this process?

Imported by the child whose job has a class, or a function with the parameter `job`; never by the zygote.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.child.context import StepContext
from runner.execution.child.interruption import INTERRUPTION, FallsAsleep, StopRequested
from runner.sdk.drive import JobCode, drive
from runner.sdk.failures import JobCodeError
from runner.sdk.job import Job
from runner.sdk.port import Ask, Port, Recorded


def run_job_code(code: JobCode, params: Mapping[str, Any], step: StepContext) -> Any:
    """What the code returned, unchecked, once it is complete.

    Raises StopRequested when it obeyed a stop, FallsAsleep when it is to come back later, ActionFailed when
    it did not keep to the SDK's agreements, and whatever it raises itself.
    """
    recorded = _recorded(step)
    port = ChildPort(step, recorded)
    step.say({"m": "performing", "step": step.name, "is_class": isinstance(code, type)})
    INTERRUPTION.patient = True
    try:
        outcome = drive(code, port, params=params, metadata=_metadata(step), recorded=recorded)
    except JobCodeError as error:
        raise ActionFailed(error.code, error.description) from None
    except SystemExit as left:
        if isinstance(code, type) and left.code in (None, 0):  # else it would count as done
            text = "sys.exit() ended the code before its status was complete; return a Status that is"
            raise ActionFailed("ended-early", text) from None
        raise
    finally:
        INTERRUPTION.patient = False
        port.close()
    if outcome.kind == "sleep":
        raise FallsAsleep
    if outcome.kind != "complete" or outcome.record is None:
        raise StopRequested
    port.keep(outcome.record)
    step.record = outcome.record
    return outcome.outputs


def job_class(value: Any, name: str, file: str, names: Mapping[str, Any]) -> type[Job]:
    """The class that `code` names; ActionFailed `class-missing`, with the classes that there are."""
    if isinstance(value, type) and issubclass(value, Job):
        return value
    known = sorted(k for k, v in names.items() if isinstance(v, type) and issubclass(v, Job) and v is not Job)
    what = f"has no class {name!r}" if value is None else f"has {name!r}, which is no subclass of runner.Job"
    raise ActionFailed("class-missing", f"{file} {what}; its jobs: {', '.join(known) or 'none'}")


class ChildPort(Port):
    """The SDK's other side: the control stream to the supervisor, and the signals of this process."""

    def __init__(self, step: StepContext, recorded: Recorded) -> None:
        self._step = step
        self._recorded = recorded
        self._closed = False

    def now(self) -> float:
        return time.time()

    def asked(self) -> Ask | None:
        if INTERRUPTION.stopping:
            return "stop"
        return "pause" if INTERRUPTION.pausing else None

    def wait(self, seconds: float, interruptible: bool) -> None:
        if interruptible:
            INTERRUPTION.wait(seconds)
        else:
            time.sleep(seconds)

    def send(self, message: dict[str, Any]) -> None:
        if not self._closed:
            with INTERRUPTION.undisturbed():
                self._step.say(message)

    def commit(self, message: dict[str, Any]) -> None:
        self._step.commit(self._step.name, message)
        self.keep(message)

    def take(self, most: int) -> list[dict[str, Any]]:
        return self._step.take(self._step.name, most)

    def log(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def keep(self, message: Mapping[str, Any]) -> None:
        """Another try of this step in this process, or the next step, goes on from there."""
        recorded = self._recorded = self._recorded.after(message)
        self._step.saved.update(
            step="" if message["m"] == "complete" else self._step.name,
            n=recorded.n,
            state=recorded.state,
            cursor=recorded.cursor,
            info=recorded.info,
            persistent=recorded.persistent,
        )

    def close(self) -> None:
        """What threads of the job say from now on would come between the messages of the steps."""
        self._closed = True


def _recorded(step: StepContext) -> Recorded:
    """Where the code goes on: from its own checkpoint, and fresh after that of another step."""
    saved = step.saved
    is_own = saved.get("step") == step.name
    return Recorded(
        saved.get("n") or 0,
        saved.get("state") if is_own else None,
        (saved.get("cursor") or {}) if is_own else {},
        saved.get("info"),
        saved.get("persistent"),
    )


def _metadata(step: StepContext) -> dict[str, Any]:
    known = step.variables
    instance: Mapping[str, Any] = known.get("instance") or {}
    target: Any = known.get("target") or {}
    if not isinstance(target, Mapping):
        target = {"name": target}
    origin = instance.get("origin") or ""
    slot: Mapping[str, Any] = known.get("slot") or {}
    return {
        "job": step.job,
        "instance": step.instance,
        "attempt": instance.get("attempt") or 1,
        "step": step.name,
        "target": target.get("name"),
        "target_values": {key: value for key, value in target.items() if key != "name"},
        "trigger": origin,
        "trigger_details": known.get("trigger"),
        "slot": slot.get("time") if origin == "slot" else None,
        "last_execution": step.saved.get("last_execution"),
        "next_slot": step.saved.get("next_slot"),
    }


def bound_function(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Callable[[Job], Any]:
    """The function as one that takes only the job; the names that it asked for are filled already."""

    def run(job: Job) -> Any:
        return function(**arguments, job=job)

    return run
