"""What triggers jobs?"""

from __future__ import annotations

# What triggers jobs, one row for each event: `key` is its identity, for ever or until it is pruned; `data` is
# what a run sees of it. Open items have an index of their own: the others are history.
TABLES_OF_ARRIVALS = (
    """
    CREATE TABLE arrivals (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job_uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
        schedule TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        source TEXT NOT NULL DEFAULT '',
        data TEXT NOT NULL DEFAULT '{}',
        inputs TEXT NOT NULL DEFAULT '{}',
        slot_at TEXT,
        aftercare TEXT NOT NULL DEFAULT '{}',
        state TEXT NOT NULL,
        arrived_at TEXT NOT NULL,
        instance_id INTEGER,
        starts INTEGER NOT NULL DEFAULT 0,
        reason TEXT NOT NULL DEFAULT '',
        settled_at TEXT,
        UNIQUE (job_uid, schedule, key)
    ) STRICT
    """,
    """
    CREATE INDEX arrivals_open ON arrivals (job_uid, schedule, state, id)
        WHERE state IN ('WAITING', 'TAKEN', 'MOVING')
    """,
    "CREATE INDEX arrivals_failed ON arrivals (job_uid, schedule) WHERE state = 'FAILED'",
    "CREATE INDEX arrivals_of_runs ON arrivals (instance_id) WHERE instance_id IS NOT NULL",
    # From which event on the ends of other jobs' runs count for a schedule.
    """
    CREATE TABLE arrival_feeds (
        job_uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
        schedule TEXT NOT NULL,
        since_event INTEGER NOT NULL,
        PRIMARY KEY (job_uid, schedule)
    ) STRICT, WITHOUT ROWID
    """,
)

# What was delivered and is pruned, where its signature has no time in it and so holds for ever: 16 bytes of a
# digest of whose it was and what, and the day on which it was dealt with. Some 35 bytes a delivery.
TABLE_OF_DELIVERED = """
    CREATE TABLE delivered (
        digest BLOB PRIMARY KEY,
        day TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """
