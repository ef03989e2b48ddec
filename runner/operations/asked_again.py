"""What becomes of a hold that the same owner asks for again?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from runner.lifecycle.holds import active
from runner.store.holds import HoldRecord
from runner.store.port import Reader
from runner.vocabulary.instants import to_the_second

GIT = "git"


@dataclass(frozen=True, slots=True)
class Asked:
    """The hold as it is to be from now on, whether that changes anything, and what to tell about it."""

    hold: HoldRecord
    is_new: bool
    changed: bool
    notes: tuple[str, ...] = ()


def ask_again(reader: Reader, hold: HoldRecord, now: datetime) -> Asked:
    """A reason or an end that is given takes the place of the one there; what is not given stays.

    What git declares is whole each time, and what has ended by itself is no hold any more.
    """
    theirs = [h for h in reader.holds.of(hold.object_uid) if (h.kind, h.owner) == (hold.kind, hold.owner)]
    there = next(iter(active(theirs, now)), None)
    if there is None:
        return Asked(hold, is_new=True, changed=True)
    if hold.owner != GIT:
        hold = replace(hold, reason=hold.reason or there.reason, until=hold.until or there.until)
    if (hold.reason, hold.until) == (there.reason, there.until):
        return Asked(hold, is_new=False, changed=False, notes=(f"{_described(there)} already; unchanged",))
    was = [
        *([f"its end was {_end(there)}, and is {_end(hold)}"] if hold.until != there.until else []),
        *([f"its reason was '{there.reason}'"] if hold.reason != there.reason and there.reason else []),
    ]
    return Asked(hold, is_new=False, changed=True, notes=("; ".join([f"{_described(there)} already", *was]),))


def _described(hold: HoldRecord) -> str:
    until = f" until {to_the_second(hold.until)}" if hold.until is not None else ""
    because = f" ({hold.reason})" if hold.reason else ""
    return f"has hold {hold.kind} of {hold.owner} since {to_the_second(hold.since)}{until}{because}"


def _end(hold: HoldRecord) -> str:
    return to_the_second(hold.until) if hold.until is not None else "open"
