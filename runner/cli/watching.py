"""A table that is shown again and again, until Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

EVERY_S = 1.0
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"

T = TypeVar("T")


def _pause() -> None:
    time.sleep(EVERY_S)


def watch(
    look: Callable[[], Sequence[T]],
    show: Callable[[Sequence[T]], None],
    *,
    terminal: bool,
    pause: Callable[[], None] = _pause,
) -> None:
    """Show what `look` finds: on a terminal all of it, in place; else only what is new or has changed.

    Returns at Ctrl-C, which is how watching ends. Rows must compare equal while nothing has changed.
    """
    was: Sequence[T] | None = None
    with suppress(KeyboardInterrupt):
        while True:
            now = look()
            if terminal:
                print(_CLEAR, end="")
                show(now)
            elif was is None:
                show(now)
            elif changed := [row for row in now if row not in was]:
                show(changed)
            sys.stdout.flush()
            was = now
            pause()
