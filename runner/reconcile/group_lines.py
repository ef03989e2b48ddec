"""Which lines does a group get: its own, and what its switch does to its members?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from runner.declaration.declared import Declared
from runner.reconcile.heal import group_drift_or_heal
from runner.reconcile.object_lines import object_lines, split_enabled
from runner.reconcile.plan import Change, HoldEdit
from runner.reconcile.sides import Installed
from runner.reconcile.switches import GIT, decide_membership
from runner.reconcile.view import View, a_line
from runner.vocabulary.identity import Address


def group_lines(
    view: View, wanted: Declared, record: Installed | None, moved: Collection[Address]
) -> Iterator[Change]:
    """The lines of one declared group, once all jobs have been looked at; `moved` have another name now."""
    name = wanted.address.name
    lines = list(object_lines(view, wanted, record))
    edits = _by_address((*view.group_edits.pop(name, ()), *_elsewhere(view, name, moved)))
    if wanted.reconcile_disabled:
        edits = ()
    if edits:
        own = next((line for line in lines if line.writes), None)
        merged, beside = split_enabled(own)
        lines = [line for line in lines if line is not own]
        if beside is not None:
            lines.append(beside)
        lines.append(_switched(view, wanted, record, merged, edits))
    yield from lines
    by_operator = view.groups[name].by_operator
    if wanted.enabled is True and by_operator is not None:
        yield group_drift_or_heal(view, wanted, record, by_operator)


def stray_lines(view: View) -> Iterator[Change]:
    """The edits of groups that this tree does not declare: a line for each member."""
    for name in sorted(view.group_edits):
        for address in sorted({edit.address for edit in view.group_edits[name]}):
            edits = tuple(edit for edit in view.group_edits[name] if edit.address == address)
            wanted = view.declared.objects[address]
            record = view.installed.objects[address]
            action, reason = _meaning(name, edits)
            yield replace(a_line(action, wanted, record, reason), expects=wanted.digest, holds=edits)


def _by_address(edits: Sequence[HoldEdit]) -> tuple[HoldEdit, ...]:
    """Whatever the order of the files; the edits of one member stay in theirs."""
    return tuple(sorted(edits, key=lambda edit: edit.address))


def _elsewhere(view: View, name: str, moved: Collection[Address]) -> tuple[HoldEdit, ...]:
    """What the switch does to members that this tree does not declare, under this name or another."""
    edits: list[HoldEdit] = []
    if not view.groups[name].git_disabled and name not in view.held_groups:
        return ()
    for member in view.installed.members.get(name, ()):
        if member.address in moved:
            continue
        held = [hold for hold in view.held.get(member.uid, ()) if hold.kind == f"group:{name}"]
        found = decide_membership(
            member.address, member.uid, groups=[name], joined=[], held=held, switches=view.groups
        )
        edits += found.get(name, [])
    return tuple(edits)


def _switched(
    view: View,
    wanted: Declared,
    record: Installed | None,
    own: Change | None,
    edits: Sequence[HoldEdit],
) -> Change:
    action, reason = _meaning(wanted.address.name, edits)
    line = a_line(action, wanted, record, reason)
    if own is None:
        line = replace(line, expects=wanted.digest, before_digest=wanted.digest)
    members = sorted({edit.address for edit in edits})
    note = f"{len(members)} member{'' if len(members) == 1 else 's'}: {_listed(members)}"
    if action == "update":
        note += "; hold git becomes hold operator"
    return replace(
        line,
        fields=own.fields if own else (),
        holds=tuple(edits),
        writes=own is not None,
        protected=line.protected or any(_is_protected(view, member) for member in members),
        impact={"note": note, "members": [str(member) for member in members]},
    )


def _meaning(name: str, edits: Sequence[HoldEdit]) -> tuple[str, str]:
    if any(edit.verb == "add" and edit.owner == GIT for edit in edits):
        return "disable", f"Group/{name}: spec.enabled is false"
    if any(edit.verb == "add" for edit in edits):
        return "update", f"Group/{name}: spec.enabled is omitted; its members stay held by hold operator"
    return "enable", f"Group/{name}: spec.enabled is no longer false"


def _is_protected(view: View, member: Address) -> bool:
    wanted, record = view.declared.objects.get(member), view.installed.objects.get(member)
    return bool(wanted and wanted.protected) or bool(record and record.protected)


def _listed(members: Sequence[Address]) -> str:
    return ", ".join(member.name for member in members[:3]) + (", …" if len(members) > 3 else "")
