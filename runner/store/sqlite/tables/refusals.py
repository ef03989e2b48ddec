"""Which requests were not taken?"""

from __future__ import annotations

# One row for each hook and reason, so that no flood of forged requests fills anything. What asks for a hook
# that nobody has is counted with '' and ''.
TABLE_OF_REFUSALS = """
    CREATE TABLE refusals (
        job_uid TEXT NOT NULL,
        schedule TEXT NOT NULL,
        rule TEXT NOT NULL,
        count INTEGER NOT NULL,
        first_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        path TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (job_uid, schedule, rule)
    ) STRICT, WITHOUT ROWID
    """
