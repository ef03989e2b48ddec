"""May this instance start now? One answer, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from runner.lifecycle.holds import CLOCK_STEPPED, Held, family, is_blocking

OVERLAP = "overlap"


class Other(NamedTuple):
    """An open instance of the same job."""

    id: int
    state: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start it. `forced` names what was overridden, for the event."""

    forced: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not start it, ever; `blocker` is the hold's kind or the id of the instance in the way."""

    reason: str
    blocker: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again later. `blocker` is the id of the instance in the way, where there is one.

    With `displaces` there is one place to wait: the job's earlier starts that wait for it are given up. With
    `for_places` it may start but for locks or places in groups.
    """

    reason: str
    blocker: str = ""
    displaces: bool = False
    for_places: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """End these open instances of the job, and ask again: there is room as soon as they are gone."""

    ids: tuple[int, ...]


Answer = Start | Skip | Wait | Replace


def decide_start(
    holds: Sequence[Held],
    others: Sequence[Other],
    *,
    policy: str = "skip",
    limit: int | None = 1,
    origin: str = "slot",
    force: bool = False,
    begun: bool = False,
) -> Answer:
    """What becomes of an instance that is due.

    `holds` are the active ones; `others` the job's other open instances, oldest first. An instance that has
    `begun` (a retry, a resume after a crash) is in the open set already: it is not asked about overlap again,
    and a hold that came later lets it finish, unless that hold is `paused`.
    """
    if begun:
        return Wait("paused") if any(hold.kind == "paused" for hold in holds) else Start()
    forced: list[str] = []
    is_automatic = origin not in ("manual", "rerun")
    again = origin == "rerun"
    hold_answer = _automatic(holds) if is_automatic else decide_manual(holds, force=force, again=again)
    if not isinstance(hold_answer, Start):
        return hold_answer
    if hold_answer.forced:
        forced.append(hold_answer.forced)
    if limit is None or len(others) < limit:
        return Start(", ".join(forced))
    if force:
        return Start(", ".join([*forced, f"overlap with instance {others[0].id}"]))
    return _without_room(policy, others, limit)


def _without_room(policy: str, others: Sequence[Other], limit: int) -> Skip | Wait | Replace:
    """The limit is reached: `skip` drops the start, `replace` makes room, everything else waits its turn."""
    oldest = str(others[0].id)
    if policy == "skip":
        return Skip(OVERLAP, oldest)
    if policy == "replace":
        leaving = sum(other.state == "STOPPING" for other in others)
        # Nothing replaces what is UNKNOWN: no second copy may start while it may still run.
        may_end = [other.id for other in others if other.state not in ("STOPPING", "UNKNOWN")]
        ids = may_end[: max(0, len(others) - limit + 1 - leaving)]
        if ids:
            return Replace(tuple(ids))
    return Wait(OVERLAP, oldest, displaces=policy in ("queue-one", "replace"))


def decide_manual(holds: Sequence[Held], *, force: bool, again: bool = False) -> Start | Skip | Wait:
    """Whether a start by hand passes the job's active holds (I2, J10, J12).

    A job that failed may be started without more ado, and a run of a one-time job that is done may be run
    `again`. Any other hold needs `force`; a removed job and a maintenance are not passed at all.
    """
    passed = ("failure", "finished") if again else ("failure",)
    in_the_way = [hold.kind for hold in holds if hold.kind not in passed]
    never = [kind for kind in in_the_way if family(kind) in {"removed", "maintenance"}]
    if never:
        return Skip(f"hold {never[0]}", never[0])
    if in_the_way and not force:
        first = next((kind for kind in in_the_way if is_blocking(kind)), in_the_way[0])
        return Wait("paused") if first == "paused" else Skip(f"hold {first}", first)
    return Start(", ".join(f"hold {kind}" for kind in in_the_way))


def _automatic(holds: Sequence[Held]) -> Start | Skip | Wait:
    """A pause lets a start wait, and so does a clock that was put far back; every other hold drops it."""
    dropping = [hold.kind for hold in holds if hold.kind != "paused" and hold.owner != CLOCK_STEPPED]
    if dropping:
        return Skip(f"hold {dropping[0]}", dropping[0])
    if any(hold.kind == "paused" for hold in holds):
        return Wait("paused")
    return Wait("clock") if holds else Start()
