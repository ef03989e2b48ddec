"""May an instance that runs be paused, how is it asked, and when may one that is paused go on?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from runner.lifecycle.holds import BLOCKING, family

OPERATOR = "operator"
"""Somebody paused this very instance."""
JOB = "job"
"""Its job is paused."""
DISABLE = "disable"
"""Its job was disabled, and `onDisable` is `pause`."""
EVICTION = "eviction"
"""Its daemon was stopped or drained."""
WINDOW = "window"
"""The window in which it may run has closed."""

PAUSE = "pause"
"""The intent of a STOPPING instance that did not obey a pause in time."""

GRACE = timedelta(minutes=1)
"""From the request to the force, for work that may be repeated from its last checkpoint."""

PATIENCE = timedelta(hours=1)
"""From the request to its withdrawal, for work of which no step may be repeated."""

KEEPS_PAUSED = BLOCKING - {"removed", "expired", "finished"}
"""Blocking holds under which nothing goes on that is paused. Under the others what has begun is drained."""


@dataclass(frozen=True, slots=True)
class Pausable:
    """It can be asked; after `grace` it is stopped (`forced`), or the request is withdrawn."""

    grace: timedelta
    forced: bool


@dataclass(frozen=True, slots=True)
class NotPausable:
    """It goes on to its end."""

    why: str


def decide_pause(*, on_crash: str, boundary_ahead: bool, has_checkpoints: bool) -> Pausable | NotPausable:
    """Whether there is a moment at which the instance can stop and later go on (I18).

    Such a moment is a checkpoint of its code or the boundary between two steps. Work that `onCrash: resume`
    declares repeatable may besides be stopped anywhere, and goes on from its last checkpoint.
    """
    if on_crash == "resume":
        return Pausable(GRACE, forced=True)
    if has_checkpoints or boundary_ahead:
        return Pausable(PATIENCE, forced=False)
    return NotPausable("its last step is under way, which onCrash: fail does not let begin anew")


def reasons_left(pauses: Iterable[str], lifted: Iterable[str], held: Iterable[str]) -> tuple[str, ...]:
    """Why it stays paused when these reasons are lifted; empty: it goes on.

    `held` are the kinds of its job's active holds: a pause of the job and a blocking hold keep what is
    paused, whatever it was paused for (the guard of I28).
    """
    kinds = {family(kind) for kind in held}
    left = set(pauses) - set(lifted)
    if "paused" in kinds:
        left.add(JOB)
    if kinds & KEEPS_PAUSED:
        left.add(DISABLE)
    return tuple(sorted(left))
