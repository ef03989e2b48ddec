"""What is the error of a run that was ended because its time was over, and which time was that?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runner.store.instances import InstanceRecord
from runner.store.port import Reader


def over_time(reader: Reader, run: InstanceRecord, intent: str, now: datetime) -> dict[str, Any]:
    """Of one whose stop was meant as `timeout` or `expired`."""
    if intent == "timeout":
        return {"code": intent, "description": "it was still running at its timeout, and was stopped"}
    if run.expires_at is not None and run.expires_at <= now:
        return {"code": intent, "description": "it was still running at its deadline, and was stopped"}
    ended = next((hold for hold in reader.holds.of(run.job_uid) if hold.kind == "expired"), None)
    why = f"{ended.reason}, and onExpiry is stop" if ended is not None else "its time was over"
    return {"code": intent, "description": f"it was stopped: {why}"}
