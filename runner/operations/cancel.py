"""Cancel runs: a waiting one at once, a running one by asking the daemon to end it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor, may
from runner.lifecycle.instance import CANCELLABLE, INSTANCE
from runner.operations.end_runs import end_waiting, redirect_stop, stop_running
from runner.operations.outcome import BOUNCE, PAUSING_INTENTS
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import IllegalTransition, UnknownName

INTENT = "cancel"
"""Kept as the reason of a STOPPING instance, so that its end is recorded as CANCELLED."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of one run: whether anything changed, and its state now."""

    id: int
    job: str
    changed: bool
    state: str


def cancel_instances(
    tx: Transaction,
    ids: Sequence[int],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    keep_state: bool = False,
) -> tuple[Cancelled, ...]:
    """All of them, or none. One that is being ended or was cancelled already stays as it is.

    What one that is paused, or on its way there, has saved goes with it (I29), unless `keep_state`.
    """
    instances = [the_instance(tx, id) for id in dict.fromkeys(ids)]
    may(actor, "cancel")
    refusals = [
        f"instance {i.id} of {i.job} is {i.state}" for i in instances if not (_done(i) or _possible(i))
    ]
    if refusals:
        raise IllegalTransition(f"{'; '.join(refusals)}; cancel is accepted in {', '.join(CANCELLABLE)}")
    return tuple(_cancel(tx, instance, str(actor), reason, now, keep_state) for instance in instances)


def the_instance(reader: Reader, id: int) -> InstanceRecord:
    """The run of that number; UnknownName, with the newest one, when there is none."""
    instance = reader.instances.get(id)
    if instance is None:
        newest = reader.instances.list(limit=1)
        known = f"the newest is {newest[0].id} (of {newest[0].job})" if newest else "there has been none yet"
        raise UnknownName(f"there is no instance {id}; {known}")
    return instance


def _cancel(
    tx: Transaction, instance: InstanceRecord, who: str, reason: str, now: datetime, keep_state: bool
) -> Cancelled:
    if _done(instance):
        return Cancelled(instance.id, instance.job, False, instance.state)
    if instance.state == "STOPPING":
        redirect_stop(tx, instance, INTENT, who=who, why=reason, now=now, keep_state=keep_state)
    elif INSTANCE.accepts(instance.state, "cancel"):
        end_waiting(tx, instance, "cancel", INTENT, who=who, now=now, why=reason, keep_state=keep_state)
    else:
        stop_running(tx, instance, INTENT, who=who, why=reason, now=now, keep_state=keep_state)
    return Cancelled(instance.id, instance.job, True, the_instance(tx, instance.id).state)


def _done(instance: InstanceRecord) -> bool:
    """A stop that was meant for something else than its end still can be."""
    comes_back = instance.reason in (BOUNCE, *PAUSING_INTENTS)
    return instance.state == "CANCELLED" or (instance.state == "STOPPING" and not comes_back)


def _possible(instance: InstanceRecord) -> bool:
    return (
        instance.state == "STOPPING"
        or INSTANCE.accepts(instance.state, "cancel")
        or INSTANCE.accepts(instance.state, "stop")
    )
