"""Which ends of other jobs make a start together, and may the chain of starts go on?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

DEEPEST = 25
"""Jobs that start after one another; a longer chain is taken for a circle that no declaration shows."""


class End(NamedTuple):
    """An end that counts: the item, the job whose run ended, and the local date of its slot."""

    id: int
    job: str
    date: date | None


class Together(NamedTuple):
    """These ends make one start; `superseded` are earlier ends of the same jobs, which count with it."""

    ids: tuple[int, ...]
    superseded: tuple[int, ...]


def decide_together(ends: Sequence[End], jobs: Collection[str], *, same_date: bool) -> tuple[Together, ...]:
    """The starts that the ends (in the order in which they came) make.

    One start takes the latest end of each of `jobs`, and with `same_date` only ends of one date; no end is
    in two starts. With a single job each end is a start of its own. An end that cannot be dated is that of a
    date of its own.
    """
    if len(jobs) == 1:
        return tuple(Together((end.id,), ()) for end in ends if end.job in jobs)
    found: list[tuple[int, Together]] = []
    for together in _by_date(ends, same_date).values():
        latest: dict[str, End] = {}
        earlier: list[int] = []
        for end in together:
            if end.job not in jobs:
                continue
            if end.job in latest:
                earlier.append(latest[end.job].id)
            latest[end.job] = end
        if len(latest) == len(set(jobs)):
            ids = tuple(sorted(end.id for end in latest.values()))
            found.append((max(ids), Together(ids, tuple(sorted(earlier)))))
    return tuple(start for _, start in sorted(found))


def _by_date(ends: Sequence[End], same_date: bool) -> Mapping[object, list[End]]:
    found: dict[object, list[End]] = {}
    for end in ends:
        key: object = None
        if same_date:
            key = end.date if end.date is not None else end.id
        found.setdefault(key, []).append(end)
    return found


def decide_chain(job: str, upstream: str, chain: Sequence[str]) -> str | None:
    """Why a run of `job` may not follow one of `upstream` that itself followed `chain`; None when it may."""
    names = [*chain, upstream]
    if job in names:
        circle = " > ".join([*names[names.index(job) :], job])
        return f"cycle: {circle}"
    if len(names) >= DEEPEST:
        return f"depth: {len(names)} jobs started after one another, and {DEEPEST} are the most"
    return None
