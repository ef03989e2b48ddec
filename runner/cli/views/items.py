"""Items that arrived for a job, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, short, show_json, show_line, show_table, show_yaml, warn

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
    if output == "json":
        show_json([item_as_json(item) for item in items])
    elif output == "yaml":
        show_yaml([item_as_json(item) for item in items])
    elif output == "name":
        for item in items:
            show_line(str(item.id))
    elif not items:
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
    if output in ("json", "yaml"):
        told = {"id": acted.id, "job": acted.job, "changed": acted.changed, "state": acted.state}
        (show_json if output == "json" else show_yaml)(told)
    elif output == "name":
        show_line(str(acted.id))
    else:
        show_line(f"{acted.job}: item {acted.id} is {acted.state}{'' if acted.changed else ' already'}")
