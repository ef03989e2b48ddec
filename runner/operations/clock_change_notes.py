"""Which jobs of a tree start in a gap or in a repeated hour of their zone, in the next 24 months? (R8)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from runner.loading.tree import Tree
from runner.schedules.explain import offset_notes
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule
from runner.vocabulary.diagnostic import Diagnostic


def clock_change_notes(tree: Tree, now: datetime) -> Iterator[Diagnostic]:
    """A note for each schedule that has such slots, at its job, with a line for each change of the clocks.

    A tree with errors has no objects, and so no notes.
    """
    told: dict[Schedule, tuple[str, ...]] = {}  # equal schedules are one object: they share the answer
    for address, declared in tree.objects.items():
        if address.kind != "Job":
            continue
        schedules = tree.document(address).resolved["schedules"]
        for name, resolved in schedules.items():
            schedule = schedule_from(resolved)
            if schedule not in told:
                told[schedule] = offset_notes(schedule, now)
            if told[schedule]:
                which = f"{address}, schedule {name}" if len(schedules) > 1 else str(address)
                yield Diagnostic(
                    declared.place.file,
                    declared.place.line,
                    1,
                    "note",
                    "clock-change",
                    "Start at a change of the clocks",
                    "\n".join(f"{which}: {note}" for note in told[schedule]),
                )
