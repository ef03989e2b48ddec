"""What was uninstalled and can be brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.cli.views.values import show_json, show_line, show_table
from runner.vocabulary.instants import to_text

if TYPE_CHECKING:
    from runner.operations.undo import Removed


def show_removed(removed: Sequence[Removed], output: str) -> None:
    """One line for each, the newest first."""
    if output == "json":
        show_json(
            [
                {
                    "address": str(each.address),
                    "removed_at": to_text(each.removed_at),
                    "until": to_text(each.until),
                    "who": each.who,
                }
                for each in removed
            ]
        )
    elif not removed:
        show_line("Nothing was uninstalled that could be brought back.")
    else:
        rows = [
            (
                str(each.address),
                f"{each.removed_at:%Y-%m-%d %H:%M}Z",
                each.who,
                f"{each.until:%Y-%m-%d %H:%M}Z",
            )
            for each in removed
        ]
        show_table(("OBJECT", "UNINSTALLED", "BY", "UNTIL"), rows)
