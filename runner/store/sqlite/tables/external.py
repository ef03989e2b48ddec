"""Who may report from outside, and what is going on there?"""

from __future__ import annotations

TABLES_OF_EXTERNAL_WORK = (
    # `id` is the part of a token that is no secret; of the rest only a hash is kept.
    """
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        hash TEXT NOT NULL,
        created_at TEXT NOT NULL,
        created_by TEXT NOT NULL,
        expires_at TEXT,
        used_at TEXT,
        revoked_at TEXT,
        revoked_by TEXT
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX tokens_in_use ON tokens (name) WHERE revoked_at IS NULL",
    # One row for the present attempt of a run that another system executes: when it is taken for silent, and
    # how far the call of its webhook is (call_at: the next try).
    """
    CREATE TABLE external_runs (
        instance_id INTEGER PRIMARY KEY REFERENCES job_instances (id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL,
        means TEXT NOT NULL,
        heard_at TEXT,
        silent_at TEXT NOT NULL,
        number INTEGER NOT NULL DEFAULT 0,
        call_at TEXT,
        calls INTEGER NOT NULL DEFAULT 0,
        accepted_at TEXT,
        perhaps_heard INTEGER NOT NULL DEFAULT 0,
        call_error TEXT
    ) STRICT
    """,
)
