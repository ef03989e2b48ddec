"""What did an instance print, and what is it printing now? Its log is what `output` has written."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class LogLine(NamedTuple):
    """One line as it was kept; `at` is UTC text, `stream` is `out` or `err`."""

    at: str
    step: str
    stream: str
    text: str


def read_log(path: Path | str, step: str | None = None) -> Iterator[LogLine]:
    """The lines of a log (of one step, if named); none when the instance printed nothing."""
    with contextlib.suppress(FileNotFoundError), Path(path).open("rb") as file:
        for line in file:
            if (parsed := _parsed(line)) is not None and step in (None, parsed.step):
                yield parsed


def follow_log(
    path: Path | str,
    stop: Callable[[], bool],
    step: str | None = None,
    *,
    wait: Callable[[float], None] = time.sleep,
    every_s: float = 0.05,
) -> Iterator[LogLine]:
    """As `read_log`, then what is added, until `stop()` says that the instance has ended and all is read."""
    position, rest = 0, b""
    while True:
        ended = stop()  # asked first: what was written before the end is then read after it
        with contextlib.suppress(FileNotFoundError), Path(path).open("rb") as file:
            file.seek(position)
            while part := file.read(1 << 16):
                position += len(part)
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if (parsed := _parsed(line)) is not None and step in (None, parsed.step):
                        yield parsed
        if ended:
            return
        wait(every_s)


def follow_targets(
    folder: Path | str,
    stop: Callable[[], bool],
    *,
    wait: Callable[[float], None] = time.sleep,
    every_s: float = 0.05,
) -> Iterator[LogLine]:
    """What the targets of a run print, each in a log of its own in `folder`, until `stop()`.

    The step of a line is `target/step`. Lines of one target keep their order.
    """
    positions: dict[str, int] = {}
    while True:
        ended = stop()
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            grown = sorted(
                (entry.name, entry.path)
                for entry in entries
                if entry.name.endswith(".log") and entry.stat().st_size > positions.get(entry.name, 0)
            )
            for name, path in grown:
                with Path(path).open("rb") as file:
                    file.seek(positions.get(name, 0))
                    part = file.read()
                whole = part[: part.rfind(b"\n") + 1]  # what ends later is read again then
                positions[name] = positions.get(name, 0) + len(whole)
                for line in whole.splitlines():
                    if (parsed := _parsed(line)) is not None:
                        yield parsed._replace(step=f"{name.removesuffix('.log')}/{parsed.step}")
        if ended:
            return
        wait(every_s)


def _parsed(line: bytes) -> LogLine | None:
    words = line.rstrip(b"\n").decode("utf-8", "replace").split(" ", 3)
    return LogLine(*words) if len(words) == 4 else None
