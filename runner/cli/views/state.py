"""What jobs have saved, as text and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, short, show_data, show_line, warn

if TYPE_CHECKING:
    from runner.operations.state import Changed, Cleared, SavedState


def state_as_json(saved: SavedState) -> dict[str, Any]:
    """All that a job has saved."""
    kept = saved.persistent
    return {
        "job": saved.job,
        "state": [
            {
                "instance_id": row.instance_id,
                "target": row.target,
                "updated_at": instant(row.updated_at),
                "step": row.step or None,
                "checkpoint": row.n,
                "sleeps_until": instant(row.wake_at),
                "data": row.data,
            }
            for row in saved.rows
        ],
        "persistent": None if kept is None else {"updated_at": instant(kept.updated_at), "data": kept.data},
    }


def show_saved(saved: SavedState, output: str) -> None:
    """What is saved."""
    if show_data(output, lambda: state_as_json(saved)):
        return
    if not saved.rows and saved.persistent is None:
        warn(f"{saved.job} has saved nothing.")
    else:
        for row in saved.rows:
            data = json.dumps(row.data, default=str)
            where = f"step {row.step}, " if row.step else ""
            asleep = f"sleeps until {short(row.wake_at)}, " if row.wake_at else ""
            run = f"instance {row.instance_id}, target {row.target}"
            show_line(f"{run}, {where}{asleep}{short(row.updated_at)}: {data}")
        if saved.persistent is not None:
            data = json.dumps(saved.persistent.data, default=str)
            show_line(f"persistent, {short(saved.persistent.updated_at)}: {data}")


def show_set(changed: Changed, output: str) -> None:
    """What the state is now."""
    value = {
        "job": changed.job,
        "instance_id": changed.instance_id,
        "target": changed.target,
        "persistent": changed.instance_id is None,
        "data": changed.data,
    }
    if not show_data(output, lambda: value):
        run = f"instance {changed.instance_id}, target {changed.target}"
        what = "persistent" if changed.instance_id is None else run
        show_line(f"{changed.job}: {what}: {json.dumps(changed.data, ensure_ascii=False)}")


def show_cleared(cleared: Cleared, output: str) -> None:
    """What was deleted."""
    value = {"job": cleared.job, "rows": cleared.rows, "persistent": cleared.persistent}
    if not show_data(output, lambda: value):
        rows = f"{cleared.rows} row{'' if cleared.rows == 1 else 's'}"
        kept = " and its persistent state" if cleared.persistent else ""
        show_line(f"{cleared.job}: {rows}{kept} deleted")
