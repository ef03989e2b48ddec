"""What is installed, what holds it, and how far its schedules are decided?"""

from __future__ import annotations

TABLES_OF_OBJECTS = (
    """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        login TEXT NOT NULL,
        started_at TEXT NOT NULL,
        heartbeat_at TEXT NOT NULL,
        ended_at TEXT,
        ended_how TEXT
    ) STRICT
    """,
    """
    CREATE TABLE objects (
        uid TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        source TEXT NOT NULL,
        file TEXT NOT NULL,
        line INTEGER NOT NULL,
        git_commit TEXT,
        git_dirty INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL,
        digest TEXT NOT NULL,
        execution_digest TEXT NOT NULL,
        labels TEXT NOT NULL DEFAULT '{}',
        enabled INTEGER,
        protected INTEGER NOT NULL DEFAULT 0,
        prune_disabled INTEGER NOT NULL DEFAULT 0,
        installed_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        removed_at TEXT
    ) STRICT
    """,
    "CREATE UNIQUE INDEX objects_address ON objects (kind, name) WHERE removed_at IS NULL",
    """
    CREATE TABLE revisions (
        object_uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        digest TEXT NOT NULL,
        execution_digest TEXT NOT NULL,
        declared TEXT NOT NULL,
        resolved TEXT NOT NULL,
        files TEXT NOT NULL DEFAULT '{}',
        source TEXT NOT NULL,
        file TEXT NOT NULL,
        line INTEGER NOT NULL,
        git_commit TEXT,
        git_dirty INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL,
        who TEXT NOT NULL,
        PRIMARY KEY (object_uid, revision)
    ) STRICT
    """,
    """
    CREATE TABLE holds (
        object_uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        owner TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        since TEXT NOT NULL,
        until TEXT,
        PRIMARY KEY (object_uid, kind, owner)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE watermarks (
        job_uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
        schedule TEXT NOT NULL,
        at TEXT NOT NULL,
        slot_key TEXT,
        PRIMARY KEY (job_uid, schedule)
    ) STRICT, WITHOUT ROWID
    """,
    # instance_id is a plain number: the ledger outlives the run, and an id is never used twice.
    """
    CREATE TABLE slots (
        job_uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
        slot_key TEXT NOT NULL,
        schedule TEXT NOT NULL,
        slot_at TEXT NOT NULL,
        decision TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        instance_id INTEGER,
        decided_at TEXT NOT NULL,
        count INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (job_uid, slot_key)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX slots_by_time ON slots (job_uid, slot_at)",
)
