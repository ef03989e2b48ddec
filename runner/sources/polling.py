"""When is the remote asked again?"""

from __future__ import annotations

from datetime import timedelta

SHARE = 0.1
"""Many installations that follow one remote do not ask at the same moment."""

FIRST_RETRY = timedelta(seconds=5)

SAME_COMMIT_AGAIN = timedelta(minutes=10)
"""A commit that was refused is refused again, unless something else changed: it is tried seldom."""


def until_next(interval: timedelta, failures: int, draw: float) -> timedelta:
    """`failures`: how often in a row the remote did not answer; `draw` from 0 up to 1.

    After a failure sooner than usual: twice the time each, never longer than the interval.
    """
    wait = interval
    if failures > 0:
        wait = min(interval, FIRST_RETRY * 2 ** min(failures - 1, 20))
    return wait * (1 - SHARE + 2 * SHARE * draw)
