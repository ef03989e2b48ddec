"""What runs leave behind: their targets, steps, state, errors and events."""

from __future__ import annotations

TABLES_OF_RUNS = (
    """
    CREATE TABLE job_instances (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        origin TEXT NOT NULL,
        job_uid TEXT NOT NULL REFERENCES objects (uid),
        schedule TEXT,
        slot_key TEXT NOT NULL,
        slot_at TEXT,
        slot_local TEXT,
        due_at TEXT NOT NULL,
        start_deadline TEXT,
        expires_at TEXT,
        created_at TEXT NOT NULL,
        first_started_at TEXT,
        started_at TEXT,
        completed_at TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        epoch INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        first_error_at TEXT,
        session_id INTEGER REFERENCES sessions (id),
        pid INTEGER,
        pid_started INTEGER,
        boot_id TEXT,
        digest TEXT NOT NULL,
        revision INTEGER NOT NULL,
        inputs TEXT NOT NULL DEFAULT '{}',
        trigger TEXT NOT NULL DEFAULT '{}',
        rerun_of INTEGER,
        requested_by TEXT NOT NULL DEFAULT '',
        progress REAL,
        error TEXT,
        info TEXT NOT NULL DEFAULT '',
        outputs TEXT NOT NULL DEFAULT '{}',
        UNIQUE (job_uid, slot_key)
    ) STRICT
    """,
    "CREATE INDEX instances_by_job ON job_instances (job_uid)",
    "CREATE INDEX instances_waiting ON job_instances (due_at) WHERE state = 'SCHEDULED'",
    "CREATE INDEX instances_unfinished ON job_instances (job_uid, state) WHERE completed_at IS NULL",
    """
    CREATE TABLE tasks (
        instance_id INTEGER NOT NULL REFERENCES job_instances (id) ON DELETE CASCADE,
        target TEXT NOT NULL,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        last_triggered_at TEXT,
        next_try_at TEXT,
        reason TEXT NOT NULL DEFAULT '',
        progress REAL,
        PRIMARY KEY (instance_id, target)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE steps (
        instance_id INTEGER NOT NULL,
        target TEXT NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'PENDING',
        first_started_at TEXT,
        started_at TEXT,
        skipped_at TEXT,
        completed_at TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        remedy TEXT NOT NULL DEFAULT '',
        outputs TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (instance_id, target, name),
        FOREIGN KEY (instance_id, target) REFERENCES tasks (instance_id, target) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE job_state_data (
        instance_id INTEGER NOT NULL REFERENCES job_instances (id) ON DELETE CASCADE,
        target TEXT NOT NULL,
        job_uid TEXT NOT NULL REFERENCES objects (uid),
        data TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        PRIMARY KEY (instance_id, target)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX state_by_job ON job_state_data (job_uid)",
    """
    CREATE TABLE job_persistent_data (
        job_uid TEXT PRIMARY KEY REFERENCES objects (uid) ON DELETE CASCADE,
        data TEXT NOT NULL,
        updated_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE job_errors (
        id INTEGER PRIMARY KEY,
        instance_id INTEGER NOT NULL REFERENCES job_instances (id) ON DELETE CASCADE,
        at TEXT NOT NULL,
        severity TEXT NOT NULL,
        code TEXT NOT NULL,
        description TEXT NOT NULL,
        info TEXT NOT NULL DEFAULT '',
        target TEXT,
        step TEXT
    ) STRICT
    """,
    "CREATE INDEX errors_by_instance ON job_errors (instance_id)",
    # No foreign key: eight events a run would each look their run up; `db check` looks for orphans instead.
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        event TEXT NOT NULL,
        row TEXT NOT NULL DEFAULT '',
        before TEXT NOT NULL DEFAULT '',
        after TEXT NOT NULL DEFAULT '',
        who TEXT NOT NULL,
        why TEXT NOT NULL DEFAULT '',
        details TEXT NOT NULL DEFAULT '{}',
        instance_id INTEGER
    ) STRICT
    """,
    "CREATE INDEX events_of_instance ON events (instance_id) WHERE instance_id IS NOT NULL",
    "CREATE INDEX events_of_object ON events (subject_kind, subject) WHERE instance_id IS NULL",
)

TABLES_OF_NOTIFICATIONS = (
    """
    CREATE TABLE job_notifications (
        id INTEGER PRIMARY KEY,
        instance_id INTEGER NOT NULL REFERENCES job_instances (id) ON DELETE CASCADE,
        at TEXT NOT NULL,
        level TEXT NOT NULL,
        topic TEXT NOT NULL,
        message TEXT NOT NULL,
        target TEXT,
        step TEXT
    ) STRICT
    """,
    "CREATE INDEX notifications_by_instance ON job_notifications (instance_id)",
)

# What a person asked of one target of a run, until the daemon that works on the run has done it.
TABLES_OF_REQUESTS = (
    """
    CREATE TABLE target_requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        instance_id INTEGER NOT NULL REFERENCES job_instances (id) ON DELETE CASCADE,
        target TEXT NOT NULL,
        verb TEXT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL DEFAULT '',
        at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX requests_by_instance ON target_requests (instance_id)",
)
