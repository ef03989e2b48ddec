"""Is everything in place, and what is the daemon doing? One finding per question."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from runner.credentials.authorization import open_files
from runner.operations.daemon_now import daemon_now, waited_for
from runner.operations.examine_hooks import examine_hooks
from runner.operations.examine_listener import examine_listener
from runner.operations.finding import Finding
from runner.operations.free_space import LITTLE_SPACE, MAKE_ROOM, free_space
from runner.operations.installed_jobs import installed_jobs, schedules_of
from runner.operations.last_reload import last_reload
from runner.operations.limit_notes import HINT, unbound_jobs
from runner.operations.restore_blobs import damaged_blobs, missing_blobs
from runner.operations.show_sources import in_short, show_sources
from runner.operations.tz_database import tz_version
from runner.operations.zones_in_use import unknown_rules
from runner.sources.outcome import what_now
from runner.store.daemon_lock import lock_holder
from runner.store.open import open_store
from runner.store.port import Reader
from runner.vocabulary.duration import format_duration, format_size
from runner.vocabulary.errors import DamagedRow, NoDatabase, RunnerError
from runner.vocabulary.instants import to_the_second


def examine_installation(project: Path, database: Path, now: datetime) -> tuple[Finding, ...]:
    """Findings about the machine, the state directory, the database, the daemon and the declarations."""
    state = database.parent
    findings = [_python(), _git(), *_state_directory(state), _space(state)]
    try:
        store = open_store(database, read_only=True, noting=True)
    except NoDatabase:
        advice = "run `runner up`, or `runner reconcile --create`"
        return (*findings, Finding("database", "warning", f"there is none at {database}", advice))
    except RunnerError as problem:
        return (*findings, Finding("database", "error", str(problem)))
    try:
        lives = lock_holder(state) is not None
        with store.read() as reader:
            findings += [_database(reader, database), *_contents(reader, state)]
            findings += [
                *_credentials(reader, project),
                *_drills(reader),
                _zones(reader),
                *_limits(reader),
                _daemon(reader, state, now),
                *examine_listener(reader, daemon_lives=lives, now=now),
                *examine_hooks(reader, project, now),
                _declarations(state),
                *_sources(reader, lives, now),
            ]
            _read_everything(reader)
        findings += [Finding("rows", "error", str(problem)) for problem in store.notes]
    except RunnerError as problem:
        findings.append(Finding("database", "error", str(problem)))
    finally:
        store.close()
    return tuple(findings)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", "ok", f"{version} at {sys.executable}")


def _git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding("git", "warning", "not found", "install git: plans then name the commit")
    return Finding("git", "ok", path)


def _state_directory(state: Path) -> list[Finding]:
    try:
        mode = stat.S_IMODE(state.stat().st_mode)
    except FileNotFoundError:
        return []
    if mode & 0o077:
        return [Finding("state", "error", f"{state} is open to others ({mode:o})", f"chmod 700 {state}")]
    if not os.access(state, os.W_OK):
        return [Finding("state", "error", f"{state} is not writable", "check its owner and the mount")]
    return [Finding("state", "ok", str(state))]


def _space(state: Path) -> Finding:
    free = free_space(state)
    if free < LITTLE_SPACE:
        return Finding("disk", "error", f"{format_size(free)} free", MAKE_ROOM)
    return Finding("disk", "ok", f"{format_size(free)} free")


def _database(reader: Reader, database: Path) -> Finding:
    applied = reader.applied()
    size = format_size(database.stat().st_size)
    jobs = len(reader.objects.summaries("Job"))
    if applied is None:
        return Finding("database", "warning", f"{size}, nothing applied yet", "run `runner plan`")
    commit = (
        f" at commit {applied.commit[:12]}{' (dirty)' if applied.dirty else ''}" if applied.commit else ""
    )
    last = f"last apply {to_the_second(applied.at)} by {applied.who}{commit}"
    text = f"{size}, serial {applied.serial}, {jobs} job{'' if jobs == 1 else 's'}, {last}"
    return Finding("database", "ok", text)


def _read_everything(reader: Reader) -> None:
    """What cannot be read is among the notes then. Runs that have ended are left to `runner db check`."""
    for record in installed_jobs(reader):
        try:
            schedules_of(record)
        except DamagedRow as problem:
            reader.note(problem)
    reader.objects.all()
    reader.holds.all()
    reader.slots.watermarks()
    reader.instances.latest()
    reader.instances.waiting()
    reader.instances.live()


def _contents(reader: Reader, state: Path) -> list[Finding]:
    """Children read only these copies: a job whose file is not there fails at night, and not before."""
    missing, damaged = missing_blobs(reader, state), damaged_blobs(reader, state)
    findings = []
    if missing:
        text = f"files of installed objects are missing in {state / 'blobs'}: {len(missing)}"
        findings.append(Finding("contents", "error", text, "run `runner reconcile`, which keeps them again"))
    if damaged:
        text = "a copy of an installed file is not what was applied: " + _one_of(damaged)
        findings.append(
            Finding(
                "contents", "error", text, "find out who wrote there, delete it, then run `runner reconcile`"
            )
        )
    return findings


def _one_of(found: Sequence[object]) -> str:
    return f"{found[0]}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")


def _credentials(reader: Reader, project: Path) -> list[Finding]:
    return [
        Finding("credentials", "warning", f"{record.address}: {told}", f"chmod 600 {path}")
        for record in reader.objects.all("Authorization")
        for path, told in open_files(record.resolved, base=project)
    ]


def _zones(reader: Reader) -> Finding:
    """By which tz database the starts were computed last; a daemon follows another one within an hour."""
    kept, version = reader.zones.all(), tz_version()
    changed = sorted(unknown_rules(reader, kept))
    if changed:
        text = f"tz database {version}: the rules of {', '.join(changed[:5])} are others than the daemon's"
        return Finding("zones", "warning", text, "a daemon that runs follows within an hour; else: runner up")
    return Finding("zones", "ok", f"tz database {version}, {len(kept)} in use")


def _drills(reader: Reader) -> list[Finding]:
    """A proof says nothing of a definition that has changed since."""
    digests = {record.name: record.execution_digest for record in installed_jobs(reader)}
    drills = [drill for drill in reader.drills.all() if drill.job in digests]
    older = [drill.job for drill in drills if drill.digest != digests[drill.job]]
    refuted = [drill.job for drill in drills if drill.verdict == "refuted" and drill.job not in older]
    findings = []
    if older:
        text = f"crash drills of an older digest: {', '.join(older)}"
        findings.append(Finding("drills", "warning", text, f"run `runner jobs drill {older[0]}`"))
    if refuted:
        text = f"not resumable, as their crash drills found: {', '.join(refuted)}"
        findings.append(
            Finding("drills", "warning", text, f"run `runner jobs drill {refuted[0]}`: it says why")
        )
    return findings


def _limits(reader: Reader) -> list[Finding]:
    """Asked as whoever examines: as a rule that is who runs the daemon."""
    names = unbound_jobs(reader)
    if not names:
        return []
    text = f"limits.processes does not bind root: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
    return [Finding("limits", "warning", text, HINT)]


def _daemon(reader: Reader, state: Path, now: datetime) -> Finding:
    daemon = daemon_now(reader, state, now)
    who, since = daemon.who, daemon.since
    if daemon.holder is None or since is None:
        return Finding("daemon", "warning", "not running: nothing starts", "run `runner up`")
    if daemon.still is not None:
        text = f"{who} is {daemon.still.how}: nothing starts; last heard {_ago(now, since)}"
        return Finding("daemon", "error", text, daemon.still.go_on)
    match daemon.doing:
        case "silent":
            text = f"{who} holds the database but was last heard {_ago(now, since)}"
            return Finding("daemon", "error", text, "is the disk stuck, or the machine overloaded?")
        case "draining":
            runs = waited_for(reader)
            text = f"{who} drains since {to_the_second(since)}: nothing starts any more, {len(runs)} running"
            return Finding("daemon", "warning", text, "`runner status` says what it waits for")
        case "starting":
            return Finding("daemon", "ok", f"{who}, starting")
    return Finding("daemon", "ok", f"{who}, since {to_the_second(since)}")


def _ago(now: datetime, then: datetime) -> str:
    return f"{format_duration(timedelta(seconds=max(round((now - then).total_seconds()), 0)))} ago"


def _declarations(state: Path) -> Finding:
    last = last_reload(state)
    if last is None:
        return Finding("declarations", "ok", "not loaded by a daemon yet")
    if last.waits_for and lock_holder(state) is not None:
        return Finding(
            "declarations",
            "warning",
            f"the daemon waits for git before it reloads: {last.waits_for}; the last good state runs on",
            "finish it (git status says how); if no git runs any more, remove that file",
        )
    if last.ok:
        return Finding("declarations", "ok", last.text)
    return Finding(
        "declarations", "error", f"{last.text}; the last good state runs on", f"run `{last.command}`"
    )


def _sources(reader: Reader, lives: bool, now: datetime) -> Iterator[Finding]:
    """One finding for each git source: what is applied, and why nothing newer is."""
    for source in show_sources(reader, now):
        record, ready = source.record, source.ready
        applied = in_short(record.applied_ref, record.applied) or "nothing yet"
        told = [each for each in source.conditions if each.type in ("Drifted", "Partial")]
        more = [each.message for each in told if each.status == "True" and each.message != ready.message]
        text = "; ".join([f"{record.name} ({record.url}) applied {applied}", *more])
        if ready.status == "True":
            yield Finding("source", "ok", text)
        elif ready.status == "Unknown":
            yield Finding("source", "warning", f"{text}; {ready.message}", "run `runner up`")
        else:
            attempted = in_short(record.attempted_ref, record.attempted)
            at = f"at {attempted}: " if attempted and attempted != applied else ""
            now_what = what_now(ready.reason, record.name, lives=lives)
            yield Finding("source", "error", f"{text}; {at}{ready.message}", now_what)
