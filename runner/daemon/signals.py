"""What does a signal mean that comes before a daemon runs, or together with another one?"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""Each of them asks for a stop, and asked again for no more grace."""
FORCE = signal.SIGQUIT
"""Ends everything at once, also what no stop interrupts, and records it."""

AT_ONCE_S = 0.1
"""A Ctrl-C reaches every process of a terminal's group, and whoever started one of them (a script, `timeout`,
npm) may pass it on: signals that are so close together are one wish. Nobody presses twice as fast.
"""


def first_signals() -> tuple[signal.Signals, ...]:
    """What asks for a stop at first: also that the terminal is gone, unless that is not to matter (nohup).

    It never takes grace away: a terminal that goes says so more than once.
    """
    hung_up = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)
    return (*STOP_SIGNALS, *hung_up)


class StoppedBefore(BaseException):
    """SIGTERM came while there was nothing yet to stop."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Until a loop hears signals, SIGTERM is StoppedBefore, and not the death of the process."""

    def stop(number: int, frame: Any) -> None:
        raise StoppedBefore

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is stop:
            signal.signal(signal.SIGTERM, before)


def unless_at_once(
    loop: asyncio.AbstractEventLoop, then: Callable[[signal.Signals], None]
) -> Callable[[signal.Signals], None]:
    """`then`, but not for a signal that came together with the one that was heard just now."""
    heard_s = loop.time()

    def again(number: signal.Signals) -> None:
        if number == FORCE or loop.time() - heard_s >= AT_ONCE_S:
            then(number)

    return again
