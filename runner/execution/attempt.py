"""What has one child said so far, and what does the supervisor know of it?"""

from __future__ import annotations

import contextlib
import os
import time
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from runner.execution.exceeded import name_exceeded
from runner.execution.masks import NO_MASKS, Masks
from runner.execution.order import (
    Began,
    Checkpointed,
    Ended,
    ErrorInfo,
    ItemsAsked,
    Order,
    PerformedLong,
    Raised,
    Report,
    StepReported,
    Usage,
)
from runner.execution.output import Log, Output
from runner.execution.processes import ticks_now
from runner.execution.protocol import Lines, ProtocolError, encode
from runner.execution.sayings import SAYINGS, checked_record, what_is_said
from runner.execution.streams import Streams
from runner.execution.verdict import decide_outcome, error_from
from runner.vocabulary.duration import format_size

_READ = 1 << 16  # bytes: a pipe's capacity, so one flood cannot hold up the others for long


class Attempt:
    """One attempt of an instance or of one of its targets: streams, opened here and closed by `close`."""

    __slots__ = (
        "_end", "_errors", "_lines", "_masks", "_report", "_step", "_uncommitted", "_unsent", "_unsent_ack",
        "checkpoints", "control", "epoch", "hinted", "instance", "is_again", "number", "order", "output",
        "performing_since_s", "pid", "pid_started", "shielded", "step_limit_s", "stop_why", "target",
        "timers", "to_pause", "token", "violation", "waiting_grace_s", "wake_at", "warned_since_s",
        "warns_of_long_performs", "was_spare", "watched", "workdir",
    )  # fmt: skip

    def __init__(
        self,
        order: Order,
        token: int,
        workdir: str,
        streams: Streams,
        line: bytes,
        report: Callable[[Report], None],
        *,
        was_spare: bool,
        is_again: bool,
    ) -> None:
        self.order = order
        self.instance = order.instance
        self.epoch = order.epoch
        self.target = order.target
        self.token = token
        self.workdir = workdir
        self.control = streams.control
        self.timers: list[TimerHandle] = []
        self.pid: int | None = None
        self.pid_started: int | None = None
        self.stop_why: str | None = None
        self.to_pause = False  # at its next boundary
        self.violation: str | None = None
        self.step_limit_s: float | None = None
        self.shielded = False  # in a step that no stop interrupts
        self.waiting_grace_s: float | None = None  # of a stop that waits for the end of that step
        self._masks = Masks(order.masks) if order.masks else NO_MASKS
        self.output = Output(streams.out, streams.err, Log(order.log_path, order.output_limit, self._masks))
        self.was_spare = was_spare
        self.is_again = is_again
        self._report = report
        self._lines = Lines()
        self._unsent = line
        self._unsent_ack = 0
        self.number = 0
        self._errors = 0
        self._step: str | None = None
        self._end: dict[str, Any] | None = None
        self._uncommitted = 0  # the number of a checkpoint that is not acknowledged
        self.checkpoints = 0
        self.wake_at: float | None = None  # it has said that it goes to sleep until then
        self.performing_since_s: float | None = None  # since a unit of its work began (monotonic)
        self.warns_of_long_performs = False
        self.warned_since_s: float | None = None  # the unit of work that was reported as long
        self.watched = False
        self.hinted = False  # its code was told that a pause is wanted

    def send(self) -> bool:
        """Send to the child what it has room for; whether all of it is gone."""
        if self._unsent_ack and not self._unsent:
            line = b'{"ack":%d}\n' if self.stop_why is None else b'{"ack":%d,"ask":"stop"}\n'
            self._unsent, self._unsent_ack = line % self._unsent_ack, 0
        try:
            self._unsent = self._unsent[os.write(self.control, self._unsent) :]
        except BlockingIOError:
            return False
        except OSError:
            self._unsent = b""  # it is ending; its exit tells the rest
        return not self._unsent and (not self._unsent_ack or self.send())

    @property
    def step(self) -> str | None:
        """The step that it reported last."""
        return self._step

    @property
    def may_be_shielded(self) -> bool:
        """Whether a step of it is not to be interrupted."""
        return any(step.get("interruptible") is False for step in self.order.steps)

    @property
    def said_its_end(self) -> bool:
        """Whether the child reported its result (or can no more)."""
        return self._end is not None or self.violation is not None

    def ended_unused(self, *, with_its_zygote: bool) -> bool:
        """Whether the child ended before it did anything of its order, by what was not meant for that: it had
        waited for one, or went with its zygote. A second time is no chance any more.
        """
        by_chance = (self.was_spare or with_its_zygote) and not self.is_again
        return by_chance and self.pid is None and self.stop_why is None and self.violation is None

    def receive(self) -> bool:
        """Take what the child said; False when its stream is over or not to be read any more."""
        data = self._heard()
        return True if data is None else self._understand(data)

    def _heard(self) -> bytes | None:
        """What the child has sent; empty at the end of its stream, None when there is nothing yet."""
        try:
            return os.read(self.control, _READ)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _understand(self, data: bytes) -> bool:
        if not data or self.violation is not None:
            return False
        try:
            messages = self._lines.feed(data, time.monotonic())
            for position, message in enumerate(messages):
                if self._end is None:
                    self._take(message, messages[position + 1 :])
        except ProtocolError as error:
            self.violation = f"broke the protocol: {error}"
            return False
        return True

    def _take(self, message: dict[str, Any], following: list[dict[str, Any]]) -> None:
        kind = message["m"]
        if kind == "began":
            if self.pid is not None:
                raise ProtocolError("it began twice")
            # Said before any code of the job runs, so it can be believed.
            self.pid = message["pid"]
            self.pid_started = ticks_now()
            self._report(Began(self.instance, self.epoch, self.pid, self.pid_started, self.target))
        elif kind == "end":
            self._end = self._masks.hide_all(message)
        elif kind == "checkpoint":
            self._take_checkpoint(message)
        elif kind == "take":
            self._take_wish(message)
        elif kind == "performing":
            self.performing_since_s = time.monotonic()
            self.warns_of_long_performs = message["is_class"]
        elif kind in SAYINGS:
            said = what_is_said(message, self._masks, (self.instance, self.epoch, self.target), self._step)
            self._errors += isinstance(said, Raised) and said.severity == "error"
            self._report(said)
        else:
            self._take_step(kind, message, following)

    def _take_checkpoint(self, message: dict[str, Any]) -> None:
        number, step = message["n"], message["step"]
        if number <= self.number or step != self._step or self._uncommitted:
            raise ProtocolError("it made a checkpoint that cannot be")
        record = checked_record(message["record"], self._masks)
        self.number = self._uncommitted = number
        self.checkpoints += 1
        self.wake_at = record.until
        if self.performing_since_s is not None:
            self.performing_since_s = time.monotonic()
        self._report(Checkpointed(self.instance, self.epoch, number, step, record, self.target))

    def _take_wish(self, message: dict[str, Any]) -> None:
        number, step = message["n"], message["step"]
        if number <= self.number or step != self._step or self._uncommitted:
            raise ProtocolError("it asked for items when it could not")
        self.number = self._uncommitted = number
        if self.performing_since_s is not None:
            self.performing_since_s = time.monotonic()  # who waits for work is not late with it
        wish = ItemsAsked(self.instance, self.epoch, number, step, message["most"], self.target)
        self._report(wish)

    def answer(self, number: int, items: Sequence[Mapping[str, Any]]) -> bool:
        """Give the child the items that it asked for; whether all could be sent."""
        told: dict[str, Any] = {"ack": number, "items": items}
        if self.stop_why is not None:
            told["ask"] = "stop"
        self._unsent, self._unsent_ack = self._unsent + encode(told), 0  # the highest stands for all
        self._uncommitted = 0
        return self.send()

    def performed_long(self, seconds: float) -> None:
        """Report that a unit of its work has taken so long by now."""
        self._report(
            PerformedLong(self.instance, self.epoch, self._step or "", round(seconds, 1), self.target)
        )

    def _take_step(self, kind: Any, message: dict[str, Any], following: list[dict[str, Any]]) -> None:
        number, step = message["n"], message["step"]
        declared = next((known for known in self.order.steps if known["name"] == step), None)
        if number <= self.number or declared is None:
            raise ProtocolError("it reported a step that cannot be")
        self.number = number
        self.shielded = kind == "start" and declared.get("interruptible") is False
        last = kind == "complete" and any(later["m"] == "end" for later in following)
        if kind in ("complete", "fail"):
            # What it printed is in the pipes, and the child waits: the next step has not printed yet. At a
            # start it may have.
            if not last:
                self.drain()
            self.performing_since_s = None
        outputs: dict[str, Any] | None = None
        record = None
        error: ErrorInfo | None = None
        self.step_limit_s = None
        if kind == "start":
            self._step = step
            limit = message.get("timeout")
            self.step_limit_s = limit if isinstance(limit, int | float) else None
        elif kind == "complete":
            outputs = self._masks.hide_all(message["outputs"])
            if message.get("record") is not None:
                record = checked_record(message["record"], self._masks)
        elif kind == "fail":
            error = error_from(self._masks.hide_all(message["error"]), step)
            self.acknowledge(
                number
            )  # a failed step may be tried again at once; nothing depends on its record
        at = datetime.fromtimestamp(message["at"], UTC)
        reason = str(message.get("reason") or "")[:200]
        self._report(
            StepReported(
                self.instance,
                self.epoch,
                number,
                step,
                kind,
                at,
                outputs,
                error,
                last,
                reason,
                self.target,
                record,
                message.get("again") is True,
            )
        )

    def _warn(self, code: str, description: str) -> None:
        """Store what the supervisor itself noticed."""
        text = self._masks.hide(description)
        self._report(Raised(self.instance, self.epoch, "warning", code, text, {}, self.target))

    def left_behind(self, pid: int) -> None:
        """Store that a process of it stays: whatever that waits for may want a person."""
        self._warn(
            "left-behind",
            f"its process {pid} was killed and does not end: it waits for a device or a file system",
        )

    def acknowledge(self, number: int) -> bool:
        """Let the child go on; whether all could be sent."""
        self._unsent_ack = max(self._unsent_ack, number)  # the highest stands for all
        if self._uncommitted <= number:
            self._uncommitted = 0
        return self.send()

    def drain(self) -> None:
        """Take what it has printed by now."""
        self.output.drain(self._step or "-")

    def close_control(self) -> None:
        """The child closed its end, after its last word."""
        os.close(self.control)
        self.control = -1

    def ended(self, status: int | None, usage: Usage) -> tuple[Ended, bool]:
        """The last report, from everything that is known now, and whether the working directory is gone."""
        while self.control >= 0 and self._end is None and self._understand(self._heard() or b""):
            pass
        self.drain()
        self.close()
        log = self.output.log
        if log.problem is not None:
            self._warn("log-not-written", log.problem)
        verdict = decide_outcome(
            self._end,
            status=status,
            violation=self.violation,
            stop_why=self.stop_why,
            errors=self._errors,
            step=self._step,
            sleeps=self.wake_at is not None,
            was_to_pause=self.hinted,
        )
        error = name_exceeded(verdict.error, usage, self.order.limits)
        if log.is_full:
            kept = format_size(self.order.output_limit)
            text = f"it printed {format_size(log.received)}, and its log keeps {kept} (limits.output)"
            self._warn("output-limit", text)
        wake_at = None if self.wake_at is None else datetime.fromtimestamp(self.wake_at, UTC)
        report = Ended(
            self.instance,
            self.epoch,
            verdict.outcome,
            error,
            verdict.outputs,
            os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            usage,
            log.received,
            self.target,
            wake_at if verdict.outcome == "sleeping" else None,
            self.checkpoints,
        )
        return report, self.violation is None and self._end is not None and self._end.get("clean") is True

    def later(
        self,
        loop: AbstractEventLoop,
        seconds: float,
        callback: Callable[..., None],
        *arguments: object,
    ) -> None:
        """Call it after that time, unless this is closed by then."""
        self.timers.append(loop.call_later(seconds, callback, *arguments))

    def close(self) -> None:
        """Close everything that is open, the log too."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        if self.control >= 0:
            with contextlib.suppress(OSError):
                os.close(self.control)
            self.control = -1
        self.output.close()
