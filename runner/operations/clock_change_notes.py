"""Which jobs of a tree start in a gap or in a repeated hour of their zone, in the next 24 hours? (R8)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from runner.loading.tree import Tree
from runner.schedules.explain import NOTED, offset_notes
from runner.schedules.kinds import schedule_from
from runner.schedules.zones import transitions, zone_named
from runner.vocabulary.diagnostic import Diagnostic


def clock_change_notes(tree: Tree, now: datetime) -> Iterator[Diagnostic]:
    """A note for each such slot, at its job. A tree with errors has no objects, and so no notes."""
    changing: dict[str, bool] = {}
    for address, declared in tree.objects.items():
        if address.kind != "Job":
            continue
        schedules = tree.document(address).resolved["schedules"]
        for name, resolved in schedules.items():
            zone = resolved.get("timezone") or "UTC"
            if zone not in changing:
                changing[zone] = bool(transitions(zone_named(zone), now - timedelta(days=1), now + NOTED))
            for note in offset_notes(schedule_from(resolved), now) if changing[zone] else ():
                yield Diagnostic(
                    declared.place.file,
                    declared.place.line,
                    1,
                    "note",
                    "clock-change",
                    "Start at a change of the clocks",
                    f"{address}, schedule {name}: {note}" if len(schedules) > 1 else f"{address}: {note}",
                )
