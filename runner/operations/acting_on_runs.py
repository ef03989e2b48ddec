"""What do the verbs on runs share: all or none, twice is once, and a refusal that says when they may?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.cancel import the_instance
from runner.operations.show_targets import the_target
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.tasks import TaskRecord
from runner.vocabulary.errors import IllegalTransition


@dataclass(frozen=True, slots=True)
class Asking:
    """A verb that is being carried out: in which transaction, who asks, why and when."""

    tx: Transaction
    who: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ActedOnRun:
    """What became of one run, or of one `target` of it: whether anything changed, the state of the run now,
    and what else to know.
    """

    id: int
    job: str
    changed: bool
    state: str
    notes: tuple[str, ...] = ()
    target: TaskRecord | None = None


def act_on_runs(
    tx: Transaction,
    ids: Sequence[int],
    verb: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    accepted: Sequence[str],
    act: Callable[[Asking, InstanceRecord], bool],
    is_done: Callable[[InstanceRecord], bool] = lambda _: False,
    refusal: Callable[[Transaction, InstanceRecord], str | None] = lambda _tx, _run: None,
    notes: Callable[[InstanceRecord], tuple[str, ...]] = lambda _: (),
    target: str | None = None,
) -> tuple[ActedOnRun, ...]:
    """Carry the verb out on all of them, or on none.

    IllegalTransition when one `is_done` not yet and its state is none of `accepted`, or there is another
    `refusal` for it. `act` says whether it changed anything.
    """
    runs = [the_instance(tx, id) for id in dict.fromkeys(ids)]
    may(actor, verb)
    open_ = [run for run in runs if not is_done(run)]
    refusals = [
        f"instance {run.id} of {run.job} is {run.state}" for run in open_ if run.state not in accepted
    ]
    if refusals:
        raise IllegalTransition(f"{'; '.join(refusals)}; {verb} is accepted in {', '.join(accepted)}")
    others = [text for run in open_ if (text := refusal(tx, run)) is not None]
    if others:
        raise IllegalTransition("; ".join(others))
    asking = Asking(tx, str(actor), reason, now)
    acted = []
    for run in runs:
        changed = act(asking, run) if run in open_ else False
        after = the_instance(tx, run.id)
        task = None if target is None else the_target(tx, after, target)
        acted.append(ActedOnRun(run.id, run.job, changed, after.state, notes(after), task))
    return tuple(acted)
