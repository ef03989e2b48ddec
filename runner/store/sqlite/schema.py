"""The tables as a person finds them with sqlite3 or sqlite-utils. Changes go into a new migration."""

from __future__ import annotations

APPLICATION_ID = 0x4A524E52
"""`JRNR` in the header of the file (see file(1)): tells our database from any other."""

TABLES = (
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

TABLE_OF_NOTIFICATIONS = (
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

# What a person asked of one target of a run, until the daemon that works on the run has done it.
TABLE_OF_REQUESTS = (
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
