"""A backfill as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.views.values import instant, local_time, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from runner.operations.backfill import Backfill


def show_backfill(done: Backfill, output: str) -> None:
    """Each slot, with its instance or why it is left out; how many there are goes to stderr."""
    if output == "json":
        show_json(
            [
                {
                    "slot": each.slot.key,
                    "at": instant(each.slot.at),
                    "local": each.slot.local,
                    "instance_id": each.instance_id,
                    "left_out": each.left_out or None,
                }
                for each in done.slots
            ]
        )
        return
    if not done.slots:
        show_line(f"{done.job}: no slot in that time")
        return
    would = "would start" if done.dry_run else ""
    show_table(
        ("SLOT", "RUN", "LEFT OUT"),
        [
            (
                local_time(each.slot.local),
                str(each.instance_id or ("-" if each.left_out else would or "-")),
                each.left_out or "-",
            )
            for each in done.slots
        ],
    )
    starts, left = len(done.starts), len(done.slots) - len(done.starts)
    word = "would be recorded" if done.dry_run else "recorded"
    warn(f"{done.job}: {starts} {'start' if starts == 1 else 'starts'} {word}, {left} left out")
