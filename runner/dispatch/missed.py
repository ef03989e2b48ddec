"""Slots that are due: which become an instance, and which are dropped because they were missed (R10)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from runner.lifecycle.holds import family
from runner.schedules.slot import Slot
from runner.vocabulary.duration import format_duration

TOLERANCE = timedelta(seconds=60)
"""A slot decided later than this after its time was missed; a shorter interval is its own tolerance."""

FOR_GOOD = frozenset({"removed", "expired", "finished"})
"""Kinds of hold under which nothing begins any more."""

ONCE = "once"
"""In the trigger of a run that nothing replaces (of a range, fire-and-forget): holds and overlaps let it wait
instead of dropping it.
"""

ROWS_AT_MOST = 50
"""More dropped slots in a row than this are told as one range."""


@dataclass(frozen=True, slots=True)
class SlotDecision:
    """What becomes of a slot.

    A dropped range is one decision with `count` above 1: `slot` is its last, so the watermark may move
    there, and `first` its first. A slot that is on time comes `behind` those that are caught up with it: it
    waits for its turn, and no overlap with them drops it.
    """

    slot: Slot
    action: Literal["create", "skip"]
    reason: str
    count: int = 1
    first: Slot | None = None
    behind: bool = False
    rule: str = ""
    """For one that is dropped: by which rule, a word of vocabulary/slot_rules.py."""

    @property
    def marks(self) -> dict[str, Any]:
        """What its instance keeps of this, as a part of its trigger."""
        if self.reason.startswith("missed"):
            return {"missed": True}
        return {"after_missed": True} if self.behind else {}


def is_in_a_queue(trigger: Mapping[str, Any]) -> bool:
    """Whether an instance is one of those that are caught up: oldest first, one at a time (R10).

    So is one that a job's own code asked for: it comes when the instance that asked is over. And one of which
    there is no other (`once`) waits for its turn, as the runs of a backfill do.
    """
    words = ("missed", "after_missed", "earlier", ONCE, "backfill")
    return any(trigger.get(word) for word in words)


def outlasts_holds(trigger: Mapping[str, Any], kind: str) -> bool:
    """Whether a run that has not begun waits for the end of a hold of this kind instead of being dropped.

    There is no other run of its range. Holds that are for good end it all the same.
    """
    return bool(trigger.get(ONCE)) and family(kind) not in FOR_GOOD


@dataclass(slots=True)
class _Dropped:
    """Neighbours dropped for one reason; keeps single slots only while they may still be told singly."""

    reason: str
    rule: str
    first: Slot
    last: Slot
    count: int = 0
    singly: list[Slot] = field(default_factory=list)

    def add(self, slot: Slot) -> None:
        self.last = slot
        self.count += 1
        if self.count <= ROWS_AT_MOST:
            self.singly.append(slot)


def decide_missed(
    slots: Iterable[Slot],
    *,
    now: datetime,
    policy: str,
    max_age: timedelta,
    max_runs: int,
    interval: timedelta | None = None,
) -> tuple[SlotDecision, ...]:
    """One decision for every due slot that is not decided yet, oldest first.

    `slots` come oldest first and are all due at `now`; any number of them is read once, in bounded memory.
    `interval` is the distance of two slots, when the schedule has one. A slot that is on time always makes
    an instance. Of the missed ones, policy `none` drops all, `last` keeps the newest (none beside a slot
    that is on time: that one catches up), `all` keeps the newest `max_runs`; what is older than `max_age` is
    dropped whatever the policy.
    """
    tolerance = min(TOLERANCE, interval) if interval else TOLERANCE
    keep = {"none": 0, "last": 1, "all": max_runs}[policy]
    too_old = (f"missed: older than {format_duration(max_age)}", "missed-age")
    not_kept = {
        "none": ("missed: policy none", "missed-none"),
        "last": ("missed: only the last is caught up", "missed-last"),
        "all": (f"missed: more than {max_runs} to catch up", "missed-most"),
    }[policy]
    dropped: list[_Dropped] = []
    missed: deque[Slot] = deque()
    on_time: list[Slot] = []
    for slot in slots:
        age = now - slot.at
        if age <= tolerance:
            on_time.append(slot)
        elif age > max_age:
            _drop(dropped, slot, too_old)
        else:
            missed.append(slot)
            if len(missed) > keep:
                _drop(dropped, missed.popleft(), not_kept)
    if policy == "last" and on_time:
        for slot in missed:
            _drop(dropped, slot, not_kept)
        missed.clear()
    return (
        *(decision for group in dropped for decision in _told(group)),
        *(SlotDecision(slot, "create", "missed: caught up") for slot in missed),
        *(SlotDecision(slot, "create", "slot", behind=bool(missed)) for slot in on_time),
    )


def drop_all(slots: Iterable[Slot], reason: str, rule: str) -> Sequence[SlotDecision]:
    """Every slot is dropped, for one reason; oldest first."""
    dropped: list[_Dropped] = []
    for slot in slots:
        _drop(dropped, slot, (reason, rule))
    return [decision for group in dropped for decision in _told(group)]


def _drop(dropped: list[_Dropped], slot: Slot, why: tuple[str, str]) -> None:
    if not dropped or (dropped[-1].reason, dropped[-1].rule) != why:
        dropped.append(_Dropped(*why, slot, slot))
    dropped[-1].add(slot)


def _told(group: _Dropped) -> Sequence[SlotDecision]:
    if group.count <= ROWS_AT_MOST:
        return [SlotDecision(slot, "skip", group.reason, rule=group.rule) for slot in group.singly]
    return [
        SlotDecision(group.last, "skip", group.reason, group.count, group.first, rule=group.rule),
    ]
