"""Items that arrived for a job, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import (
    instant,
    short,
    show_data,
    show_line,
    show_table,
    warn,
)

if TYPE_CHECKING:
    from runner.operations.items import ActedOnItem
    from runner.store.arrivals import Item


def item_as_json(item: Item) -> dict[str, Any]:
    """The keys that scripts rely on; with what came, which may be confidential."""
    return {
        "id": item.id,
        "schedule": item.schedule,
        "kind": item.kind,
        "state": item.state,
        "reason": item.reason,
        "arrived_at": instant(item.arrived_at),
        "settled_at": instant(item.settled_at),
        "instance_id": item.instance_id,
        "source": item.source,
        "key": item.key,
        "data": dict(item.data),
    }


def show_items(items: Sequence[Item], output: str) -> None:
    """The list; without what came."""
    ids = (str(item.id) for item in items)
    if show_data(output, lambda: [item_as_json(item) for item in items], ids):
        return
    if not items:
        warn("Nothing has arrived that fits.")
    else:
        show_table(
            ("ID", "KIND", "STATE", "ARRIVED", "RUN", "WHAT", "REASON"),
            [
                (
                    str(item.id),
                    item.kind,
                    item.state,
                    short(item.arrived_at),
                    "-" if item.instance_id is None else str(item.instance_id),
                    item.source,
                    item.reason or "-",
                )
                for item in items
            ],
        )


def show_acted(acted: ActedOnItem, output: str) -> None:
    """One line: what it is now."""
    told = {"id": acted.id, "job": acted.job, "changed": acted.changed, "state": acted.state}
    if not show_data(output, lambda: told, (str(acted.id),)):
        show_line(f"{acted.job}: item {acted.id} is {acted.state}{'' if acted.changed else ' already'}")
