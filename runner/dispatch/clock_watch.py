"""Was the clock stepped, did the machine sleep, or the loop stand still, since the last look? (R14)

Three clocks are compared: the wall clock, the time since boot with suspend, and the time since boot without.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from runner.vocabulary.duration import format_duration

TOLERANCE = timedelta(seconds=1)
"""What NTP slews between two looks is a thousandth of it."""

HOLD_FROM = timedelta(hours=3)
"""R14: so far back, nobody knows which starts of that time are meant to come again."""

STALL = timedelta(minutes=2)
"""A loop that has not ticked for so long stands still."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The three clocks at one moment; the two that count seconds mean something within one boot only."""

    wall: datetime
    boot_s: float
    awake_s: float


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """What happened between two readings. `by` is always positive."""

    kind: Literal["forward", "backward", "suspend", "stall"]
    by: timedelta

    @property
    def holds(self) -> bool:
        """Whether automatic starts are to be held until somebody has looked (R14)."""
        return self.kind == "backward" and self.by >= HOLD_FROM

    @property
    def moved_s(self) -> float:
        """By how many seconds the wall clock was moved, negative for back; of the others how long it took."""
        seconds = self.by.total_seconds()
        return -seconds if self.kind == "backward" else seconds

    @property
    def text(self) -> str:
        """A sentence about it, and what becomes of the starts."""
        by = format_duration(timedelta(seconds=round(self.by.total_seconds())))
        return {
            "forward": f"the clock was put forward by {by}: what fell due in that time was missed",
            "backward": f"the clock was put back by {by}: nothing is started twice"
            + ("; automatic starts are held (runner maintenance off)" if self.holds else ""),
            "suspend": f"the machine slept for {by}: what fell due in that time was missed",
            "stall": f"the daemon stood still for {by}: what fell due in that time was missed",
        }[self.kind]


def compare_clocks(before: ClockReading, now: ClockReading) -> tuple[ClockEvent, ...]:
    """What happened between two readings of one boot: a suspend or a stall first, then a step."""
    elapsed = timedelta(seconds=now.boot_s - before.boot_s)
    awake = timedelta(seconds=now.awake_s - before.awake_s)
    step = now.wall - before.wall - elapsed
    events = []
    if elapsed - awake >= TOLERANCE:
        events.append(ClockEvent("suspend", elapsed - awake))
    if awake >= STALL:
        events.append(ClockEvent("stall", awake))
    return (*events, *step_of(step))


def compare_with_the_last_daemon(
    last_wall: datetime, last_boot_s: float, now: ClockReading, *, same_boot: bool
) -> tuple[ClockEvent, ...]:
    """How the clock was stepped while no daemon looked at it.

    After a reboot only a step back can be known, and only that it was at least so far: a machine whose clock
    has lost its battery, for one.
    """
    elapsed = timedelta(seconds=now.boot_s - last_boot_s) if same_boot else timedelta(0)
    step = now.wall - last_wall - elapsed
    return step_of(step if same_boot else min(step, timedelta(0)))


def step_of(step: timedelta) -> tuple[ClockEvent, ...]:
    """The event of a step; none for what is within the tolerance."""
    if abs(step) < TOLERANCE:
        return ()
    return (ClockEvent("forward", step) if step > timedelta(0) else ClockEvent("backward", -step),)
