"""What does the installation know of time itself?"""

from __future__ import annotations

# One row for each stretch in which a daemon looked at the clock and it went as it should: what `why` knows of
# downtime, suspends and stepped clocks. boot_s is the clock that counts from the machine's boot.
TABLES_OF_TIMEKEEPING = (
    """
    CREATE TABLE presence (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        began_at TEXT NOT NULL,
        began_boot_s REAL NOT NULL,
        began_by TEXT NOT NULL,
        moved_s REAL NOT NULL DEFAULT 0,
        last_at TEXT NOT NULL,
        last_boot_s REAL NOT NULL,
        ended_by TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    # The rules of each zone in use, as the tz database gave them: after an update the starts that moved are
    # told, old beside new.
    """
    CREATE TABLE zones (
        name TEXT PRIMARY KEY,
        version TEXT NOT NULL,
        noted_at TEXT NOT NULL,
        rules BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
