"""What becomes of the items of a run that has ended? By how it ended; nothing is asked of the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.operations.arrive import drop_waiting
from runner.store.arrivals import DONE, DROPPED, FAILED, MOVING, ONE_BY_ONE, TAKEN, GivenItem, Item
from runner.store.port import Transaction
from runner.vocabulary.errors import ChangedMeanwhile

WELL = ("SUCCEEDED", "PARTIALLY_SUCCEEDED")


def settle_given(tx: Transaction, job_uid: str, schedule: str, now: datetime) -> int:
    """Items of ended runs: done, failed, dropped, or waiting again; how many."""
    given = tx.arrivals.given((job_uid, schedule))
    runs: dict[int | None, list[GivenItem]] = {}
    for each in given:
        runs.setdefault(each.item.instance_id, []).append(each)
    for run in runs.values():
        one_by_one = [each.item for each in run if each.item.reason == ONE_BY_ONE]
        if one_by_one:
            _left_over(tx, one_by_one, run[0].instance_state, now)
        _settle_all(tx, [each for each in run if each.item.reason != ONE_BY_ONE], now)
    return len(given)


def finish_items(tx: Transaction, items: Sequence[Item], how: str, now: datetime) -> None:
    """They have been dealt with: `succeeded`, or the reason why not. Files that are to go elsewhere do."""
    for item in items:
        well = how == "succeeded"
        if item.aftercare:
            tx.arrivals.settle([item.id], MOVING, reason=how, at=now, expected=TAKEN)
        elif well:
            tx.arrivals.settle([item.id], DONE, reason="", at=now, expected=TAKEN)
        else:
            tx.arrivals.settle([item.id], FAILED, reason=how, at=now, expected=TAKEN)


def acknowledge(tx: Transaction, instance_id: int, ids: Sequence[int], now: datetime) -> None:
    """A run that works through its items has dealt with these, in the transaction of its checkpoint.

    ChangedMeanwhile, and nothing is changed, when one of them is not its own.
    """
    mine = {item.id: item for item in tx.arrivals.of_instance(instance_id) if item.state == TAKEN}
    strange = [id for id in ids if id not in mine]
    if strange:
        raise ChangedMeanwhile(f"item {strange[0]} is not one that run {instance_id} works on")
    finish_items(tx, [mine[id] for id in ids], "succeeded", now)


def _settle_all(tx: Transaction, run: Sequence[GivenItem], now: datetime) -> None:
    if not run:
        return
    state, reason = run[0].instance_state, run[0].instance_reason
    items = [each.item for each in run]
    ids = [item.id for item in items]
    if state is None or state in WELL:  # None: its run has left the history
        finish_items(tx, items, "succeeded", now)
    elif state == "SKIPPED" and not run[0].began and _only_held(reason):
        tx.arrivals.give_back(ids)
    elif state == "SKIPPED" and not run[0].began:
        drop_waiting(tx, ids, reason or "skipped", reason or "skipped", now, expected=TAKEN)
    elif state == "REPLACED":
        tx.arrivals.settle(ids, DROPPED, reason="replaced by a newer run", at=now, expected=TAKEN)
    else:
        finish_items(tx, items, f"its run ended {state}" + (f" ({reason})" if reason else ""), now)


def _only_held(reason: str) -> bool:
    """Whether the run did not start for a reason that ends, so that its items wait again."""
    return reason.startswith(("hold", "overlap"))


def _left_over(tx: Transaction, items: Sequence[Item], state: str | None, now: datetime) -> None:
    """Items that a run had taken and not acknowledged: they wait again.

    One that failed, with all its tries, was at the first of them: that one has FAILED, and the next run goes
    on with the others, instead of failing at the same one for ever.
    """
    first, *others = sorted(items, key=lambda item: item.id)
    if state == "FAILED":
        finish_items(tx, [first], "its run ended FAILED while it worked on it", now)
    else:
        others = [first, *others]
    tx.arrivals.give_back([item.id for item in others])
