"""What has a run used, all its attempts together?

`running_s` is time in which it had a process, `cpu_s` processor time with all its programs, `peak_memory` the
largest resident size of one process in bytes, `log_bytes` what it printed, `checkpoints` how many it made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.execution.order import Ended


def with_attempt(
    before: Mapping[str, Any], ended: Ended, started_at: datetime | None, now: datetime
) -> dict[str, Any]:
    """The figures `before` with those of an attempt that has ended."""
    running_s = 0.0 if started_at is None else max((now - started_at).total_seconds(), 0.0)
    return {
        "running_s": round(before.get("running_s", 0.0) + running_s, 3),
        "cpu_s": round(before.get("cpu_s", 0.0) + ended.usage.cpu_s, 3),
        "peak_memory": max(before.get("peak_memory", 0), ended.usage.max_rss),
        "log_bytes": before.get("log_bytes", 0) + ended.output_bytes,
        "checkpoints": before.get("checkpoints", 0) + ended.checkpoints,
    }
