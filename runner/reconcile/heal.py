"""What does `--heal` end? The holds of operators on what git enables, each by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runner.declaration.declared import Declared
from runner.reconcile.plan import Change, HoldEdit
from runner.reconcile.sides import Held, Installed
from runner.reconcile.switches import GIT, OPERATOR, held_by
from runner.reconcile.view import View, a_line
from runner.vocabulary.instants import to_text_or_none


def drift_or_heal(view: View, wanted: Declared, record: Installed | None, held: Sequence[Held]) -> Change:
    """The line about operators' holds on a job that git enables: left alone, or ended."""
    said = ", ".join(held_by(hold, view.now) for hold in held)
    impact = {"holds": [_told(hold) for hold in held]}
    if not view.heal:
        return replace(a_line("drift", wanted, record, f"{said}; left alone"), impact=impact)
    uid = record.uid if record else None
    edits = tuple(HoldEdit("clear", wanted.address, uid, hold.kind, hold.owner) for hold in held)
    line = _healing(wanted, record, said, edits)
    schedules = view.declared.documents[wanted.address].resolved.get("schedules") or ()
    disabled = any(hold.kind == OPERATOR for hold in held)  # what `disable` dropped is not caught up (J2)
    return replace(
        line, impact={**impact, **line.impact}, watermarks=tuple(sorted(schedules)) if disabled else ()
    )


def group_drift_or_heal(view: View, wanted: Declared, record: Installed | None, hold: Held) -> Change:
    """The same for a group, whose operator's hold is on each of its members too.

    What is renamed keeps its holds: they go along in this plan, and end in one of their own.
    """
    said = held_by(hold, view.now)
    if not view.heal or wanted.address.name in view.renamed_groups.values():
        return a_line("drift", wanted, record, f"{said}; left alone")
    kind = f"group:{wanted.address.name}"
    edits = [] if record is None else [HoldEdit("clear", wanted.address, record.uid, OPERATOR, hold.owner)]
    for address, member in sorted(view.installed.objects.items()):
        for each in view.held.get(member.uid, ()):
            if each.kind == kind and each.owner != GIT:
                edits.append(HoldEdit("clear", address, member.uid, kind, each.owner))
    return _healing(wanted, record, said, tuple(edits))


def _healing(wanted: Declared, record: Installed | None, said: str, edits: tuple[HoldEdit, ...]) -> Change:
    line = a_line("enable", wanted, record, f"--heal ends what an operator did: {said}")
    return replace(
        line,
        expects=wanted.digest,
        before_digest=wanted.digest,
        holds=edits,
        impact={"note": f"ends: {said}", "heals": True},
    )


def _told(hold: Held) -> dict[str, Any]:
    until = to_text_or_none(hold.until)
    return {"kind": hold.kind, "owner": hold.owner, "reason": hold.reason, "until": until}
