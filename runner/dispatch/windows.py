"""What do the windows of its schedule ask of a run now? (I5, I7, I8, I11, I18, I28, I30, I31)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from runner.lifecycle.pausing import WINDOW
from runner.schedules.window import Opening, Window

CLOSE_GRACE = timedelta(minutes=5)
"""For a run whose last opening cannot be found any more."""


class WindowedRun(NamedTuple):
    """What is known of a run that is not over."""

    state: str
    has_begun: bool
    pauses: tuple[str, ...] = ()
    fans_out: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done with the run, and why.

    `pause` asks at its next boundary, with `grace` to get there; `stop` does not wait for one; `go-on` lifts
    the pause; `expire` ends it because nothing will open any more, `skip` because it has not even begun.
    """

    what: Literal["pause", "stop", "go-on", "expire", "skip"]
    why: str
    grace: timedelta = CLOSE_GRACE


def decide_window(window: Window, run: WindowedRun, now: datetime) -> Asked | None:
    """What follows from the windows at `now`; None when the run is where it belongs."""
    opening = window.opening_at(now)
    if opening is not None:
        return _while_open(opening, run, now)
    is_over = window.next_opening(now) is None
    match run.state:
        case "SCHEDULED" if not run.has_begun and (is_over or window.each):
            return Asked("skip", "window-end" if is_over else "window-closed")
        case "SCHEDULED" | "PAUSED" if is_over:
            return Asked("expire", "the last window of its range has closed")
        case "SCHEDULED":
            return Asked("pause", "its window is closed")
        case "PAUSED" if WINDOW not in run.pauses:
            return Asked("pause", "its window is closed, too")
        case "RUNNING":
            return _at_the_close(window.last_opening(now), run)
    return None


def next_look(window: Window, now: datetime) -> datetime | None:
    """When the answer may be another one: the close of what is open, else the next opening."""
    opening = window.opening_at(now)
    if opening is not None:
        return opening.closes_at
    following = window.next_opening(now)
    return None if following is None else following.opens_at


def _while_open(opening: Opening, run: WindowedRun, now: datetime) -> Asked | None:
    if WINDOW not in run.pauses:
        return None
    if run.state == "PAUSING" or (run.state == "PAUSED" and opening.may_start(now)):
        return Asked("go-on", "its window is open")
    return None


def _at_the_close(closed: Opening | None, run: WindowedRun) -> Asked | None:
    """`finish` lets a run end; one over an inventory starts no further target all the same (T2)."""
    on_close = "pause" if closed is None else closed.on_close
    grace = CLOSE_GRACE if closed is None else closed.close_grace
    if on_close == "stop":
        return Asked("stop", "its window has closed")
    if on_close == "finish" and not run.fans_out:
        return None
    return Asked("pause", "its window has closed", grace)
