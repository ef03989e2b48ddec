"""How does the installation stand, and what needs a person? Of runs and missed starts others know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from runner.lifecycle.job import FAILED, STATUSES
from runner.operations.alarms import alarms
from runner.operations.concern import Concern
from runner.operations.daemon_now import DaemonNow, daemon_now, waited_for
from runner.operations.examine_listener import listener_there
from runner.operations.finish_jobs import FINISHED
from runner.operations.free_space import LITTLE_SPACE, MAKE_ROOM, free_space
from runner.operations.last_reload import last_reload
from runner.operations.list_jobs import JobView, list_jobs
from runner.operations.missed_starts import missed_starts
from runner.operations.never_ran import never_ran
from runner.operations.refusals import refusal_alarms
from runner.operations.runs_to_look_at import paused_runs, runs_to_look_at
from runner.operations.settings import settings
from runner.operations.show_sources import SourceView, show_sources, told_pins
from runner.operations.standing_runs import standing_runs
from runner.operations.waiting import LockInUse, locks_in_use
from runner.sources.outcome import what_now
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.duration import format_size

LATELY = timedelta(hours=24)
"""Ends of holds further away than this are nobody's business today."""

LONG_DRAIN = timedelta(minutes=10)
SHOWN_OF_A_DRAIN = 3
"""Runs that a drain waits for and that are named."""


SHOWN_OF_AN_ERROR = 80
"""Characters; the rest is in `runner instances show`."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How the installation stands: its daemon, its jobs by status, and what needs a person."""

    daemon: DaemonNow
    jobs: Mapping[str, int]
    details: Mapping[str, int]
    """Detail word → how many jobs have it: `paused`, `backoff`, `draining` …"""
    running: int
    waiting: int
    findings: tuple[Concern, ...]
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
        *_failed(reader, jobs),
        *_partly(jobs),
        *_items(jobs),
        *runs_to_look_at(reader, lives, now),
        *(standing_runs(reader, now) if lives else ()),
        *alarms(reader, now),
        *refusal_alarms(reader, now),
        *paused_runs(reader, lives, now),
        *missed_starts(reader, jobs, lives, now),
        *never_ran(reader, jobs, now),
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


def _failed(reader: Reader, jobs: Sequence[JobView]) -> Iterator[Concern]:
    for job in jobs:
        failure = next((hold for hold in job.holds if hold.kind == "failure"), None)
        put_away = any(hold.kind == FINISHED for hold in job.holds)
        if failure is not None and (job.status == FAILED or put_away):
            hint = f"runner logs {job.name} --failed; then: runner jobs reset {job.name}"
            yield Concern("failed", job.name, failure.since, f"FAILED: {failure.reason}", hint)
        elif job.last is not None and job.last.state == "FAILED":
            summary = f"its last run ({job.last.id}) failed{_why(reader.instances.get(job.last.id))}"
            yield Concern(
                "failed", job.name, job.last.started_at, summary, f"runner instances show {job.last.id}"
            )


def _why(run: InstanceRecord | None) -> str:
    """`: what went wrong`, as far as it fits in a table."""
    said = "" if run is None or run.error is None else str(run.error.get("description") or "")
    return f": {said if len(said) <= SHOWN_OF_AN_ERROR else f'{said[:SHOWN_OF_AN_ERROR]}…'}" if said else ""


def _partly(jobs: Sequence[JobView]) -> Iterator[Concern]:
    """As many targets as were asked for succeeded; the others are still worth a look."""
    for job in jobs:
        if job.last is not None and job.last.state == "PARTIALLY_SUCCEEDED":
            summary = f"not all targets of its last run ({job.last.id}) succeeded"
            hint = f"runner instances show {job.last.id}; then: runner instances retry-failed {job.last.id}"
            yield Concern("partly", job.name, job.last.started_at, summary, hint, problem=False)


def _items(jobs: Sequence[JobView]) -> Iterator[Concern]:
    """What arrived and failed is not tried again by itself; what waits behind a hold is worth knowing."""
    for job in jobs:
        failed, waiting = job.items.get("FAILED", 0), job.items.get("WAITING", 0)
        if failed:
            summary = f"{failed} item{'s' if failed > 1 else ''} that arrived failed"
            hint = f"runner jobs items {job.name} --state failed; then --again ID or --drop ID"
            yield Concern("items", job.name, None, summary, hint)
        if waiting and job.holds:
            summary = f"{waiting} item{'s wait' if waiting > 1 else ' waits'} behind hold {job.holds[0].kind}"
            yield Concern("items", job.name, None, summary, f"runner jobs show {job.name}", problem=False)


def _daemon(reader: Reader, daemon: DaemonNow, now: datetime) -> Iterator[Concern]:
    """One that does not do what is due."""
    if daemon.holder is None or daemon.since is None:
        return
    if daemon.still is not None:
        summary = f"the daemon ({daemon.who}) is {daemon.still.how}: nothing starts, and nothing is recorded"
        yield Concern("daemon", "up", daemon.since, summary, daemon.still.go_on)
    elif daemon.doing == "silent":
        summary = f"the daemon ({daemon.who}) has not been heard since then"
        yield Concern("daemon", "up", daemon.since, summary, "runner doctor")
    elif daemon.doing == "draining":
        runs = waited_for(reader)
        left = ", ".join(runs[:SHOWN_OF_A_DRAIN]) + (", …" if len(runs) > SHOWN_OF_A_DRAIN else "")
        summary = f"the daemon drains, nothing starts any more; it waits for {left or 'its last records'}"
        long = now - daemon.since > LONG_DRAIN
        yield Concern("drains", "up", daemon.since, summary, "when it has ended: runner up", problem=long)


def _invalid(state: Path) -> Iterator[Concern]:
    last = last_reload(state)
    if last is not None and not last.ok:
        yield Concern("invalid", "declarations", None, last.text, last.command)


def _sources(sources: Sequence[SourceView], lives: bool) -> Iterator[Concern]:
    for source in sources:
        name, ready = source.record.name, source.ready
        since = source.record.checked_at
        if ready.status == "False":
            summary = f"{ready.message} ({ready.reason})"
            yield Concern("source", name, since, summary, what_now(ready.reason, name, lives=lives))
        elif lives and source.not_followed:
            summary = "no daemon asks its remote any more: it is not declared now; what it installed stays"
            yield Concern(
                "source", name, since, summary, "declare it in spec.sources of the Runner, or --git"
            )


def _pinned(reader: Reader) -> Iterator[Concern]:
    pins = reader.quarantines.active()
    for source in sorted({pin.source for pin in pins}):
        those = [pin for pin in pins if pin.source == source]
        hint = "ends with the first newer commit that changes them, or: runner rollback --end"
        yield Concern("pinned", source, those[0].since, told_pins(those), hint, problem=False)


def _listener(reader: Reader, daemon: DaemonNow) -> Iterator[Concern]:
    """Declared, and not there: nobody can report, and nothing that others start begins."""
    web = settings(reader).get("web")
    found = listener_there(web) if web is not None and daemon.doing == "running" else None
    if found is not None and found.verdict != "ok":
        yield Concern("listener", "web", None, found.text, found.advice)


def _little_space(state: Path) -> Iterator[Concern]:
    free = free_space(state)
    if free < LITTLE_SPACE:
        summary = f"the disk of {state} is {'almost ' if free else ''}full: {format_size(free)} free"
        yield Concern("disk", "state", None, summary, f"{MAKE_ROOM}; then: runner doctor")


def _ending_holds(reader: Reader, jobs: Sequence[JobView], now: datetime) -> Iterator[Concern]:
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
        yield Concern("hold-ends", "-" if which else held[0], until, summary, hint, problem=False)
