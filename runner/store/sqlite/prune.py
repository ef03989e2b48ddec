"""Old runs leave the history; the slot ledger stays, so that no slot becomes runnable again."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from runner.store.instances import PrunedInstance, log_path_of
from runner.store.sqlite.cells import chunks, instant_or_none, marks
from runner.store.sqlite.events import Events

# A run stays while something unfinished refers to it, and the newest terminal one always stays:
# it is what `jobs list` shows as the last.
_TOO_OLD = """
    SELECT id, job, completed_at FROM (
        SELECT id, job, completed_at, row_number() OVER (ORDER BY id DESC) AS place
        FROM job_instances WHERE job_uid = :uid AND completed_at IS NOT NULL
    )
    WHERE place > 1 AND (place > :keep OR completed_at < :before)
      AND id NOT IN (
        SELECT rerun_of FROM job_instances
        WHERE job_uid = :uid AND completed_at IS NULL AND rerun_of IS NOT NULL
      )
    ORDER BY id LIMIT :limit
"""

# The ledger says then how the run ended that a slot became: `SUCCEEDED, started 2026-11-21T02:00:00.012Z`.
_OUTCOME = """
    UPDATE slots SET outcome = i.state || iif(i.reason = '', '', ' (' || i.reason || ')')
        || ifnull(', started ' || i.first_started_at, '')
    FROM job_instances i
    WHERE i.id IN ({}) AND slots.job_uid = i.job_uid AND slots.slot_key = i.slot_key
"""


def prune(
    connection: sqlite3.Connection,
    events: Events,
    job_uid: str,
    *,
    keep: int | None,
    before: datetime | None,
    limit: int,
) -> list[PrunedInstance]:
    """Delete terminal runs beyond the newest `keep`, or completed before `before`; tell which they were."""
    rows = connection.execute(
        _TOO_OLD,
        {
            "uid": job_uid,
            "keep": 2**62 if keep is None else keep,
            "before": instant_or_none(before) or "",
            "limit": limit,
        },
    ).fetchall()
    events.flush()
    for ids in chunks([id for id, _, _ in rows]):
        connection.execute(_OUTCOME.format(marks(len(ids))), ids)
        # Tasks, steps, errors and state data go with their run (ON DELETE CASCADE).
        connection.execute(f"DELETE FROM events WHERE instance_id IN ({marks(len(ids))})", ids)  # noqa: S608
        connection.execute(f"DELETE FROM job_instances WHERE id IN ({marks(len(ids))})", ids)  # noqa: S608
    return [PrunedInstance(id, job, log_path_of(job, id)) for id, job, _ in rows]
