"""Keep what a crash drill of a job found, for everybody who looks at the job."""

from __future__ import annotations

from runner.access.permission import Actor, may
from runner.store.drills import DrillRecord
from runner.store.port import Transaction

DRILLED = "drilled"


def record_drill(tx: Transaction, drill: DrillRecord, *, actor: Actor) -> None:
    """In place of the drill before, with an event of the job. NotAllowed for those who may not start jobs."""
    may(actor, "trigger")
    tx.drills.put(drill)
    details = {"verdict": drill.verdict, "digest": drill.digest, "kills": drill.kills}
    tx.events.append("Job", drill.job, DRILLED, at=drill.at, who=drill.who, details=details)
