"""What becomes of a run that was to end, of which nothing was known then, and that is gone at last?

Nothing of it is begun again but what was to be: an operator who had cancelled it would find it running.
"""

from __future__ import annotations

from runner.lifecycle.pausing import OPERATOR, PAUSE
from runner.operations.outcome import (
    BOUNCE,
    EXPIRED,
    PAUSING_INTENTS,
    TIMEOUT,
    Finished,
    Problem,
    Recording,
)
from runner.operations.over_time import over_time
from runner.operations.pausing import pause_instance

LOST = "lost"
"""The reason of an UNKNOWN run that nobody had asked to end."""


def gone_after_a_stop(recording: Recording, error: Problem, *, proven: bool) -> Finished | None:
    """What the stop was meant for, as far as UNKNOWN leads there; None when nothing had been asked of it, and
    for what was to go on later: that is decided as a crash.

    I46 is the row of an operator who says that nothing runs: here he has said that it is to end, and that
    nothing runs is `proven`. Otherwise it has FAILED (I43), and says for what it was to end.
    """
    intent = recording.instance.reason
    if intent in PAUSING_INTENTS | {LOST, BOUNCE}:
        return None
    if intent in (TIMEOUT, EXPIRED):
        why = over_time(recording.tx, recording.instance, intent, recording.now)
        if recording.has_enough():
            return recording.succeed_partially("succeed_partially", intent, why)
        return recording.fail("fail", intent, why)
    if proven:
        return recording.cancelled(intent, "resolve_cancelled")
    told = {**error, "description": f"it was to end ({intent}), and nothing was heard of it since"}
    return recording.fail("fail", LOST, told)


def paused_again(recording: Recording, again: Finished) -> Finished:
    """I11 behind I42: what was being paused is paused, and does not just go on."""
    if recording.instance.state != "UNKNOWN" or recording.instance.reason != PAUSE:
        return again
    tx = recording.tx
    after = tx.instances.get(again.instance_id)
    if after is None:
        return again
    pause_instance(
        tx, after, OPERATOR, who=recording.who, why="it was being paused when it was lost", now=recording.now
    )
    return Finished(again.instance_id, again.job, "PAUSED", OPERATOR)
