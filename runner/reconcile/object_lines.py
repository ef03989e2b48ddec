"""Which lines does one declared object get?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from runner.declaration.declared import Declared, Document
from runner.reconcile.difference import field_differences
from runner.reconcile.forecast import forecast
from runner.reconcile.heal import drift_or_heal
from runner.reconcile.next_start import AT_ONCE, end_of, in_words, next_start, triggers_of
from runner.reconcile.plan import Change, HoldEdit
from runner.reconcile.sides import Held, Installed
from runner.reconcile.switches import (
    OPERATOR,
    Switch,
    decide_membership,
    decide_switch,
    kinds_after,
    still_held,
)
from runner.reconcile.view import View, a_line, groups_of, origin_of
from runner.vocabulary.instants import to_text

ENABLED = "spec.enabled"


def object_lines(view: View, wanted: Declared, record: Installed | None) -> Iterator[Change]:
    """The lines of one object, in no order; none when nothing is to be done or said.

    What the switch of a group does to its members is left in `view.group_edits`.
    """
    if wanted.reconcile_disabled:
        if record is None or record.digest != wanted.digest:
            what = "not installed" if record is None else "differs; left alone"
            line = a_line("note", wanted, record, f"{what}: jobs.runner/reconcile is disabled")
            yield replace(line, impact={"left_alone": True})
        return
    if record is None and (origin := origin_of(wanted)) is not None:
        before = view.installed.objects.get(origin)
        if before is not None and origin not in view.declared.objects:
            if view.declared.partial:
                reason = f"not moved from {origin}: only a plan of the whole source moves"
                yield a_line("note", wanted, None, reason)
                return
            change = _written(view, wanted, before, "move", f"moved from {origin}")
            yield from _job_lines(view, wanted, before, replace(change, moved_from=origin))
            return
    yield from _job_lines(view, wanted, record, own_change(view, wanted, record))


def own_change(view: View, wanted: Declared, record: Installed | None) -> Change | None:
    """The install or update of one object, or None."""
    if record is None:
        return replace(a_line("install", wanted, None, "declared, not installed"), writes=True)
    if record.digest == wanted.digest and record.prune_disabled == wanted.prune_disabled:
        return None
    return _written(view, wanted, record, "update", "the declaration changed")


def split_enabled(change: Change | None) -> tuple[Change | None, Change | None]:
    """(the update that the switch's own line writes, the line that stays beside it).

    A change of `enabled` alone is told once: by the line that enables or disables.
    """
    if change is None or change.action == "install":
        return None, change
    fields = tuple(each for each in change.fields if each.path != ENABLED)
    if not fields and change.fields and change.action == "update":
        return change, None
    return None, replace(change, fields=fields)


def _written(view: View, wanted: Declared, record: Installed, action: str, reason: str) -> Change:
    was, document = view.was(record), view.declared.documents[wanted.address]
    fields = field_differences(was, document)
    seen = forecast(was.resolved, document.resolved, view.installed.durations.get(record.uid, ()), view.now)
    ended = tuple(
        HoldEdit("clear", wanted.address, record.uid, hold.kind, hold.owner)
        for hold in view.held.get(record.uid, ())
        if hold.kind in seen.ended_holds
    )
    line = a_line(action, wanted, record, reason)
    told = seen.told_with(fields)
    return replace(line, fields=told, holds=ended, watermarks=seen.rescheduled, writes=True)


def _job_lines(
    view: View, wanted: Declared, record: Installed | None, change: Change | None
) -> Iterator[Change]:
    """The object's own change, and for a job what `enabled` and its groups make of it."""
    if wanted.address.kind != "Job":
        if change is not None:
            yield change
        return
    uid, is_new = (record.uid if record else None), record is None
    held = view.held.get(uid, ()) if uid else ()
    joining = _memberships(view, wanted, record, held, change)
    if joining and change is None:
        change = a_line("update", wanted, record, "its groups changed")
    if change is not None:
        change = replace(change, holds=change.holds + joining)
    switch = decide_switch(wanted, uid, held, is_new=is_new)
    edits = (change.holds if change else ()) + switch.edits
    after = kinds_after(held, edits, is_new=is_new)
    if switch.action == "disable" and is_new and change is not None:
        yield replace(change, holds=edits)
        yield a_line("note", wanted, record, "stays DISABLED: spec.enabled is false")
    elif switch.action == "update":
        yield _with_edits(wanted, record, change, switch)
    elif switch.action is not None:
        own, beside = split_enabled(change)
        if beside is not None:
            yield beside
        yield _switched(view, wanted, record, switch=switch, own=own, after=after)
    elif change is not None:
        yield change
    if wanted.enabled is None and "new" in after:
        yield a_line("note", wanted, record, "stays DISABLED: spec.enabled is omitted")
    drifted = [hold for hold in held if hold.kind in (OPERATOR, "paused")] if wanted.enabled else []
    if drifted:
        yield drift_or_heal(view, wanted, record, drifted)


def _memberships(
    view: View, wanted: Declared, record: Installed | None, held: Sequence[Held], change: Change | None
) -> tuple[HoldEdit, ...]:
    """The `group:` edits of joining and leaving; those of a group's switch go to `view.group_edits`."""
    groups = groups_of(wanted)
    if view.busy_groups.isdisjoint(groups) and not any(hold.kind.startswith("group:") for hold in held):
        return ()
    joined: list[str] = []
    if change is not None:
        before = view.was(record).resolved.get("groups") or ()
        joined = [group for group in groups if group not in before]
    by_group = decide_membership(
        wanted.address,
        record.uid if record else None,
        groups=groups,
        joined=joined,
        held=held,
        switches=view.groups,
        renamed=view.renamed_groups,
    )
    own: list[HoldEdit] = []
    for group, edits in sorted(by_group.items()):
        if group in joined or group not in groups:
            own += edits
        else:
            view.group_edits.setdefault(group, []).extend(edits)
    return tuple(own)


def _with_edits(wanted: Declared, record: Installed | None, change: Change | None, switch: Switch) -> Change:
    """An update that also edits holds, so that nothing starts by surprise."""
    line = change or a_line("update", wanted, record, switch.reason)
    fields = [replace(each, impact=switch.reason) if each.path == ENABLED else each for each in line.fields]
    return replace(
        line, fields=tuple(fields), holds=line.holds + switch.edits, impact={"note": switch.reason}
    )


def _switched(
    view: View,
    wanted: Declared,
    record: Installed | None,
    *,
    switch: Switch,
    own: Change | None,
    after: set[str],
) -> Change:
    """The line that enables or disables; with `own`, it writes the record too."""
    line = a_line(switch.action or "", wanted, record, switch.reason)
    if own is None:  # carried out after the object's own line
        line = replace(line, expects=wanted.digest, before_digest=wanted.digest)
    else:
        line = replace(line, fields=own.fields, holds=own.holds, watermarks=own.watermarks, writes=True)
    line = replace(line, holds=line.holds + switch.edits)
    if switch.action != "enable":
        return line
    document = view.declared.documents[wanted.address]
    schedules = tuple(sorted(document.resolved.get("schedules") or ()))
    return replace(line, watermarks=schedules, impact=_start(view, document, after))


def _start(view: View, document: Document, after: set[str]) -> dict[str, Any]:
    if held := still_held(after):
        return {"note": held}
    start = next_start(document.resolved, view.now)
    if start is not None:
        words = in_words(start, view.now)
        note = "starts at once" if words == AT_ONCE else f"next start {words} {start.zone}"
        return {"note": note, "next_start": to_text(start.at), "zone": start.zone}
    ends_at = end_of(document.resolved)
    if ends_at is not None and ends_at <= view.now:
        text = f"validUntil {document.resolved['validUntil']} has passed: it never starts by itself"
        return {"note": text}
    if triggers := triggers_of(document.resolved):
        return {"note": f"started by {', '.join(triggers)}"}
    manual = document.resolved.get("mode") == "manual" or not document.resolved.get("schedules")
    return {"note": "started by hand only" if manual else "no start to come"}
