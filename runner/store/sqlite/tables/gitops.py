"""What was applied, from which sources, and what is pinned?"""

from __future__ import annotations

# How each git source stands, and what a rollback has pinned: while an object is declared as its bad commit
# had it, it stays at `revision` (NULL: it stays away).
TABLES_OF_SOURCES = (
    """
    CREATE TABLE sources (
        name TEXT PRIMARY KEY,
        url TEXT NOT NULL,
        ref TEXT NOT NULL,
        path TEXT NOT NULL,
        attempted TEXT NOT NULL DEFAULT '',
        attempted_ref TEXT NOT NULL DEFAULT '',
        attempted_at TEXT,
        applied TEXT NOT NULL DEFAULT '',
        applied_ref TEXT NOT NULL DEFAULT '',
        applied_at TEXT,
        checked_at TEXT,
        next_at TEXT,
        failures INTEGER NOT NULL DEFAULT 0,
        conditions TEXT NOT NULL DEFAULT '{}',
        asked_at TEXT,
        asked_by TEXT NOT NULL DEFAULT '',
        answered_at TEXT
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE quarantines (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        object_uid TEXT NOT NULL,
        revision INTEGER,
        bad_commit TEXT NOT NULL DEFAULT '',
        bad_digest TEXT NOT NULL DEFAULT '',
        bad_own TEXT NOT NULL DEFAULT '',
        bad_serial INTEGER NOT NULL,
        to_serial INTEGER NOT NULL,
        since TEXT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL DEFAULT '',
        ended_at TEXT,
        ended_by TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    "CREATE UNIQUE INDEX quarantines_active ON quarantines (kind, name) WHERE ended_at IS NULL",
)

# Who applies at this moment, and everything that was ever applied. A row of `applies` is never changed:
# `hash` is over the row and the hash of the one before it.
TABLES_OF_APPLIES = (
    """
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        holder TEXT NOT NULL,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        git_commit TEXT,
        taken_at TEXT NOT NULL,
        expires_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE applies (
        serial INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        who TEXT NOT NULL,
        verb TEXT NOT NULL,
        approval TEXT NOT NULL,
        source TEXT NOT NULL,
        git_commit TEXT,
        branch TEXT,
        git_dirty INTEGER NOT NULL DEFAULT 0,
        plan_digest TEXT NOT NULL,
        allowed TEXT NOT NULL DEFAULT '{}',
        changes TEXT NOT NULL DEFAULT '[]',
        left_alone TEXT NOT NULL DEFAULT '[]',
        previous TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER applies_are_never_changed BEFORE UPDATE ON applies
    BEGIN SELECT RAISE(ABORT, 'what was applied is never changed'); END
    """,
    """
    CREATE TRIGGER applies_are_never_deleted BEFORE DELETE ON applies
    BEGIN SELECT RAISE(ABORT, 'what was applied is never deleted'); END
    """,
)
