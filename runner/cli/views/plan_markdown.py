"""A plan for the comment below a merge request."""

from __future__ import annotations

from runner.cli.views.plan_text import (
    MARKS,
    heading_source,
    last_line,
    outlook_lines,
    remarks_of,
    right_of,
    shown,
    shown_fields,
)
from runner.reconcile.plan import Plan
from runner.vocabulary.printable import printable


def plan_markdown(plan: Plan, database: str) -> str:
    """A heading, a table of changes, a table of fields, and the fixed last line in bold."""
    where = f"{_code(database)} (serial {plan.serial})" if database else "(no database: all is new)"
    lines = [f"### Plan {_code(heading_source(plan))} → {where}", ""]
    if plan.partial:
        lines += ["*partial: removals not considered*", ""]
    if plan.changes:
        lines += ["| | action | object | |", "|---|---|---|---|"]
        for change in plan.changes:
            mark, right = MARKS[change.action], _cell(right_of(change))
            lines.append(f"| `{mark}` | {change.action} | {_code(str(change.address))} | {right} |")
        lines.append("")
    fields = [(change, each) for change in plan.changes for each in shown_fields(change)]
    if fields:
        lines += ["| object | field | before | now | |", "|---|---|---|---|---|"]
        for change, each in fields:
            before, now = _code(shown(each.declared_before)), _code(shown(each.declared_now))
            cells = (_code(str(change.address)), _code(each.path), before, now, _cell(each.impact))
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    remarks = [(change, each) for change in plan.changes for each in remarks_of(change)]
    lines += [f"- {_code(str(change.address))}: {_cell(each)}" for change, each in remarks]
    lines += [f"- {_cell(each.strip())}" for each in outlook_lines(plan)]
    if remarks or outlook_lines(plan):
        lines.append("")
    return "\n".join([*lines, f"**{last_line(plan)}**", ""])


def _cell(text: str) -> str:
    """Text that stays in its cell and is no markup."""
    text = printable(text).replace("\\", "\\\\")
    for character in "|`*_[]<":
        text = text.replace(character, "\\" + character)
    return text.replace("@", "@<!-- -->")  # nobody is mentioned by what someone else wrote


def _code(text: str) -> str:
    """Text as code; a fence that no backtick inside can close, and no bar that ends the cell."""
    text = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in _runs_of_backticks(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _runs_of_backticks(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]
