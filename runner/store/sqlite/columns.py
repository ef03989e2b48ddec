"""Which columns hold times, maps, lists and values, and where do they hold something else?"""

# ruff: noqa: S608  (the queries are put together from the names of tables and columns alone)
from __future__ import annotations

from collections.abc import Mapping

_INSTANT = (
    "GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'"
)


# Table → how its rows are called, and its columns of one kind.
NAMES = {
    "sessions": "'session ' || id",
    "objects": "kind || '/' || name",
    "revisions": "'revision ' || revision || ' of object ' || object_uid",
    "holds": "'hold ' || kind || ' of object ' || object_uid",
    "watermarks": "'watermark ' || schedule || ' of object ' || job_uid",
    "slots": "'slot ' || slot_key || ' of object ' || job_uid",
    "job_instances": "'run ' || id || ' of ' || job",
    "tasks": "'task ' || target || ' of run ' || instance_id",
    "steps": "'step ' || name || ' of run ' || instance_id",
    "job_state_data": "'what run ' || instance_id || ' saved'",
    "job_persistent_data": "'what job ' || job_uid || ' keeps'",
    "job_errors": "'error ' || id || ' of run ' || instance_id",
    "job_notifications": "'notification ' || id || ' of run ' || instance_id",
    "events": "'event ' || id",
    "tokens": "'token ' || name",
    "external_runs": "'the external run ' || instance_id",
    "drills": "'the crash drill of job ' || job",
    "presence": "'stretch ' || id || ' of session ' || session_id",
    "zones": "'the rules of zone ' || name",
    "target_requests": "'request ' || id || ' of run ' || instance_id",
    "arrivals": "'item ' || id",
    "refusals": "'the requests refused as ' || rule",
    "delivered": "'the delivery ' || hex(digest)",
    "sources": "'git source ' || name",
    "quarantines": "'the quarantine of ' || kind || '/' || name",
    "leases": "'the lease ' || name",
    "applies": "'apply ' || serial",
}
TIMES = {
    "sessions": ("started_at", "heartbeat_at", "ended_at"),
    "objects": ("installed_at", "updated_at", "removed_at"),
    "revisions": ("created_at",),
    "holds": ("since", "until"),
    "watermarks": ("at",),
    "slots": ("slot_at", "decided_at", "first_at"),
    "job_instances": (
        "slot_at", "due_at", "start_deadline", "expires_at", "created_at", "first_started_at", "started_at",
        "completed_at", "first_error_at", "forced_at", "paused_at",
    ),
    "tasks": ("last_triggered_at", "next_try_at", "expires_at", "completed_at"),
    "steps": ("first_started_at", "started_at", "skipped_at", "completed_at"),
    "job_state_data": ("updated_at", "wake_at"),
    "job_persistent_data": ("updated_at",),
    "job_errors": ("at",),
    "job_notifications": ("at",),
    "events": ("at",),
    "tokens": ("created_at", "expires_at", "used_at", "revoked_at"),
    "external_runs": ("heard_at", "silent_at", "call_at", "accepted_at"),
    "drills": ("at",),
    "presence": ("began_at", "last_at"),
    "zones": ("noted_at",),
    "target_requests": ("at",),
    "arrivals": ("arrived_at", "slot_at", "settled_at"),
    "refusals": ("first_at", "last_at"),
    "sources": ("attempted_at", "applied_at", "checked_at", "next_at", "asked_at", "answered_at"),
    "quarantines": ("since", "ended_at"),
    "leases": ("taken_at", "expires_at"),
    "applies": ("at",),
}  # fmt: skip
MAPS = {
    "objects": ("labels",),
    "revisions": ("declared", "resolved", "files"),
    "job_instances": ("inputs", "trigger", "outputs", "error", "metrics", "progress_said"),
    "tasks": ("metrics", "progress_said", "target_values", "error"),
    "job_state_data": ("cursor",),
    "steps": ("outputs", "error"),
    "events": ("details",),
    "drills": ("difference",),
    "arrivals": ("data", "inputs", "aftercare"),
    "sources": ("conditions",),
    "external_runs": ("call_error",),
    "applies": ("allowed",),
}
LISTS = {"drills": ("ignored",), "applies": ("changes", "left_alone")}
VALUES = {"job_state_data": ("data",), "job_persistent_data": ("data",)}


def no_times() -> str:
    """A query with one text for each cell that should be a time and is none."""
    return _each(TIMES, f"{{0}} NOT {_INSTANT}", "is no time")


def no_maps() -> str:
    """A query with one text for each cell that should be a map, as JSON, and is none."""
    return _each(MAPS, "NOT json_valid({0}) OR json_type({0}) <> 'object'", "is no map")


def no_lists() -> str:
    """A query with one text for each cell that should be a list, as JSON, and is none."""
    return _each(LISTS, "NOT json_valid({0}) OR json_type({0}) <> 'array'", "is no list")


def no_values() -> str:
    """A query with one text for each cell that should be any value, as JSON, and is none."""
    return _each(VALUES, "NOT json_valid({0})", "is no JSON")


def _each(columns: Mapping[str, tuple[str, ...]], wrong: str, what: str) -> str:
    """One query for all of these columns; `{0}` in `wrong` is the column."""
    return " UNION ALL ".join(
        f"SELECT {NAMES[table]} || ': {column} of table {table} {what}' FROM {table}"
        f" WHERE {column} IS NOT NULL AND ({wrong.format(column)})"
        for table, own in columns.items()
        for column in own
    )
