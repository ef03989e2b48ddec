"""What is recorded of an instance while one process of it lives, and what has it still to say?

A long sleep ends the process. The code that comes back starts from the last checkpoint and meets the same
sleep again; so the sleeps since the last checkpoint are counted, and those that are over are passed
through. The counts are the cursor that is recorded with the state.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from runner.sdk.failures import JobCodeError, JobInterrupted
from runner.sdk.info import Info
from runner.sdk.metadata import Metadata
from runner.sdk.port import Limits, Port, Recorded
from runner.sdk.values import decoded, encoded, kind_of

if TYPE_CHECKING:
    import asyncio

    from runner.sdk.batch import Batch

PROGRESS_EVERY_S = 0.1
"""Between two words of progress: a loop may say it a million times."""

MANY_SLEEPS = 20
"""Sleeps passed through in one process after which the author is told to count in the state."""


class Life:
    """One process of one instance, as the SDK sees it; `phase` is `prepare`, `perform` or `run`."""

    def __init__(
        self,
        port: Port,
        params: Mapping[str, Any],
        metadata: Mapping[str, Any],
        recorded: Recorded,
        limits: Limits,
    ) -> None:
        self.port = port
        self.params = dict(params)
        self.metadata = Metadata(metadata)
        self.limits = limits
        self.phase = "prepare"
        self.is_fresh = recorded.state is None
        self.state: dict[str, Any] = _map(recorded.state, "state")
        self.info = Info(recorded.info, limits.info)
        self.unflushed: dict[int, Batch[Any]] = {}
        self.ending: JobInterrupted | None = None
        self.sleep_record: dict[str, Any] | None = None
        self._n = recorded.n
        self._state_text = recorded.state
        self._persistent_text = recorded.persistent
        self._persistent: dict[str, Any] | None = None
        self._persistent_texts: dict[str, str] = {}
        self._over: dict[str, int] = dict(recorded.cursor.get("sleeps") or {})
        self._met: dict[str, int] = {}
        self._earlier_start: float | None = None
        self._unsaid: dict[str, Any] | None = None
        self._next_progress = 0.0
        self._loop: asyncio.Runner | None = None

    # What the code says and asks.

    @property
    def persistent(self) -> dict[str, Any]:
        """Live; what changed in it is recorded with the next checkpoint."""
        if self._persistent is None:
            self._persistent = _map(self._persistent_text, "persistent")
            self._persistent_texts = self._each_encoded(self._persistent)
            self._persistent_text = encoded(self._persistent, "persistent", self.limits.persistent)
        return self._persistent

    def say(self, message: dict[str, Any]) -> None:
        """Send it, after what was held back."""
        self.say_progress()
        self.port.send(message)

    def progress(self, message: dict[str, Any]) -> None:
        """Send it, or hold it back when another has just been sent; only the latest counts."""
        self._unsaid = message
        now = self.port.now()
        if not self._next_progress - PROGRESS_EVERY_S <= now < self._next_progress:
            self._next_progress = now + PROGRESS_EVERY_S
            self.say_progress()

    def say_progress(self) -> None:
        """Send the progress that was held back."""
        if self._unsaid is not None:
            message, self._unsaid = self._unsaid, None
            self.port.send(message)

    def start_earlier(self, at: float) -> None:
        """Ask for a start at that time; the earliest of several wins."""
        self._earlier_start = at if self._earlier_start is None else min(at, self._earlier_start)

    # How it ends before it is complete.

    def obey(self) -> None:
        """Raise the interruption when one has been asked for, or is under way already."""
        if self.ending is None and (asked := self.port.asked()) is not None:
            self.ending = JobInterrupted(asked)
        if self.ending is not None:
            raise self.ending

    def wait(self, seconds: float, interruptible: bool) -> None:
        """A sleep that keeps the process."""
        self.say_progress()
        if interruptible:
            self.obey()
        self.port.wait(seconds, interruptible)
        if interruptible:
            self.obey()

    def leave_for(self, seconds: float) -> None:
        """A sleep that ends the process, unless it is one that is over already."""
        self.obey()
        self.refuse_unflushed("a sleep that ends the process")
        message: dict[str, Any] = {"m": "sleep", "n": self._n + 1}
        if self.phase == "run":
            whole = self.record("sleep", self.state)
            if "state" in whole and (self._state_text is not None or self.state):
                message = whole  # further than at the last checkpoint, so this is one
                self._over.clear()
                self._met.clear()
        met = self._met[self.phase] = self._met.get(self.phase, 0) + 1
        if met <= self._over.get(self.phase, 0):
            if met == MANY_SLEEPS and self.phase == "run":
                self._warn_of_many_sleeps()
            return
        message["cursor"] = {"sleeps": {**self._over, self.phase: met}}
        message["until"] = self.port.now() + seconds
        self.sleep_record = message
        self.ending = JobInterrupted("sleep")
        raise self.ending

    def _warn_of_many_sleeps(self) -> None:
        text = (
            f"run() has come back from {MANY_SLEEPS} sleeps without a change of job.state, and meets all of "
            "them again at every return; count in job.state, so that each return goes on where it was"
        )
        self.say(
            {"m": "raised", "severity": "warning", "code": "sleeps-repeat", "description": text, "info": {}}
        )

    def refuse_unflushed(self, where: str) -> None:
        """JobCodeError when something is in a batch that the state counts as done."""
        for batch in self.unflushed.values():
            items = f"{len(batch)} item{'s' * (len(batch) > 1)}"
            raise JobCodeError(
                "unflushed-batch",
                f"batch {batch.name} holds {items} at {where}, where they would be lost; "
                "call its flush() before, or use it in a `with` block",
            )

    # What is recorded.

    def record(self, kind: str, state: Any) -> dict[str, Any]:
        """The message that records everything since the last checkpoint; nothing is sent or changed yet.

        Raises JobCodeError when a batch is not flushed, or something is not JSON or too large.
        """
        self.refuse_unflushed("a checkpoint" if kind == "checkpoint" else "the end")
        if type(state) is not dict:
            raise JobCodeError(
                "state-not-json", f"state is {kind_of(state)}; it is a map (dict) of JSON values"
            )
        text = encoded(state, "state", self.limits.state)
        message: dict[str, Any] = {"m": kind, "n": self._n + 1, "cursor": {}}
        if text != self._state_text:
            message["state"] = text
        if self._persistent is not None and (changes := self._persistent_changes(self._persistent)):
            message["persistent"] = changes
        if (info := self.info.unrecorded()) is not None:
            message["info"] = info
        if self._earlier_start is not None:
            message["trigger_at"] = self._earlier_start
        return message

    def commit(self, message: dict[str, Any], *, keep_sleeps_of: str | None = None) -> None:
        """Record it for good, and go on from there."""
        if keep_sleeps_of in self._over:
            message["cursor"] = {"sleeps": {keep_sleeps_of: self._over[keep_sleeps_of]}}
        self.say_progress()
        self.port.commit(message)
        self._n = message["n"]
        self._state_text = message.get("state", self._state_text)
        self._over = dict(message["cursor"].get("sleeps") or {})
        self._met = {}
        if changes := message.get("persistent"):
            self._persistent_texts.update(changes["set"])
            for key in changes["removed"]:
                del self._persistent_texts[key]
            self._persistent_text = None  # whatever it is now: what changed is found key by key
        if "info" in message:
            self.info.recorded(message["info"])
        self._earlier_start = None

    def _persistent_changes(self, values: dict[str, Any]) -> dict[str, Any] | None:
        if encoded(values, "persistent", self.limits.persistent) == self._persistent_text:
            return None
        texts = self._each_encoded(values)
        changed = {key: text for key, text in texts.items() if text != self._persistent_texts.get(key)}
        removed = sorted(self._persistent_texts.keys() - texts.keys())
        return {"set": changed, "removed": removed} if changed or removed else None

    def _each_encoded(self, values: dict[str, Any]) -> dict[str, str]:
        return {key: encoded(value, "persistent", self.limits.persistent) for key, value in values.items()}

    # Async code.

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function returns, also when it is async; one event loop lives as long as the process."""
        returned = function(*arguments)
        if not hasattr(returned, "__await__"):
            return returned
        if self._loop is None:
            import asyncio

            self._loop = asyncio.Runner()
        return self._loop.run(_awaited(returned))

    def close(self) -> None:
        """End what the event loop still does."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


def _map(text: str | None, name: str) -> dict[str, Any]:
    value = decoded(text, name) if text else {}
    if type(value) is not dict:
        raise JobCodeError(f"{name}-unreadable", f"the recorded {name} is {kind_of(value)}, and no map")
    return value
