"""What needs a person: failed, UNKNOWN, stuck, missed, invalid files, a full disk, holds that end soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from runner.lifecycle.job import FAILED, STATUSES
from runner.lifecycle.pausing import EVICTION, JOB, OPERATOR, WINDOW
from runner.operations.alarms import alarms
from runner.operations.behind_targets import behind_targets
from runner.operations.daemon_now import DaemonNow, daemon_now, waited_for
from runner.operations.decide_once import undecided_since
from runner.operations.examine_listener import listener_there
from runner.operations.finish_jobs import FINISHED
from runner.operations.free_space import LITTLE_SPACE, MAKE_ROOM, free_space
from runner.operations.installed_jobs import schedules_of
from runner.operations.last_reload import last_reload
from runner.operations.list_jobs import JobView, list_jobs
from runner.operations.never_ran import never_ran
from runner.operations.refusals import refusal_alarms
from runner.operations.settings import settings
from runner.operations.show_sources import SourceView, show_sources, told_pins
from runner.operations.standing_runs import standing_runs
from runner.operations.waiting import IS_OPEN, LockInUse, locks_in_use, waits_for
from runner.sources.outcome import what_now
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.duration import format_size
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.instants import to_text

LATELY = timedelta(hours=24)
"""Missed starts and ends of holds further away than this are nobody's business today."""

OVERDUE = timedelta(seconds=60)
"""A slot that nobody has decided for so long is missed (R10)."""

FORGOTTEN = timedelta(minutes=3)
"""A slot that a daemon has not decided for so long was forgotten; its watchdog looks each minute."""

STUCK_STOPPING = timedelta(minutes=5)
STUCK_WAITING = timedelta(minutes=10)
SHOWN_OF_A_DRAIN = 3
"""Runs that a drain waits for and that are named."""
MOST_WAITING = 50
"""Runs that wait, of which status says for what."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. A `problem` needs a person; the others only may."""

    kind: str
    name: str
    since: datetime | None
    summary: str
    hint: str
    problem: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """How the installation stands: its daemon, its jobs by status, and what needs a person."""

    daemon: DaemonNow
    jobs: Mapping[str, int]
    details: Mapping[str, int]
    """Detail word → how many jobs have it: `paused`, `backoff`, `draining` …"""
    running: int
    waiting: int
    findings: tuple[Finding, ...]
    locks: tuple[LockInUse, ...] = ()
    sources: tuple[SourceView, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person."""
        return not any(finding.problem for finding in self.findings)


def situation(reader: Reader, state: Path, now: datetime) -> Situation:
    """Everything that needs a person now, problems first."""
    jobs = list_jobs(reader, now=now)
    daemon = daemon_now(reader, state, now)
    lives = daemon.holder is not None
    sources = show_sources(reader, now)
    findings = [
        *_daemon(reader, daemon, now),
        *_failed(jobs),
        *_partly(jobs),
        *_items(jobs),
        *_runs(reader, lives, now),
        *(Finding(*found) for found in (standing_runs(reader, now) if lives else ())),
        *(Finding(*alarm) for alarm in (*alarms(reader, now), *refusal_alarms(reader, now))),
        *_paused(reader, lives, now),
        *_missed(reader, jobs, lives, now),
        *(Finding(*found) for found in never_ran(reader, jobs, now)),
        *_invalid(state),
        *_listener(reader, daemon),
        *_sources(sources, lives),
        *_pinned(reader),
        *_little_space(state),
        *_ending_holds(reader, jobs, now),
    ]
    counts = Counter(job.status for job in jobs)
    states = reader.instances.counts()
    return Situation(
        daemon,
        {status: counts[status] for status in STATUSES},
        dict(sorted(Counter(job.detail for job in jobs if job.detail).items())),
        sum(count for name, count in states.items() if name not in ("SCHEDULED", "PAUSED")),
        states.get("SCHEDULED", 0),
        tuple(sorted(findings, key=lambda finding: not finding.problem)),
        locks_in_use(reader, now),
        tuple(sources),
    )


def _failed(jobs: Sequence[JobView]) -> Iterator[Finding]:
    for job in jobs:
        failure = next((hold for hold in job.holds if hold.kind == "failure"), None)
        put_away = any(hold.kind == FINISHED for hold in job.holds)
        if failure is not None and (job.status == FAILED or put_away):
            hint = f"runner logs {job.name} --failed; then: runner jobs reset {job.name}"
            yield Finding("failed", job.name, failure.since, f"FAILED: {failure.reason}", hint)
        elif job.last is not None and job.last.state == "FAILED":
            summary = f"its last run ({job.last.id}) failed"
            yield Finding(
                "failed", job.name, job.last.started_at, summary, f"runner instances show {job.last.id}"
            )


def _partly(jobs: Sequence[JobView]) -> Iterator[Finding]:
    """As many targets as were asked for succeeded; the others are still worth a look."""
    for job in jobs:
        if job.last is not None and job.last.state == "PARTIALLY_SUCCEEDED":
            summary = f"not all targets of its last run ({job.last.id}) succeeded"
            hint = f"runner instances show {job.last.id}; then: runner instances retry-failed {job.last.id}"
            yield Finding("partly", job.name, job.last.started_at, summary, hint, problem=False)


def _items(jobs: Sequence[JobView]) -> Iterator[Finding]:
    """What arrived and failed is not tried again by itself; what waits behind a hold is worth knowing."""
    for job in jobs:
        failed, waiting = job.items.get("FAILED", 0), job.items.get("WAITING", 0)
        if failed:
            summary = f"{failed} item{'s' if failed > 1 else ''} that arrived failed"
            hint = f"runner jobs items {job.name} --state failed; then --again ID or --drop ID"
            yield Finding("items", job.name, None, summary, hint)
        if waiting and job.holds:
            summary = f"{waiting} item{'s wait' if waiting > 1 else ' waits'} behind hold {job.holds[0].kind}"
            yield Finding("items", job.name, None, summary, f"runner jobs show {job.name}", problem=False)


def _runs(reader: Reader, lives: bool, now: datetime) -> Iterator[Finding]:
    for run in reader.instances.live():
        if run.state == "UNKNOWN":
            summary = f"run {run.id} is UNKNOWN: {_why_unknown(reader, run)}"
            hint = (
                f"runner instances show {run.id}; then, when nothing of it runs: "
                f"runner instances resolve {run.id} --as cancelled --nothing-runs"
            )
            yield Finding("unknown", run.job, run.started_at, summary, hint)
        elif not lives:
            summary = f"run {run.id} is {run.state}, and no daemon runs"
            yield Finding("stuck", run.job, run.started_at, summary, "runner up")
        elif run.state == "STOPPING":
            asked = next(iter(reader.events.of("instance", str(run.id), limit=1)), None)
            if asked is not None and now - asked.at > STUCK_STOPPING:
                summary = f"run {run.id} is being stopped and does not end"
                yield Finding("stuck", run.job, asked.at, summary, f"runner logs {run.id}")
        elif (other := behind_targets(reader, run)) is not None:
            summary = (
                f"run {run.id} waits for target {other.target}, on which instance {other.instance_id} works"
            )
            hint = f"runner instances show {other.instance_id}"
            yield Finding("waits", run.job, run.started_at, summary, hint, problem=False)
    if not lives:
        for run in reader.instances.waiting(due_before=now - OVERDUE):
            summary = f"run {run.id} is due and waits, and no daemon runs"
            yield Finding("stuck", run.job, run.due_at, summary, "runner up")
        return
    yield from _waiting(reader, now)


def _why_unknown(reader: Reader, run: InstanceRecord) -> str:
    """What is not known of it, and when it is decided without a person."""
    external = reader.external.get(run.id)
    if external is None:
        why = "neither its life nor its death can be proven"
    elif external.heard_at is None:
        why = "its system was told of it and has not been heard since"
    else:
        why = f"its system is silent since {to_text(external.heard_at)}"
    return (
        why if run.forced_at is None else f"{why}; without a word it is decided at {to_text(run.forced_at)}"
    )


def _daemon(reader: Reader, daemon: DaemonNow, now: datetime) -> Iterator[Finding]:
    """One that does not do what is due."""
    if daemon.holder is None or daemon.since is None:
        return
    if daemon.doing == "stopped":
        summary = f"the daemon ({daemon.who}) is stopped (SIGSTOP): nothing starts, and nothing is recorded"
        yield Finding("daemon", "up", daemon.since, summary, f"kill -CONT {daemon.holder.pid}")
    elif daemon.doing == "silent":
        summary = f"the daemon ({daemon.who}) has not been heard since then"
        yield Finding("daemon", "up", daemon.since, summary, "runner doctor")
    elif daemon.doing == "draining":
        runs = waited_for(reader)
        left = ", ".join(runs[:SHOWN_OF_A_DRAIN]) + (", …" if len(runs) > SHOWN_OF_A_DRAIN else "")
        summary = f"the daemon drains, nothing starts any more; it waits for {left or 'its last records'}"
        long = now - daemon.since > STUCK_WAITING
        yield Finding("drains", "up", daemon.since, summary, "when it has ended: runner up", problem=long)


def _paused(reader: Reader, lives: bool, now: datetime) -> Iterator[Finding]:
    """What has begun and does not go on by itself: its job is held since, or its daemon has gone."""
    for run in reader.instances.list(states=("PAUSED",), limit=MOST_WAITING):
        waits = waits_for(reader, run, now)
        if waits is None or set(run.pauses) & {OPERATOR, JOB}:
            continue  # somebody has paused it, and knows
        if WINDOW in run.pauses and (lives or waits.text != IS_OPEN):
            continue  # it goes on by itself
        waits_for_a_daemon = bool({EVICTION, WINDOW} & set(run.pauses)) and not lives
        summary = f"run {run.id} is PAUSED ({run.reason}) and waits for {waits.text}"
        hint = f"runner instances show {run.id}"
        yield Finding("paused", run.job, run.paused_at, summary, hint, problem=waits_for_a_daemon)


def _waiting(reader: Reader, now: datetime) -> Iterator[Finding]:
    """What is due and waits, and behind what: a problem when it takes long."""
    due = reader.instances.waiting(due_before=now, limit=MOST_WAITING)
    for run in due:
        long = run.due_at <= now - STUCK_WAITING
        waits = waits_for(reader, run, now)
        if waits is None or (waits.behind is None and not long):
            continue
        summary = f"run {run.id} is due and waits for {waits.text}"
        hint = f"runner instances show {waits.behind or run.id}"
        yield Finding("stuck" if long else "waits", run.job, run.due_at, summary, hint, problem=long)
    if len(due) == MOST_WAITING:
        hint = "runner instances list --state SCHEDULED"
        yield Finding("waits", "-", None, "more runs wait than are shown here", hint, problem=False)


def _missed(reader: Reader, jobs: Sequence[JobView], lives: bool, now: datetime) -> Iterator[Finding]:
    by_uid = {job.record.uid: job for job in jobs}
    told: set[str] = set()
    for slot in reader.slots.list(since=now - LATELY, limit=1000):
        job = by_uid.get(slot.job_uid)
        if (
            job is None
            or job.name in told
            or slot.decision != "skipped"
            or not slot.reason.startswith("missed")
        ):
            continue
        told.add(job.name)
        done_since = (
            job.last is not None
            and job.last.state == "SUCCEEDED"
            and job.last.started_at is not None
            and job.last.started_at >= slot.decided_at
        )
        if not done_since:
            hint = f"runner jobs trigger {job.name}"
            yield Finding("missed", job.name, slot.slot_at, f"a start was missed ({slot.reason})", hint)
    yield from _undecided(reader, jobs, lives, now)


def _undecided(reader: Reader, jobs: Sequence[JobView], lives: bool, now: datetime) -> Iterator[Finding]:
    """Slots that are over and that nobody decided: because no daemon runs, or against all expectation."""
    late = FORGOTTEN if lives else OVERDUE
    text = (
        "a start is due, and the daemon does not decide it" if lives else "a start is due, and no daemon runs"
    )
    watermarks = reader.slots.watermarks()
    for job in jobs:
        if job.holds or job.record.resolved["mode"] != "automatic":
            continue
        try:
            schedules = schedules_of(job.record)
        except DamagedRow as problem:
            reader.note(problem)
            continue
        for name, schedule in schedules.items():
            mark = watermarks.get((job.record.uid, name))
            at = None if mark is None else undecided_since(schedule, mark, now)
            if at is not None and now - at > late:
                yield Finding("missed", job.name, at, text, "runner doctor" if lives else "runner up")
                break


def _invalid(state: Path) -> Iterator[Finding]:
    last = last_reload(state)
    if last is not None and not last.ok:
        yield Finding("invalid", "declarations", None, last.text, last.command)


def _sources(sources: Sequence[SourceView], lives: bool) -> Iterator[Finding]:
    for source in sources:
        name, ready = source.record.name, source.ready
        since = source.record.checked_at
        if ready.status == "False":
            summary = f"{ready.message} ({ready.reason})"
            yield Finding("source", name, since, summary, what_now(ready.reason, name))
        elif lives and source.not_followed:
            summary = "no daemon asks its remote any more: it is not declared now; what it installed stays"
            yield Finding(
                "source", name, since, summary, "declare it in spec.sources of the Runner, or --git"
            )


def _pinned(reader: Reader) -> Iterator[Finding]:
    pins = reader.quarantines.active()
    for source in sorted({pin.source for pin in pins}):
        those = [pin for pin in pins if pin.source == source]
        hint = "ends with the first newer commit that changes them, or: runner rollback --end"
        yield Finding("pinned", source, those[0].since, told_pins(those), hint, problem=False)


def _listener(reader: Reader, daemon: DaemonNow) -> Iterator[Finding]:
    """Declared, and not there: nobody can report, and nothing that others start begins."""
    web = settings(reader).get("web")
    found = listener_there(web) if web is not None and daemon.doing == "running" else None
    if found is not None and found.verdict != "ok":
        yield Finding("listener", "web", None, found.text, found.advice)


def _little_space(state: Path) -> Iterator[Finding]:
    free = free_space(state)
    if free < LITTLE_SPACE:
        summary = f"the disk of {state} is full: {format_size(free)} free"
        yield Finding("disk", "state", None, summary, f"{MAKE_ROOM}; then: runner doctor")


def _ending_holds(reader: Reader, jobs: Sequence[JobView], now: datetime) -> Iterator[Finding]:
    """What was put on many jobs at once, maintenance for one, is one thing to know."""
    names = {job.record.uid: job.name for job in jobs}
    together: dict[tuple[str, str, str, datetime], list[str]] = {}
    for hold in reader.holds.ending_before(now + LATELY):
        if hold.until is not None and hold.until > now and hold.object_uid in names:
            about = (hold.kind, hold.owner, hold.reason, hold.until)
            together.setdefault(about, []).append(names[hold.object_uid])
    for (kind, owner, reason, until), held in together.items():
        which = "" if len(held) == 1 else f" on {len(held)} jobs"
        summary = f"hold {kind} of {owner}{which} ends" + (f" ({reason})" if reason else "")
        hint = f"runner jobs show {held[0]}" if not which else "runner jobs list --status disabled"
        yield Finding("hold-ends", "-" if which else held[0], until, summary, hint, problem=False)
