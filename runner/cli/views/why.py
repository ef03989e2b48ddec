"""The answer to `jobs why` as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, local_time, short, show_json, show_line

if TYPE_CHECKING:
    from runner.operations.why import Answer
    from runner.schedules.slot import Slot

WORDS = {
    "ran": "ran",
    "running": "is running",
    "waiting": "waits",
    "paused": "is paused",
    "due": "is due",
    "merged": "merged into another start",
    "skipped": "skipped",
    "cancelled": "cancelled",
    "replaced": "replaced by another run",
    "held": "held",
    "daemon-down": "the daemon was down",
    "clock-stepped": "the clock was stepped",
    "suspended": "the machine slept",
    "stalled": "the daemon stood still",
    "not-a-slot": "not a slot",
    "other-schedule": "the schedule was different then",
    "not-installed": "not installed yet",
    "uninstalled": "not installed any more",
    "will-run": "will run",
    "will-not-run": "will not run",
    "unknown": "nothing is known",
}


def show_why(answers: Sequence[Answer], output: str) -> None:
    """One object; that of the second occurrence of a local time is `also` in it."""
    if output == "json":
        first, *more = map(_as_json, answers)
        show_json({**first, "also": more[0]} if more else first)
        return
    for position, answer in enumerate(answers):
        if position:
            print()
        _show(answer)


def _as_json(answer: Answer) -> dict[str, Any]:
    said = answer.said
    return {
        "job": answer.job,
        "at": instant(answer.at),
        "local": answer.local,
        "schedule": answer.schedule,
        "answer": said.answer,
        "text": list(said.text),
        "instance_id": said.instance_id,
        "rule": said.rule or None,
        "blocker": said.blocker or None,
        "before": _at(answer.before),
        "after": _at(answer.after),
        "marks": list(answer.marks),
    }


def _at(slot: Slot | None) -> str | None:
    return None if slot is None else instant(slot.at)


def _show(answer: Answer) -> None:
    day = f"{datetime.fromisoformat(answer.local):%a}"
    show_line(f"{answer.job}  {day} {local_time(answer.local)}  ({short(answer.at)})")
    show_line(f"{WORDS.get(answer.said.answer, answer.said.answer)}: {answer.said.text[0]}")
    for sentence in answer.said.text[1:]:
        show_line(f"  {sentence}")
    for word, slot in (("before", answer.before), ("after", answer.after)):
        if slot is not None:
            local = f"{datetime.fromisoformat(slot.local):%a} {local_time(slot.local)}"
            show_line(f"  the slot {word} it: {local}")
    if answer.said.instance_id is not None:
        show_line(f"  see: runner instances show {answer.said.instance_id}")
