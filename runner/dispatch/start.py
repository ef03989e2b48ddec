"""May this instance start now? One answer, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.lifecycle.holds import Held, family, is_blocking


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
    """Ask again later."""

    reason: str


def decide_start(
    holds: Sequence[Held],
    open_instances: Sequence[int],
    *,
    policy: str = "skip",
    limit: int | None = 1,
    origin: str = "slot",
    force: bool = False,
    begun: bool = False,
) -> Start | Skip | Wait:
    """What becomes of an instance that is due.

    `holds` are the active ones; `open_instances` the ids of the job's other open instances, oldest first.
    An instance that has `begun` (a retry, a resume after a crash) is in the open set already: it is not
    asked about overlap again, and a hold that came later lets it finish, unless that hold is `paused`.
    """
    if begun:
        return Wait("paused") if any(hold.kind == "paused" for hold in holds) else Start()
    forced: list[str] = []
    hold_answer = decide_manual(holds, force=force) if origin != "slot" else _automatic(holds)
    if not isinstance(hold_answer, Start):
        return hold_answer
    if hold_answer.forced:
        forced.append(hold_answer.forced)
    if policy == "allow" or limit is None or len(open_instances) < limit:
        return Start(", ".join(forced))
    if force:
        return Start(", ".join([*forced, f"overlap with instance {open_instances[0]}"]))
    if policy == "skip":
        return Skip("overlap", str(open_instances[0]))
    return Wait("overlap")


def decide_manual(holds: Sequence[Held], *, force: bool) -> Start | Skip | Wait:
    """Whether a start by hand passes the job's active holds (I2, J10, J12).

    A job that failed may be started without more ado. Any other hold needs `force`; a removed job and a
    maintenance are not passed at all.
    """
    in_the_way = [hold.kind for hold in holds if hold.kind != "failure"]
    never = [kind for kind in in_the_way if family(kind) in {"removed", "maintenance"}]
    if never:
        return Skip(f"hold {never[0]}", never[0])
    if in_the_way and not force:
        first = next((kind for kind in in_the_way if is_blocking(kind)), in_the_way[0])
        return Wait("paused") if first == "paused" else Skip(f"hold {first}", first)
    return Start(", ".join(f"hold {kind}" for kind in in_the_way))


def _automatic(holds: Sequence[Held]) -> Start | Skip | Wait:
    """A pause lets a start wait; every other hold drops it."""
    kinds = [hold.kind for hold in holds]
    dropping = [kind for kind in kinds if kind != "paused"]
    if dropping:
        return Skip(f"hold {dropping[0]}", dropping[0])
    return Wait("paused") if kinds else Start()
