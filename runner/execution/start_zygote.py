"""What lies beside what in a zygote's memory?

Run as `python -P -m runner.execution.start_zygote <descriptor> <profile>`. What children use is to lie side
by side, because a page that one writes to is copied first (holes.py): so Python's own modules are imported
first, then what they have left free is taken, and then come ours.
"""

from __future__ import annotations

import contextlib  # noqa: F401
import ctypes  # noqa: F401
import gc  # noqa: F401
import json  # noqa: F401
import linecache  # noqa: F401
import resource  # noqa: F401
import select  # noqa: F401
import signal  # noqa: F401
import socket  # noqa: F401
import sys
import typing  # noqa: F401
from typing import NoReturn

from runner.execution.holes import fill_holes


def main(arguments: list[str]) -> NoReturn:
    """Take what Python's own modules have left free, for as long as this runs, and be a zygote."""
    _taken = fill_holes()
    from runner.execution import zygote

    zygote.main(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
