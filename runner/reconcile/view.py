"""Both sides of a plan at one instant, and what follows from them once for all objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from runner.declaration.declared import Declared, Document
from runner.reconcile.plan import Change, HoldEdit
from runner.reconcile.sides import DeclaredSide, Held, Installed, InstalledSide, holds_now
from runner.reconcile.switches import GIT, OPERATOR, GroupSwitch
from runner.vocabulary.identity import Address

_NO_DOCUMENT = Document({}, {}, {})


@dataclass(frozen=True, slots=True)
class View:
    """What every line of a plan is decided from.

    `held` has the holds that are active, by uid. `busy_groups` are disabled by somebody, `held_groups` have a
    member with their hold, `renamed_groups` have another name in the tree. `group_edits` collects, while the
    jobs are looked at, what the switch of their group does to them.
    """

    declared: DeclaredSide
    installed: InstalledSide
    now: datetime
    held: Mapping[str, Sequence[Held]]
    groups: Mapping[str, GroupSwitch]
    busy_groups: frozenset[str]
    held_groups: frozenset[str]
    renamed_groups: Mapping[str, str]
    group_edits: dict[str, list[HoldEdit]] = field(default_factory=dict)
    heal: bool = False
    """Whether operators' holds on what git enables are ended."""

    def was(self, record: Installed | None) -> Document:
        """The whole of an installed object; empty when there is none."""
        return self.installed.documents.get(record.address, _NO_DOCUMENT) if record else _NO_DOCUMENT


def view_of(declared: DeclaredSide, installed: InstalledSide, now: datetime, *, heal: bool = False) -> View:
    """The view at `now`."""
    held = {uid: active for uid, each in installed.holds.items() if (active := holds_now(each, now))}
    records = {address.name: r for address, r in installed.objects.items() if address.kind == "Group"}
    by_operators = _holds_by_operators(held, {record.uid: name for name, record in records.items()})
    renamed = _renamed_groups(declared, records)
    by_operators |= {now: by_operators[was] for was, now in renamed.items() if was in by_operators}
    groups = {}
    for name in records.keys() | {a.name for a in declared.objects if a.kind == "Group"}:
        wanted, record = declared.objects.get(Address("Group", name)), records.get(name)
        if wanted is not None and not (wanted.reconcile_disabled and record is not None):
            enabled = wanted.enabled
        else:
            enabled = record.enabled if record is not None else None
        groups[name] = GroupSwitch(enabled is False, enabled is None, by_operators.get(name))
    busy = frozenset(name for name, group in groups.items() if group.git_disabled or group.by_operator)
    kinds = {hold.kind for holds in held.values() for hold in holds if hold.kind.startswith("group:")}
    held_groups = frozenset(kind.removeprefix("group:") for kind in kinds)
    return View(declared, installed, now, held, groups, busy, held_groups, renamed, heal=heal)


def _renamed_groups(declared: DeclaredSide, records: Mapping[str, Installed]) -> dict[str, str]:
    """By the name that is installed: what a group is called in this tree."""
    moves = {
        origin.name: address.name
        for address, wanted in declared.objects.items()
        if address.kind == "Group" and address.name not in records
        if (origin := origin_of(wanted)) is not None and origin not in declared.objects
    }
    return {} if declared.partial else {was: now for was, now in moves.items() if was in records}


def groups_of(job: Declared) -> list[str]:
    """The names of the groups that a job is a member of."""
    return [name.removeprefix("Group/") for name in job.references if name.startswith("Group/")]


def origin_of(wanted: Declared) -> Address | None:
    """The address that `jobs.runner/moved-from` names."""
    return Address(wanted.address.kind, wanted.moved_from) if wanted.moved_from else None


def a_line(action: str, wanted: Declared, record: Installed | None, reason: str) -> Change:
    """A line about one object, which does nothing yet."""
    return Change(
        action,
        wanted.address,
        reason,
        wanted.place,
        uid=record.uid if record else None,
        expects=record.digest if record else None,
        before_digest=record.digest if record else None,
        after_digest=wanted.digest,
        protected=wanted.protected or bool(record and record.protected),
    )


def _holds_by_operators(
    held: Mapping[str, Sequence[Held]], group_names: Mapping[str, str]
) -> dict[str, Held]:
    """By group name: the operator's hold on the group itself, else one seen on a member."""
    found: dict[str, Held] = {}
    for uid, holds in held.items():
        for hold in holds:
            if uid in group_names and hold.kind == OPERATOR:
                found[group_names[uid]] = hold
            elif hold.kind.startswith("group:") and hold.owner != GIT:
                found.setdefault(hold.kind.removeprefix("group:"), hold)
    return found
