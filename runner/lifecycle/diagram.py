"""The lifecycle's tables and diagrams as a page of the docs: `python -m runner.lifecycle.diagram`."""

from __future__ import annotations

import sys

from runner.lifecycle.instance import INSTANCE, LIVE, OPEN_STATES
from runner.lifecycle.job import JOB
from runner.lifecycle.machine import Move, Table
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK

_INTRODUCTION = """\
# Lifecycle

Four state machines: job, instance (one execution of a job), task (one target of an instance) and step.
This page is written by `python -m runner.lifecycle.diagram` from the tables that the program itself uses.

Who may cause a move: S the system, O an operator, T the time. Every move is one guarded write with an event
beside it, so the row number below is what `runner instances show` and the table `events` name."""


def page() -> str:
    """The whole page, as Markdown with Mermaid diagrams."""
    sections = [_INTRODUCTION]
    for title, table, note in (
        (
            "Job",
            JOB,
            "A job's status is derived from its holds and its live instances; nobody stores it. "
            "J3, J4 and J6 follow from a move of an instance, which has the event; the others have one.",
        ),
        (
            "Instance",
            INSTANCE,
            f"Live (the job is RUNNING): {_words(LIVE)}. Open (counts for overlap): {_words(OPEN_STATES)}, "
            "and SCHEDULED once it has begun.",
        ),
        ("Task", TASK, "A job without an inventory has one task; its target is `-`."),
        ("Step", STEP, "A step's state follows from its timestamps."),
    ):
        end = f" Final: {_words(table.terminal)}." if table.terminal else ""
        sections.append(f"## {title}\n\n{note}{end}\n\n{mermaid(table)}\n\n{markdown(table)}")
    return "\n\n".join(sections) + "\n"


def mermaid(table: Table) -> str:
    """A state diagram: one arrow for each pair of states, with its events and rows."""
    arrows: dict[tuple[str, str], list[Move]] = {}
    for move in table.moves:
        arrows.setdefault((move.before, move.after), []).append(move)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {table.initial}"]
    for (before, after), moves in arrows.items():
        label = ", ".join(f"{' or '.join(table.events_of(move))} ({move.row})" for move in moves)
        lines.append(f"    {before} --> {after}: {label}")
    lines += [f"    {state} --> [*]" for state in sorted(table.terminal)]
    return "\n".join([*lines, "```"])


def markdown(table: Table) -> str:
    """The table itself."""
    lines = ["| # | from | to | event | who | when | only if | effect |", "|---|---|---|---|---|---|---|---|"]
    for move in table.moves:
        events = ", ".join(f"`{event}`" for event in table.events_of(move))
        cells = [move.row, move.before, move.after, events, move.who, move.trigger, move.guard, move.effect]
        lines.append("| " + " | ".join(cell or "-" for cell in cells) + " |")
    return "\n".join(lines)


def _words(states: frozenset[str]) -> str:
    return ", ".join(sorted(states))


if __name__ == "__main__":
    sys.stdout.write(page())
