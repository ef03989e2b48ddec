"""Why can one target not be paused or resumed alone, and what can be done instead?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.cancel import the_instance
from runner.operations.cancel_targets import ACCEPTED
from runner.operations.show_targets import the_target
from runner.store.port import Transaction
from runner.vocabulary.errors import IllegalTransition

INSTEAD = {
    "pause": (
        "a target has no pause of its own. pause is accepted for the whole run: runner instances pause {id} "
        "(with `onPause: finish`, the default, targets that have begun end first). To leave this one out: "
        "runner instances cancel {id} --target {target}, accepted in {states}"
    ),
    "resume": (
        "a target has no pause of its own that could end. resume is accepted for a run that is PAUSED: "
        "runner instances resume {id}. To try this one at once: runner instances bounce {id} "
        "--target {target}, accepted in RESCHEDULED"
    ),
}


def refuse_for_targets(
    tx: Transaction, ids: Sequence[int], *, verb: str, target: str, actor: Actor, reason: str, now: datetime
) -> tuple[ActedOnRun, ...]:
    """IllegalTransition, with the state of the target and the verbs that it accepts."""
    may(actor, verb)
    told = []
    for run in (the_instance(tx, id) for id in dict.fromkeys(ids)):
        task = the_target(tx, run, target)
        instead = INSTEAD[verb].format(id=run.id, target=target, states=", ".join(ACCEPTED))
        told.append(f"target {target} of instance {run.id} is {task.state}, and {instead}")
    raise IllegalTransition("; ".join(told))
