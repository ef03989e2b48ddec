"""Numbered migrations: each runs once, all of them inside one BEGIN IMMEDIATE.

Adding one: write `mNNNN_what_it_does(db)` at the end, decorated like the others, and never change an older
one. `db` is a sqlite-utils Database: use its `create`, `add_column`, `transform` and `create_index`.
"""

from __future__ import annotations

import secrets

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from runner.store.sqlite.tables.arrivals import TABLE_OF_DELIVERED, TABLES_OF_ARRIVALS
from runner.store.sqlite.tables.drills import TABLE_OF_DRILLS
from runner.store.sqlite.tables.external import TABLES_OF_EXTERNAL_WORK
from runner.store.sqlite.tables.gitops import TABLES_OF_APPLIES, TABLES_OF_SOURCES
from runner.store.sqlite.tables.objects import TABLES_OF_OBJECTS
from runner.store.sqlite.tables.refusals import TABLE_OF_REFUSALS
from runner.store.sqlite.tables.runs import TABLES_OF_NOTIFICATIONS, TABLES_OF_REQUESTS, TABLES_OF_RUNS
from runner.store.sqlite.tables.timekeeping import TABLES_OF_TIMEKEEPING

migrations = Migrations("runner")


@migrations()
def m0001_first_tables(db: Database) -> None:
    for statement in TABLES_OF_OBJECTS + TABLES_OF_RUNS:
        db.execute(statement)


@migrations()
def m0002_locks_and_metrics_of_runs(db: Database) -> None:
    """`locks`: what a run took at its claim, separated by blanks; it holds them while it is live."""
    db.execute("ALTER TABLE job_instances ADD COLUMN locks TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE job_instances ADD COLUMN replaced_by INTEGER")
    db.execute("ALTER TABLE job_instances ADD COLUMN metrics TEXT NOT NULL DEFAULT '{}'")
    db.execute("ALTER TABLE tasks ADD COLUMN metrics TEXT NOT NULL DEFAULT '{}'")
    db.execute(
        "CREATE INDEX instances_with_locks ON job_instances (id) WHERE completed_at IS NULL AND locks <> ''"
    )


@migrations()
def m0003_tokens_and_external_runs(db: Database) -> None:
    for statement in TABLES_OF_EXTERNAL_WORK:
        db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('report_key', ?)", (secrets.token_hex(32),))


@migrations()
def m0004_states_with_an_end_and_pauses_with_reasons(db: Database) -> None:
    for column in ("forced_at", "paused_at", "resume_as"):
        db.execute(f"ALTER TABLE job_instances ADD COLUMN {column} TEXT")
    db.execute("ALTER TABLE job_instances ADD COLUMN pauses TEXT NOT NULL DEFAULT ''")
    db.execute("UPDATE job_instances SET pauses = reason WHERE state = 'PAUSED'")


@migrations()
def m0005_targets_of_runs(db: Database) -> None:
    """A task keeps its target as it was when the run began; a run counts its targets, for lists."""
    for column in ("position INTEGER NOT NULL DEFAULT 0", "target_values TEXT NOT NULL DEFAULT '{}'",
                   "expires_at TEXT", "completed_at TEXT", "failures INTEGER NOT NULL DEFAULT 0",
                   "crashes INTEGER NOT NULL DEFAULT 0", "error TEXT"):  # fmt: skip
        db.execute(f"ALTER TABLE tasks ADD COLUMN {column}")
    for column in ("targets", "targets_ended", "targets_failed"):
        db.execute(f"ALTER TABLE job_instances ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")


@migrations()
def m0006_checkpoints_and_notifications(db: Database) -> None:
    """State rows name the step and the checkpoint they are from, and until when the code sleeps after it."""
    db.execute("ALTER TABLE job_state_data ADD COLUMN step TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE job_state_data ADD COLUMN n INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE job_state_data ADD COLUMN cursor TEXT NOT NULL DEFAULT '{}'")
    db.execute("ALTER TABLE job_state_data ADD COLUMN wake_at TEXT")
    db.execute("ALTER TABLE job_errors ADD COLUMN grade TEXT")
    db.execute("ALTER TABLE job_instances ADD COLUMN progress_said TEXT")
    db.execute("ALTER TABLE tasks ADD COLUMN progress_said TEXT")
    for statement in TABLES_OF_NOTIFICATIONS:
        db.execute(statement)


@migrations()
def m0007_crash_drills(db: Database) -> None:
    db.execute(TABLE_OF_DRILLS)


@migrations()
def m0008_runs_that_have_begun_are_found(db: Database) -> None:
    """A job's open set, without a walk over all that waits."""
    db.execute(
        "CREATE INDEX instances_begun ON job_instances (job_uid)"
        " WHERE completed_at IS NULL AND state = 'SCHEDULED' AND attempt > 0"
    )


@migrations()
def m0009_targets_have_info_of_their_own(db: Database) -> None:
    db.execute("ALTER TABLE tasks ADD COLUMN info TEXT NOT NULL DEFAULT ''")


@migrations()
def m0010_ledger_with_rules_and_timekeeping(db: Database) -> None:
    """Why a slot was decided so: the rule and what was in the way; where a dropped range begins; and how the
    run ended that a slot became, once that has left the history.
    """
    db.execute("ALTER TABLE slots ADD COLUMN rule TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE slots ADD COLUMN blocker TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE slots ADD COLUMN first_at TEXT")
    db.execute("ALTER TABLE slots ADD COLUMN outcome TEXT NOT NULL DEFAULT ''")
    for statement in TABLES_OF_TIMEKEEPING:
        db.execute(statement)


@migrations()
def m0011_targets_are_locked_and_asked_for(db: Database) -> None:
    """Of one inventory, a target is worked on once at a time; what is asked of a target has its own rows."""
    db.execute("ALTER TABLE tasks ADD COLUMN inventory TEXT")
    db.execute(
        "CREATE UNIQUE INDEX targets_at_work ON tasks (inventory, target)"
        " WHERE inventory IS NOT NULL AND state = 'RUNNING'"
    )
    for statement in TABLES_OF_REQUESTS:
        db.execute(statement)


@migrations()
def m0012_arrivals(db: Database) -> None:
    """What triggers jobs, from its arrival until it has been dealt with."""
    for statement in TABLES_OF_ARRIVALS:
        db.execute(statement)


@migrations()
def m0013_git_sources_and_quarantines(db: Database) -> None:
    """How each git source stands, and what a rollback has pinned."""
    for statement in TABLES_OF_SOURCES:
        db.execute(statement)


@migrations()
def m0014_applies_and_their_lease(db: Database) -> None:
    for statement in TABLES_OF_APPLIES:
        db.execute(statement)


@migrations()
def m0015_uninstalled_objects_are_found_by_name(db: Database) -> None:
    """Each install asks whether its object was there before: without a walk over all objects."""
    db.execute("CREATE INDEX objects_buried ON objects (kind, name, removed_at) WHERE removed_at IS NOT NULL")


@migrations()
def m0016_requests_that_were_not_taken(db: Database) -> None:
    db.execute(TABLE_OF_REFUSALS)


@migrations()
def m0017_processes_of_targets(db: Database) -> None:
    """Which process works on a target, so that others than its daemon can look at it."""
    db.execute("ALTER TABLE tasks ADD COLUMN pid INTEGER")
    db.execute("ALTER TABLE tasks ADD COLUMN pid_started INTEGER")


@migrations()
def m0018_deliveries_without_a_time(db: Database) -> None:
    """What is pruned and could be sent again stays known."""
    db.execute(TABLE_OF_DELIVERED)


@migrations()
def m0019_deadlines_are_found_by_their_time(db: Database) -> None:
    """Each look asks for them: without a walk over all that waits."""
    for name, at in (("to_begin", "start_deadline"), ("to_expire", "expires_at"), ("forced", "forced_at")):
        db.execute(
            f"CREATE INDEX instances_{name} ON job_instances ({at})"
            f" WHERE completed_at IS NULL AND {at} IS NOT NULL"
        )


LATEST = len(migrations._migrations)
