"""Are the locks and the places in groups free that an instance needs, and is it its turn to take them?

All or nothing: an instance takes everything that it needs in one transaction, so that nobody waits for a
lock while holding another, and no two can wait for each other. First due, first served: what an instance
waits for is kept free for it, even when another one could use it meanwhile, so that nobody starves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from runner.dispatch.start import Wait

GROUP = "group:"
"""Before the name of a group, where places are named together with locks."""


class Need(NamedTuple):
    """A lock (`warehouse`) or a place in a group (`group:nightly`), which so many may have at once."""

    name: str
    limit: int | None = 1


class Taker(NamedTuple):
    """An instance that has these, or waits for them."""

    id: int
    names: tuple[str, ...]


def needed(locks: Iterable[str], groups: Iterable[tuple[str, int | None]]) -> tuple[Need, ...]:
    """What a job's run takes. A group without a limit counts too: it may get one while the run goes on."""
    return (*map(Need, locks), *(Need(GROUP + name, limit) for name, limit in groups))


def decide_places(needs: Sequence[Need], holders: Sequence[Taker], ahead: Sequence[Taker]) -> Wait | None:
    """None when everything is free; else for what to wait, and for whom.

    `holders` are the live instances, `ahead` those that wait for places and fell due earlier. With `force` on
    a start nothing here changes: a lock is kept by everybody.
    """
    for need in needs:
        if need.limit is None:
            continue
        having = [taker.id for taker in holders if need.name in taker.names]
        if len(having) >= need.limit:
            return Wait(place_named(need.name), str(having[0]), for_places=True)
        earlier = [taker.id for taker in ahead if need.name in taker.names]
        if len(having) + len(earlier) >= need.limit:
            return Wait(f"turn at {place_named(need.name)}", str(earlier[0]), for_places=True)
    return None


def place_named(name: str) -> str:
    """`lock warehouse` or `group nightly`."""
    return f"group {name.removeprefix(GROUP)}" if name.startswith(GROUP) else f"lock {name}"
