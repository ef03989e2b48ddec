"""Which of its limits did an attempt exceed? Named with the number that was declared, and what to do now."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from runner.execution.actions.shell import NO_ROOM
from runner.execution.order import ErrorInfo, Usage
from runner.vocabulary.duration import format_size

NEARLY = 0.9
"""Share of the memory limit from which on it is the likely cause of a failure that does not say one."""

_SIGNALLED = 128
"""A shell's exit code for a program that a signal ended is this and the signal's number."""


def name_exceeded(error: ErrorInfo | None, usage: Usage, limits: Mapping[str, Any]) -> ErrorInfo | None:
    """The error, with the limit for its code where one was exceeded (`limits` as declared)."""
    if error is None or not limits:
        return error
    found = _exceeded(error, usage, limits)
    if found is None:
        return error
    code, key, what = found
    now = f"limits.{key} is {limits[key]}; make it larger, or let the job use less"
    text = f"{what}: {now} ({error.code}: {error.description})"[:4000]
    # The same work needs as much again; only a limit that others use too may be free later.
    return error._replace(code=code, description=text, retryable=code == "processes-limit")


def _exceeded(error: ErrorInfo, usage: Usage, limits: Mapping[str, Any]) -> tuple[str, str, str] | None:
    text = error.description
    if limits.get("cpuTime") and _used_up(error, usage, limits["cpuTime"]):
        return "cpu-time", "cpuTime", "it used up its processor time"
    if limits.get("memory"):
        if error.code == "MemoryError" or "Cannot allocate memory" in text or "MemoryError" in text:
            return "memory-limit", "memory", "it needed more memory than it may have"
        if usage.max_rss >= NEARLY * _bytes(limits["memory"]) and error.code in _DIED:
            peak = format_size(usage.max_rss)
            return "memory-limit", "memory", f"it failed with {peak} in memory"
    if limits.get("openFiles") and ("[Errno 24]" in text or "Too many open files" in text):
        return "open-files-limit", "openFiles", "it opened more files than it may"
    crowded = error.code == "BlockingIOError" or "can't start new thread" in text or NO_ROOM in text
    if limits.get("processes") and crowded:
        return "processes-limit", "processes", "it started more processes or threads than it may"
    return None


_DIED = frozenset({"signal", "exit-code", "exit-without-result"})


def _used_up(error: ErrorInfo, usage: Usage, limit: Any) -> bool:
    """By SIGXCPU, or for whoever does not listen to it by SIGKILL a little later."""
    from runner.vocabulary.duration import parse_duration

    seconds = parse_duration(limit).total_seconds() if isinstance(limit, str) else float(limit)
    killed = _by_signal(error, signal.SIGKILL) and usage.cpu_s >= seconds
    return killed or error.code == "cpu-time" or _by_signal(error, signal.SIGXCPU)


def _by_signal(error: ErrorInfo, number: signal.Signals) -> bool:
    return number.name in error.description or error.exit_code == _SIGNALLED + number


def _bytes(size: Any) -> int:
    from runner.vocabulary.duration import parse_size

    return parse_size(size) if isinstance(size, str) else int(size)
