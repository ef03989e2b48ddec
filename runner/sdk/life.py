"""What is recorded of an instance while one process of it lives, and what has it still to say?"""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from runner.sdk.failures import JobCodeError, JobInterrupted
from runner.sdk.info import Info
from runner.sdk.metadata import Metadata
from runner.sdk.port import Ask, Limits, Port, Recorded
from runner.sdk.sleeps import Sleeps, sleep_here
from runner.sdk.values import compact, decoded, encoded, kind_of

if TYPE_CHECKING:
    import asyncio

    from runner.sdk.batch import Batch
    from runner.sdk.items import Items

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
        self.state: dict[str, Any]
        self.state, self._state_text = _map(recorded.state, "state")
        self.info = Info(recorded.info, limits.info)
        self.unflushed: dict[int, Batch[Any]] = {}
        self.ending: JobInterrupted | None = None
        self.sleep_record: dict[str, Any] | None = None
        self._n = recorded.n
        self._persistent_text = recorded.persistent
        self._persistent_next = recorded.persistent
        self._persistent: dict[str, Any] | None = None
        self._persistent_texts: dict[str, str] = {}
        self._sleeps = Sleeps(recorded.cursor)
        self._earlier_start: float | None = None
        self._items: Items | None = None
        self._unsaid: dict[str, Any] | None = None
        self._next_progress = 0.0
        self._loop: asyncio.Runner | None = None
        self._lock = RLock()  # the job's threads may say things, and the port hears one at a time

    # What the code says and asks.

    @property
    def persistent(self) -> dict[str, Any]:
        """Live; what changed in it is recorded with the next checkpoint."""
        if self._persistent is None:
            self._persistent, self._persistent_text = _map(self._persistent_text, "persistent")
            self._persistent_texts = {key: compact(value) for key, value in self._persistent.items()}
        return self._persistent

    def say(self, message: dict[str, Any]) -> None:
        """Send it, after what was held back."""
        with self._lock:
            self.say_progress()
            self.port.send(message)

    def progress(self, message: dict[str, Any]) -> None:
        """Send it, or hold it back when another has just been sent; only the latest counts."""
        with self._lock:
            self._unsaid = message
            now = self.port.now()
            if not self._next_progress - PROGRESS_EVERY_S <= now < self._next_progress:
                self._next_progress = now + PROGRESS_EVERY_S
                self.say_progress()

    def say_progress(self) -> None:
        """Send the progress that was held back."""
        with self._lock:
            if self._unsaid is not None:
                message, self._unsaid = self._unsaid, None
                self.port.send(message)

    def log(self, line: str) -> None:
        """Write it to the instance's log."""
        with self._lock:
            self.port.log(line)

    def start_earlier(self, at: float) -> None:
        """Ask for a start at that time; the earliest of several wins."""
        self._earlier_start = at if self._earlier_start is None else min(at, self._earlier_start)

    @property
    def items(self) -> Items:
        """What the instance works through."""
        if self._items is None:
            from runner.sdk.items import Items

            self._items = Items(self)
        return self._items

    # How it ends before it is complete.

    def asked(self) -> Ask | None:
        """What is asked of this process."""
        with self._lock:
            return self.port.asked()

    def obey(self) -> None:
        """Raise the interruption when one has been asked for, or is under way already."""
        if self.ending is None and (asked := self.asked()) is not None:
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
        state = ""
        if self.phase == "run":
            whole = self.record("sleep", self.state)
            state = whole.get("state") or self._state_text or ""
            if "state" in whole and (self._state_text is not None or self.state):
                message = whole  # further than at the last checkpoint, so this is one
        if self._sleeps.is_over(self.phase, sleep_here(Life.call.__code__, state)):
            if self.phase == "run" and self._sleeps.passed("run") == MANY_SLEEPS:
                self._warn_of_many_sleeps()
            return
        message["cursor"] = self._sleeps.cursor(asleep=self.phase)
        message["until"] = self.port.now() + seconds
        self.sleep_record = message
        self.ending = JobInterrupted("sleep")
        raise self.ending

    def _warn_of_many_sleeps(self) -> None:
        text = (
            f"run() has passed through {MANY_SLEEPS} sleeps that are over, and passes through all of "
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
        if self._items is not None and kind != "sleep" and (done := self._items.unrecorded()):
            message["items"] = done
        return message

    def commit(self, message: dict[str, Any]) -> None:
        """Record it for good, and go on from there."""
        if message["m"] == "checkpoint":
            if self.phase != "run":  # there a checkpoint does not move where the code starts
                self._sleeps.forget("prepare")
                self._sleeps.forget(self.phase)
            message["cursor"] = self._sleeps.cursor()
        with self._lock:
            self.say_progress()
            self.port.commit(message)
        self._n = message["n"]
        self._state_text = message.get("state", self._state_text)
        if changes := message.get("persistent"):
            self._persistent_texts.update(changes["set"])
            for key in changes["removed"]:
                del self._persistent_texts[key]
            self._persistent_text = self._persistent_next
        if "info" in message:
            self.info.recorded(message["info"])
        self._earlier_start = None
        if self._items is not None and (done := message.get("items")):
            self._items.recorded(done)

    def _persistent_changes(self, values: dict[str, Any]) -> dict[str, Any] | None:
        whole = encoded(values, "persistent", self.limits.persistent)
        if whole == self._persistent_text:
            return None
        self._persistent_next = whole
        texts = {key: compact(value) for key, value in values.items()}
        changed = {key: text for key, text in texts.items() if text != self._persistent_texts.get(key)}
        removed = sorted(self._persistent_texts.keys() - texts.keys())
        return {"set": changed, "removed": removed} if changed or removed else None

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


def _map(text: str | None, name: str) -> tuple[dict[str, Any], str | None]:
    """The map that is recorded, and its text as we write it: whoever stored it may write JSON differently."""
    if not text:
        return {}, None
    value = decoded(text, name)
    if type(value) is not dict:
        raise JobCodeError(f"{name}-unreadable", f"the recorded {name} is {kind_of(value)}, and no map")
    try:
        return value, compact(value)
    except ValueError as error:
        raise JobCodeError(f"{name}-unreadable", f"the recorded {name} is not JSON: {error}") from None
