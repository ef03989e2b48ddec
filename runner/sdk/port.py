"""What does the SDK need from whoever runs a job's code, and what does it hand over?

The child's harness implements `Port` over its stream; `runner.sdk.testing` implements it in memory. All
messages are maps of JSON values, with their kind in `m`:

Sent, and not waited for:
- `raised`: severity (`error`, `warning`), code, description, info (a map); an error also has `grade`
  (`minor`, `major`, `critical`).
- `progress`: done and total (a number or None), text.
- `notify`: level (`info`, `success`, `warning`, `error`), topic, message.
- `info`: info (JSON text), the whole of what the job saved; only from an attempt that is about to fail.

Committed, that is, sent and waited for until it is durable, in one transaction:
- `checkpoint`: n, cursor, and what has changed: state (JSON text), info (JSON text), persistent
  (`{set: {key: JSON text}, removed: [key]}`), trigger_at (seconds since the epoch), items (the ids of
  items that are done with).
- `sleep`: the same, and until (seconds since the epoch): the process is about to end, and the same
  instance is to come back then.
- `complete` has the form of a checkpoint, but the SDK does not commit it: it hands it back in the outcome,
  so that it can be recorded together with the completion of the step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

Ask = Literal["stop", "pause"]


class Port(Protocol):
    """The other side, as the SDK sees it.

    One call at a time, never from a signal handler; but during a `wait` other threads of the job may speak.
    """

    def now(self) -> float:
        """Seconds since the epoch."""

    def asked(self) -> Ask | None:
        """What has been asked of this instance; once it is not None it stays so. Called often: be quick."""

    def wait(self, seconds: float, interruptible: bool) -> None:
        """Return after that time; if interruptible, as soon as something is asked."""

    async def wait_async(self, seconds: float, interruptible: bool) -> None:
        """As `wait`, in an event loop; this one, for whoever inherits it, looks every 0.2 s."""
        import asyncio

        end = self.now() + seconds
        while (left_s := min(end - self.now(), seconds)) > 0 and not (interruptible and self.asked()):
            await asyncio.sleep(min(left_s, 0.2))

    def send(self, message: dict[str, Any]) -> None:
        """Pass a message on, in order with all others."""

    def commit(self, message: dict[str, Any]) -> None:
        """Pass a message on, and return when it is recorded for good."""

    def take(self, most: int) -> list[dict[str, Any]]:
        """At most so many items that the instance is to work on, oldest first: maps with `id`, `kind`, `at`
        and what came. Those that it has and did not acknowledge come first; empty when there is none now.
        """
        return []

    def log(self, line: str) -> None:
        """Write a line to the instance's log, in order with what the code prints."""


class Recorded(NamedTuple):
    """What is recorded of an instance: where its code goes on.

    `n` is the number of the last checkpoint. `state`, `info` and `persistent` are JSON texts of maps;
    `state` is None when there is none, which is a fresh start. `cursor` belongs to the SDK: small, opaque,
    to be handed back with the state that it was recorded with.
    """

    n: int = 0
    state: str | None = None
    cursor: Mapping[str, Any] = {}
    info: str | None = None
    persistent: str | None = None

    def after(self, message: Mapping[str, Any]) -> Recorded:
        """What is recorded once that checkpoint, sleep, completion or info is."""
        persistent = self.persistent
        if changes := message.get("persistent"):
            values = json.loads(persistent) if persistent else {}
            values.update({key: json.loads(text) for key, text in changes["set"].items()})
            kept = {key: value for key, value in values.items() if key not in changes["removed"]}
            persistent = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        return Recorded(
            message.get("n", self.n),
            message.get("state", self.state),
            message.get("cursor", self.cursor),
            message.get("info", self.info),
            persistent,
        )


class Limits(NamedTuple):
    """Bytes of JSON, and how long a sleep may be that keeps its process."""

    state: int = 1 << 20
    info: int = 256 << 10
    persistent: int = 1 << 20
    release_after_s: float = 60.0


class Outcome(NamedTuple):
    """How a process of a job ended, when no exception ended it.

    `complete`: the work is done; `record` is the last checkpoint, still to be recorded (together with the
    step's completion), and `outputs` is what the code returned, unchecked.
    `sleep`: a `sleep` was committed; the instance comes back at `until`.
    `stop`, `pause`: what was asked has been obeyed; a resume starts from the last committed checkpoint.
    """

    kind: Literal["complete", "sleep", "stop", "pause"]
    record: dict[str, Any] | None = None
    outputs: Any = None
    until: float | None = None
