"""What must change so that what is installed becomes what is declared?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from runner.declaration.declared import Declared
from runner.reconcile.group_lines import group_lines, stray_lines
from runner.reconcile.object_lines import object_lines
from runner.reconcile.plan import Change, Plan, Relocation, in_plan_order
from runner.reconcile.removals import removals
from runner.reconcile.sides import RELEASED, DeclaredSide, Installed, InstalledSide
from runner.reconcile.view import View, a_line, groups_of, origin_of, view_of
from runner.vocabulary.diagnostic import Diagnostic, in_order
from runner.vocabulary.errors import InvalidDeclarations
from runner.vocabulary.identity import Address


def make_plan(declared: DeclaredSide, installed: InstalledSide, now: datetime, *, heal: bool = False) -> Plan:
    """The plan that makes the installed side what the declared side says.

    Neither the order of the mappings nor `now` decides what is done; `now` is for forecasts, and for holds
    that have ended by themselves. With `heal` the holds of operators on what git enables are ended. Raises
    InvalidDeclarations when an object belongs to another source.
    """
    view = view_of(declared, installed, now, heal=heal)
    changes: list[Change] = []
    relocations: list[Relocation] = []
    foreign: list[Diagnostic] = []
    groups: list[tuple[Declared, Installed | None]] = []
    unchanged = 0
    for address, wanted in declared.objects.items():
        record = installed.objects.get(address)
        if record is not None:
            if record.source == RELEASED:
                changes.append(_released(wanted, record))
                continue
            if record.source != declared.source and _is_foreign(declared, wanted, record):
                foreign.append(_foreign(declared.source, wanted, address, record))
                continue
            if record.digest == wanted.digest and (record.file, record.line) != wanted.place:
                relocations.append(Relocation(address, record.uid, wanted.place))
            if address.kind != "Group" and _is_settled(view, wanted, record):
                unchanged += 1
                continue
        elif (problem := _foreign_origin(declared, installed.objects, wanted)) is not None:
            foreign.append(problem)
            continue
        if address.kind == "Group":
            groups.append((wanted, record))
            continue
        lines = list(object_lines(view, wanted, record))
        changes += lines
        unchanged += record is not None and not any(line.counts for line in lines)
    if foreign:
        raise InvalidDeclarations(in_order(foreign))
    moved = {change.moved_from for change in changes if change.moved_from}
    for wanted, record in groups:
        lines = list(group_lines(view, wanted, record, moved))
        changes += lines
        unchanged += record is not None and not any(line.counts for line in lines)
    changes += stray_lines(view)
    if not declared.partial:
        changes += removals(view, {change.moved_from for change in changes if change.moved_from})
    return Plan(
        source=declared.source,
        changes=in_plan_order(changes),
        unchanged=unchanged,
        partial=declared.partial,
        installed=sum(record.source == declared.source for record in installed.objects.values()),
        lineage=installed.lineage,
        serial=installed.serial,
        tree_digest=declared.digest,
        commit=declared.commit,
        branch=declared.branch,
        dirty=declared.dirty,
        relocations=tuple(sorted(relocations, key=lambda each: each.address)),
    )


def _released(wanted: Declared, record: Installed) -> Change:
    """It is declared, and was released: nobody takes it over by the way."""
    reason = f"declared, and left alone: it was released; `runner adopt {wanted.address}` takes it over"
    return replace(a_line("note", wanted, record, reason), impact={"left_alone": True})


def _is_settled(view: View, wanted: Declared, record: Installed) -> bool:
    """Whether a glance tells that nothing is to be done or said: the way of ten thousand objects."""
    if record.digest != wanted.digest or record.prune_disabled != wanted.prune_disabled:
        return False
    if wanted.address.kind != "Job":
        return True
    if wanted.enabled is False or record.uid in view.held:
        return False
    return not view.busy_groups or view.busy_groups.isdisjoint(groups_of(wanted))


def _is_foreign(declared: DeclaredSide, wanted: Declared, record: Installed) -> bool:
    """A plan of a part of a source, or of a stream, may name what sources around or below it installed."""
    if not declared.partial:
        return True
    return not (_is_inside(wanted.place.file, record.source) or _is_inside(record.source, declared.source))


def _is_inside(path: str, folder: str) -> bool:
    return folder in ("", ".") or path == folder or path.startswith(folder.rstrip("/") + "/")


def _foreign_origin(
    declared: DeclaredSide, installed: Mapping[Address, Installed], wanted: Declared
) -> Diagnostic | None:
    origin = origin_of(wanted)
    record = installed.get(origin) if origin is not None else None
    if origin is None or record is None or record.source == declared.source:
        return None
    return (
        _foreign(declared.source, wanted, origin, record) if _is_foreign(declared, wanted, record) else None
    )


def _foreign(source: str, wanted: Declared, address: Address, record: Installed) -> Diagnostic:
    by = "" if source == "jobs.d" else f" {source}"
    return Diagnostic(
        wanted.place.file,
        wanted.place.line,
        1,
        "error",
        "other-source",
        "Declared by another source",
        f"{address} was installed from {record.source} ({record.file}:{record.line})",
        f"remove it there first, choose another name here, or take it over with `runner adopt {address}{by}`",
    )
