"""The upkeep of the database, as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.views.values import show_json, show_line, warn
from runner.vocabulary.duration import format_size

if TYPE_CHECKING:
    from runner.operations.backup_database import BackedUp
    from runner.operations.prune_history import PrunedHistory
    from runner.operations.vacuum_database import Vacuumed
    from runner.store.admin import Checked, Migrated


def show_checked(checked: Checked, output: str) -> None:
    """One line per rule, findings below theirs, and a last line."""
    if output == "json":
        show_json(
            {
                "database": str(checked.path),
                "schema_version": checked.schema_version,
                "size": checked.size,
                "ok": checked.ok,
                "checks": [
                    {"rule": c.rule, "ok": c.ok, "findings": list(c.findings), "more": c.more}
                    for c in checked.checks
                ],
            }
        )
        return
    for check in checked.checks:
        show_line(f"{'ok   ' if check.ok else 'WRONG'}  {check.rule}")
        for finding in check.findings:
            show_line(f"         {finding}")
        if check.more:
            show_line(f"         … and {check.more} more")
    wrong = sum(not check.ok for check in checked.checks)
    figures = f"tables version {checked.schema_version}, {format_size(checked.size)}"
    if wrong:
        show_line(f"{checked.path}: {wrong} of {len(checked.checks)} checks found something ({figures})")
    else:
        show_line(f"{checked.path}: all {len(checked.checks)} checks hold ({figures})")


def show_backed_up(made: BackedUp, output: str) -> None:
    """Where the copy is."""
    if output == "json":
        show_json({"database": str(made.database), "file": str(made.file), "size": made.size})
    else:
        show_line(f"{made.database} copied to {made.file} ({format_size(made.size)})")


def show_vacuumed(vacuumed: Vacuumed, output: str) -> None:
    """How much smaller the file is."""
    before, after = vacuumed.before.size, vacuumed.after.size
    if output == "json":
        show_json({"database": str(vacuumed.database), "before": before, "after": after})
    else:
        show_line(f"{vacuumed.database}: {format_size(before)} before, {format_size(after)} now")


def show_migrated(migrated: Migrated, output: str) -> None:
    """What was changed, and where the copy from before is."""
    if output == "json":
        show_json(
            {
                "database": str(migrated.path),
                "before": migrated.before,
                "after": migrated.after,
                "applied": list(migrated.applied),
                "backup": None if migrated.backup is None else str(migrated.backup),
            }
        )
    elif not migrated.applied:
        show_line(f"{migrated.path} is up to date (tables version {migrated.after})")
    elif migrated.before == 0:
        show_line(f"{migrated.path} made (tables version {migrated.after})")
    else:
        show_line(
            f"{migrated.path} brought from tables version {migrated.before} to {migrated.after}; "
            f"the copy from before is {migrated.backup}"
        )


def show_pruned(pruned: PrunedHistory, output: str) -> None:
    """What was deleted, per job."""
    if output == "json":
        show_json(
            {
                "instances": pruned.instances,
                "logs": pruned.logs,
                "log_bytes": pruned.log_bytes,
                "kept_logs": list(pruned.kept_logs),
                "blobs": pruned.blobs.count,
                "blob_bytes": pruned.blobs.size,
                "kept_blobs": list(pruned.blobs.kept),
                "jobs": [{"job": job.job, "instances": job.instances} for job in pruned.jobs],
            }
        )
    else:
        for job in pruned.jobs:
            show_line(f"{job.instances:>8}  {job.job}")
        runs = f"{pruned.instances} run{'' if pruned.instances == 1 else 's'}"
        logs = f"{pruned.logs} log{'' if pruned.logs == 1 else 's'}"
        show_line(f"Deleted {runs} and {logs} ({format_size(pruned.log_bytes)}).")
        if pruned.blobs.count:
            copies = f"{pruned.blobs.count} cop{'y' if pruned.blobs.count == 1 else 'ies'}"
            show_line(f"Deleted {copies} of files that nothing names ({format_size(pruned.blobs.size)}).")
    for log in pruned.kept_logs:
        warn(f"{log} could not be deleted; its run is gone already. Check its permissions, then prune again")
    for blob in pruned.blobs.kept:
        warn(f"{blob} could not be deleted, and nothing names it. Check its permissions, then prune again")
