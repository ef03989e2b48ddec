"""How the lines of a run's log are shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime

from runner.cli.views.values import show_json
from runner.execution.logs import LogLine
from runner.vocabulary.printable import printable


def shown(line: LogLine) -> str:
    """`10:42:00.123  step  | text`, with `!` for what came on standard error; local time."""
    at = datetime.fromisoformat(line.at).astimezone()
    mark = "!" if line.stream == "err" else "|"
    return (
        f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  {printable(line.step)}  {mark} {printable(line.text)}"
    )


def print_lines(lines: Iterable[LogLine], output: str) -> int:
    """Print them as they come, as text or as one JSON array; returns how many there were."""
    if output == "json":
        kept = [line._asdict() for line in lines]
        show_json(kept)
        return len(kept)
    printed = 0
    for line in lines:
        print(shown(line), flush=sys.stdout.isatty())
        printed += 1
    return printed
