"""Which part of a plan did somebody agree to? What they did not see is left alone, and what needs it too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from runner.declaration.declared import Declared
from runner.reconcile.plan import Change, Plan, in_plan_order
from runner.vocabulary.identity import Address

NOT_REVIEWED = "not in the reviewed plan"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody agreed to: single changes by their digests (with what each did), or a plan as a whole.

    None of a kind: nothing was agreed in that way, and it is not asked for.
    """

    changes: Mapping[str, tuple[str, str]] | None = None
    """digest → (action, address)."""
    whole: str | None = None
    reviewed: str = ""
    """Where the reviewed plan stands."""

    @property
    def said(self) -> str:
        """How it was agreed to, for the record of an apply."""
        changes = f"reviewed in {self.reviewed or 'a plan'}" if self.changes is not None else ""
        return "; ".join(part for part in (changes, self.whole and f"plan {self.whole}") if part)


class InstalledObjects(Protocol):
    """What is installed, asked only about what is left out."""

    def has(self, address: Address) -> bool: ...
    def references(self, address: Address) -> Collection[str]:
        """The addresses that an installed object refers to; none when it is not installed."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A change that is not carried out."""

    change: Change
    why: str


@dataclass(frozen=True, slots=True)
class Subset:
    """A plan that does a part of another one; the rest stands in it as notes."""

    plan: Plan
    left: tuple[LeftOut, ...] = field(default=())


def only_agreed(
    plan: Plan,
    agreed: Mapping[str, tuple[str, str]],
    declared: Mapping[Address, Declared],
    installed: InstalledObjects,
) -> Subset:
    """The changes whose digest was agreed to, and that need nothing which was not."""
    reviewed = set(agreed.values())
    left: dict[int, str] = {}
    for position, change in enumerate(plan.changes):
        if change.counts and change.digest not in agreed:
            known = (change.action, str(change.address)) in reviewed
            left[position] = "reviewed from or to another content" if known else NOT_REVIEWED
    return closed(plan, left, declared, installed)


def closed(
    plan: Plan, left: Mapping[int, str], declared: Mapping[Address, Declared], installed: InstalledObjects
) -> Subset:
    """The plan without `left` (position → why), and without what would refer to nothing then.

    Changes are left out until nothing that stays needs one that went.
    """
    out = dict(left)
    while more := _needing(plan, out, declared, installed):
        out |= more
    if not out:
        return Subset(plan)
    kept = [change for position, change in enumerate(plan.changes) if position not in out]
    parts = tuple(LeftOut(plan.changes[position], out[position]) for position in sorted(out))
    notes = [_note(part) for part in parts]
    return Subset(replace(plan, changes=in_plan_order([*kept, *notes]), tree_digest=""), parts)


def _needing(
    plan: Plan, out: Mapping[int, str], declared: Mapping[Address, Declared], installed: InstalledObjects
) -> dict[int, str]:
    """What cannot stay because of what went, and why."""
    gone = [plan.changes[position] for position in out]
    written = {change.address for change in gone if change.writes}
    absent = {str(address) for address in written if not installed.has(address)}
    still_there = {change.moved_from or change.address for change in gone}
    needed = {ref: address for address in still_there for ref in installed.references(address)}
    found: dict[int, str] = {}
    for position, change in enumerate(plan.changes):
        if position in out or not change.counts:
            continue
        goes = change.address if change.action == "uninstall" else change.moved_from
        if change.address in written:
            found[position] = "its declaration is left out"
        elif goes is not None and str(goes) in needed:
            found[position] = f"{needed[str(goes)]}, which is left out, still refers to it"
        elif change.writes and change.address in declared:
            missing = sorted(absent.intersection(declared[change.address].references))
            if missing:
                found[position] = f"needs {missing[0]}, which is left out"
    return found


def _note(part: LeftOut) -> Change:
    change, why = part.change, part.why
    return Change(
        "note",
        change.address,
        f"{change.action} left out: {why}",
        change.place,
        uid=change.uid,
        before_digest=change.before_digest,
        after_digest=change.after_digest,
        protected=change.protected,
        impact={
            "left_alone": True,
            "left_out": {"action": change.action, "digest": change.digest, "why": why},
        },
    )


def left_out(plan: Plan) -> list[dict[str, str]]:
    """What a plan leaves alone because nobody agreed to it."""
    notes = [change for change in plan.changes if "left_out" in change.impact]
    return [{"address": str(change.address), **change.impact["left_out"]} for change in notes]
