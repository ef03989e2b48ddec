"""A plan for the comment below a merge request."""

from __future__ import annotations

from collections.abc import Iterator

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

LONGEST = 60_000
"""Characters: comments on GitHub end at 65,536 and on GitLab at 1,000,000."""


def plan_markdown(plan: Plan, database: str, *, longest: int = LONGEST) -> str:
    """A heading, the fixed last line in bold, a table of changes, a table of fields, and what it means.

    When that is too long, details are left out and counted; the heading and the last line never are.
    """
    where = f"{code(database)} (serial {plan.serial})" if database else "(no database: all is new)"
    where = code(plan.against) or where
    head = [f"### Plan {code(heading_source(plan))} → {where}", ""]
    if plan.partial:
        head += ["*partial: removals not considered*", ""]
    end = [f"**{last_line(plan)}**", ""]
    room = longest - sum(len(line) + 1 for line in (*head, *end))
    body: list[str] = []
    left = 0
    for section in _sections(plan):
        kept, out = _fitting(section, room)
        room -= sum(len(line) + 1 for line in kept)
        body += kept
        left += out
    if left:
        body += [f"*… and {left} more line{'' if left == 1 else 's'}; `runner plan` shows all*", ""]
    return "\n".join([*head, *body, *end])


_CUT_SENTENCE = 120
"""Room for the line that says how much was left out."""


def _sections(plan: Plan) -> Iterator[tuple[list[str], list[str]]]:
    """(the rows that begin it, the rows that may be left out), each followed by an empty line."""
    changes = []
    for change in sorted(plan.changes, key=lambda each: not each.counts):
        mark, right = MARKS[change.action], cell(right_of(change))
        changes.append(f"| `{mark}` | {change.action} | {code(str(change.address))} | {right} |")
    yield ["| | action | object | |", "|---|---|---|---|"], changes
    fields = []
    for change in plan.changes:
        for each in shown_fields(change):
            before, now = code(shown(each.declared_before)), code(shown(each.declared_now))
            cells = (code(str(change.address)), code(each.path), before, now, cell(each.impact))
            fields.append("| " + " | ".join(cells) + " |")
    yield ["| object | field | before | now | |", "|---|---|---|---|---|"], fields
    remarks = [f"- {code(str(c.address))}: {cell(each)}" for c in plan.changes for each in remarks_of(c)]
    yield [], [*remarks, *(f"- {cell(each.strip())}" for each in outlook_lines(plan))]


def _fitting(section: tuple[list[str], list[str]], room: int) -> tuple[list[str], int]:
    """The lines of a section that fit, and how many do not."""
    begins, rows = section
    if not rows:
        return [], 0
    room -= sum(len(line) + 1 for line in begins) + _CUT_SENTENCE
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        kept.append(row)
    return ([*begins, *kept, ""] if kept else []), len(rows) - len(kept)


def cell(text: str) -> str:
    """Text that stays in its cell and is no markup."""
    text = printable(text).replace("\\", "\\\\")
    for character in "|`*_[]<":
        text = text.replace(character, "\\" + character)
    return text.replace("@", "@<!-- -->")  # nobody is mentioned by what someone else wrote


def code(text: str) -> str:
    """Text as code; a fence that no backtick inside can close, and no bar that ends the cell."""
    text = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in _runs_of_backticks(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _runs_of_backticks(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]
