"""What did crash drills find?"""

from __future__ import annotations

# By name: a job is drilled before it is installed, and the digest says of which definition the verdict is.
TABLE_OF_DRILLS = """
    CREATE TABLE drills (
        job TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        verdict TEXT NOT NULL,
        at TEXT NOT NULL,
        who TEXT NOT NULL,
        checkpoints INTEGER NOT NULL,
        kills INTEGER NOT NULL,
        difference TEXT NOT NULL DEFAULT '{}',
        ignored TEXT NOT NULL DEFAULT '[]'
    ) STRICT, WITHOUT ROWID
    """
