"""Does every value exist that a job asks of its targets? Checked with the inventory, and with its file.

A name that no target of the inventory has is misspelt. One that only some have is the run's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from runner.declaration.problem import Problem, listed
from runner.declaration.targets import NAME
from runner.loading.inventory import read_inventory
from runner.loading.snapshot import Held
from runner.vocabulary.names import nearest

Asking = tuple[int, Held]
"""The position of its file, and a job."""


def unknown_values(
    jobs: Iterable[Asking], inventories: Mapping[str, Asking], content_of: Callable[[int, Held], bytes | None]
) -> Iterator[tuple[int, int, Problem]]:
    """The position of the file, the number of the document and the problem, for each name that no target has.

    `inventories` are the Inventories of the tree by address; `content_of` gives the file that one names, or
    None when that cannot be read, which is told elsewhere.
    """
    names: dict[str, set[str] | None] = {}
    for at, job in jobs:
        address = next((each for each in job.facts["folds"] if each.startswith("Inventory/")), "")
        if address not in inventories:
            continue
        if address not in names:
            names[address] = _names_in(inventories[address], content_of)
        known = names[address]
        for name, path in job.facts["asksTargets"] if known else ():
            if known is not None and name not in known:
                yield at, job.number, _problem(name, tuple(path), known, address)


def _names_in(inventory: Asking, content_of: Callable[[int, Held], bytes | None]) -> set[str] | None:
    """All names that a target of it has; None when nothing can be said."""
    at, held = inventory
    if "columns" in held.facts:
        return set(held.facts["columns"]) or None
    reads: Mapping[str, Any] = held.facts.get("reads") or {}
    raw = content_of(at, held)
    if raw is None or reads.get("format") is None or len(reads.get("delimiter", ",")) != 1:
        return None
    read = read_inventory(
        raw, reads["format"], name_column=reads.get("nameColumn", NAME), delimiter=reads.get("delimiter", ",")
    )
    found = {name for values in read.targets.values() for name in values}
    return None if read.problems or not found else found


def _problem(name: str, path: tuple[Any, ...], known: set[str], address: str) -> Problem:
    close = nearest(name, known)
    return Problem(
        path,
        "unknown-name",
        "Unknown name",
        f"no target of {address} has '{name}'; known: {listed(sorted(known | {NAME}))}",
        f"did you mean 'target.{close}'?" if close else "",
    )
