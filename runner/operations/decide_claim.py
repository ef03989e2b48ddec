"""What becomes of a waiting instance when it is asked now? Read by the claim in its own transaction, and by
whoever shows what an instance waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from runner.dispatch.missed import is_in_a_queue, outlasts_holds
from runner.dispatch.places import Need, Taker, decide_places, needed
from runner.dispatch.start import OVERLAP, Answer, Other, Skip, Start, Wait, decide_start
from runner.lifecycle.holds import active
from runner.lifecycle.instance import TRIGGERED
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.identity import Address

HELD = "held"
"""What a run waits for that no hold drops: their end."""


class Overlap(NamedTuple):
    """The policy of a job and how many of its instances may be open; None: any number."""

    policy: str
    limit: int | None


def overlap_of(spec: Mapping[str, Any]) -> Overlap:
    """As a resolved job says it."""
    declared = spec.get("concurrency") or {}
    return Overlap(declared.get("policy", "skip"), declared.get("limit", 1))


def needs_of(reader: Reader, spec: Mapping[str, Any]) -> tuple[Need, ...]:
    """The locks of a resolved job, and places in its groups with the limits that they have now."""
    return needed(
        spec.get("locks") or (), ((name, _limit_of(reader, name)) for name in spec.get("groups") or ())
    )


def decide_claim(
    reader: Reader,
    instance: InstanceRecord,
    overlap: Overlap,
    holds: Sequence[HoldRecord],
    needs: Sequence[Need],
    now: datetime,
) -> Answer:
    """The answer for `instance`, which waits: by the holds of its job, the open set, what others hold."""
    policy, limit = overlap
    if is_in_a_queue(instance.trigger):  # R10: what is caught up waits for its turn, whatever the policy
        policy = "queue"
    if policy == "skip" and instance.origin in TRIGGERED:
        policy = "queue"
    others = (
        [
            Other(id, state)
            for id, state in reader.instances.open_states(instance.job_uid)
            if id != instance.id
        ]
        if limit is not None
        else []
    )
    answer = decide_start(
        active(holds, now),
        others,
        policy=policy,
        limit=limit,
        origin=instance.origin,
        force=bool(instance.trigger.get("force")),
        begun=instance.epoch > 0,
    )
    if (
        isinstance(answer, Skip)
        and answer.reason != OVERLAP
        and outlasts_holds(instance.trigger, answer.blocker)
    ):
        return Wait(HELD)
    if isinstance(answer, Start) and needs:
        holders = [Taker(each.id, each.locks) for each in reader.instances.holders()]
        return decide_places(needs, holders, ahead_of(reader, instance, now)) or answer
    return answer


def ahead_of(reader: Reader, instance: InstanceRecord, now: datetime) -> list[Taker]:
    """What waits for locks or places and fell due before `instance`, first due first."""
    return [
        Taker(each.id, each.locks)
        for each in reader.instances.waiting_for_locks(now)
        if (each.since, each.id) < (instance.due_at, instance.id)
    ]


def _limit_of(reader: Reader, group: str) -> int | None:
    record = reader.objects.get(Address("Group", group))
    return record.resolved.get("limit") if record is not None else None
