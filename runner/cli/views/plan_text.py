"""A plan for people: one line per change, changed fields below it, deletes last, a fixed last line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from runner.reconcile.plan import COUNTED, Change, FieldChange, Plan
from runner.vocabulary.printable import printable

MARKS = {
    "install": "+",
    "enable": ">",
    "update": "~",
    "move": "=",
    "disable": "<",
    "note": "i",
    "drift": "!",
    "uninstall": "-",
}
_COLOURS = {
    "install": "32",
    "enable": "36",
    "update": "33",
    "move": "36",
    "disable": "35",
    "note": "2",
    "drift": "33;1",
    "uninstall": "31",
}
_GAP = 4  # before the column on the right
_WIDEST = 76  # a longer line does not push that column to the right
_LONGEST_VALUE = 48
_PILE_UPS = 5
_REMARK = "remark"
_PLAIN = re.compile(r"[\w.:/@%+()~-]+")


@dataclass(frozen=True, slots=True)
class _Row:
    left: str
    right: str = ""
    action: str = ""  # of the row that names a change, for its colour; or a remark below one


def plan_text(plan: Plan, database: str, *, colour: bool = False) -> str:
    """The whole plan as text; `database` is how its place is shown, empty when there is none."""
    lines = [_heading(plan, database)]
    if plan.partial:
        lines.append("      partial: removals not considered")
    if plan.changes:
        lines += ["", *_aligned(_rows(plan), colour)]
    if ahead := outlook_lines(plan):
        lines += ["", *(f"  {line}" for line in ahead)]
    return "\n".join([*lines, "", last_line(plan), ""])


def last_line(plan: Plan) -> str:
    """The fixed last line: what would be done, in one sentence."""
    if plan.is_empty:
        return "No changes."
    counts = ", ".join(f"{plan.count(action)} to {action}" for action in COUNTED)
    return f"Plan: {counts}; {plan.unchanged} unchanged."


def summary_of(plan: Plan) -> str:
    """`1 install, 2 enable`: what was done, without the zeros."""
    return ", ".join(f"{plan.count(action)} {action}" for action in COUNTED if plan.count(action))


def right_of(change: Change) -> str:
    """What stands beside a change: its place, the next start, what becomes of its runs."""
    note = str(change.impact.get("note", ""))
    match change.action:
        case "install":
            return str(change.place or "")
        case "update":
            told = any(note and note == each.impact for each in change.fields)
            place = str(change.place or "")
            return place if told or not note else f"{place}  {note}" if change.writes else note
        case "move":
            return f"from {change.moved_from}  {change.place or ''}".rstrip()
        case "note" | "drift":
            return change.reason
        case _:
            return note


def shown(value: Any) -> str:
    """A value as an author would write it, on one line, short."""
    if value is None:
        return "(omitted)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    text = printable(text)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def shown_fields(change: Change) -> tuple[FieldChange, ...]:
    """The fields that say more than the line above them does."""
    if change.action in ("enable", "disable"):
        return tuple(each for each in change.fields if each.path != "spec.enabled")
    return change.fields


def heading_source(plan: Plan) -> str:
    """`jobs.d @ 4f2c9e1 (main)`; a `+` after the commit means: with changes that are not committed."""
    commit = ""
    if plan.commit:
        branch = f" ({plan.branch})" if plan.branch else ""
        commit = f" @ {plan.commit[:7]}{'+' if plan.dirty else ''}{branch}"
    return printable(f"{plan.source}{commit}")


def remarks_of(change: Change) -> tuple[str, ...]:
    """What a change means for starts to come and for runs, in sentences."""
    return tuple(printable(str(each)) for each in change.impact.get("remarks") or ())


def outlook_lines(plan: Plan) -> list[str]:
    """What the plan as a whole leads to: remarks, and instants at which too much is due at once."""
    lines = [printable(each) for each in plan.remarks]
    if plan.pile_ups:
        may_run = plan.pile_ups[0].parallel
        lines.append(f"New pile-ups in the next 7 days ({may_run} may run at the same time):")
    for each in plan.pile_ups[:_PILE_UPS]:
        names = ", ".join(str(address) for address in each.gained[:3]) + ", …" * (len(each.gained) > 3)
        at = f"{each.at:%a %Y-%m-%d %H:%M} UTC"
        lines.append(f"    {at}  {each.after} starts, {each.before} before: {names}")
    if len(plan.pile_ups) > _PILE_UPS:
        lines.append(f"    and {len(plan.pile_ups) - _PILE_UPS} more")
    return lines


def _heading(plan: Plan, database: str) -> str:
    where = f"{printable(database)} (serial {plan.serial})" if database else "(no database: all is new)"
    where = printable(plan.against) or where
    return f"Plan  {heading_source(plan)}  ->  {where}"


def _rows(plan: Plan) -> list[_Row]:
    fields = [each for change in plan.changes for each in shown_fields(change)]
    path_width = min(max((len(each.path) for each in fields), default=0), 40) + 3
    said = [change for change in plan.changes if not change.counts]
    said_width = max((len(str(change.address)) for change in said), default=0) + 2
    rows = []
    for change in plan.changes:
        left = f"  {MARKS[change.action]} {change.action:<10} {change.address}"
        if change.counts:
            rows.append(_Row(left, printable(right_of(change)), change.action))
        else:
            padding = " " * (said_width - len(str(change.address)))
            rows.append(_Row(left + padding + printable(right_of(change)), "", change.action))
        for each in shown_fields(change):
            before, now = shown(each.declared_before), shown(each.declared_now)
            path = f"{printable(each.path)}  ".ljust(path_width)
            rows.append(_Row(f"      {path}{before} -> {now}", printable(each.impact)))
        rows += [_Row(f"      {remark}", "", _REMARK) for remark in remarks_of(change)]
    return rows


def _aligned(rows: list[_Row], colour: bool) -> list[str]:
    lefts = [len(row.left) for row in rows if (row.right or row.action in COUNTED or not row.action)]
    column = max((length for length in lefts if length <= _WIDEST), default=0) + _GAP
    lines = []
    for row in rows:
        line = row.left
        if row.right:
            line = row.left.ljust(column) if len(row.left) + 2 <= column else f"{row.left}  "
            line += row.right
        if colour and row.action in _COLOURS:
            start, end = f"\x1b[{_COLOURS[row.action]}m", "\x1b[0m"
            line = f"  {start}{line[2:14]}{end}{line[14:]}"
        lines.append(line)
    return lines
