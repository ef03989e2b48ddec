"""Jobs as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.cli.views.drill import drill_as_json, verdict_of
from runner.cli.views.values import (
    instant,
    short,
    show_data,
    show_fields,
    show_line,
    show_table,
    warn,
)
from runner.reconcile.masking import masked

if TYPE_CHECKING:
    from runner.operations.list_jobs import JobView
    from runner.operations.show_job import JobDetails
    from runner.store.holds import HoldRecord

SHOWN_WAITS = 5


def job_as_json(job: JobView) -> dict[str, Any]:
    """The keys that scripts rely on."""
    return {
        "name": job.name,
        "uid": job.record.uid,
        "type": job.type,
        "status": job.status,
        "detail": job.detail,
        "holds": [hold_as_json(hold) for hold in job.holds],
        "mode": job.record.resolved["mode"],
        "next_at": instant(job.next_at),
        "triggers": sorted(_kinds(job)),
        "items": dict(job.items),
        "last_instance_id": job.last_instance_id,
        "last_state": None if job.last is None else job.last.state,
        "progress": None if job.last is None else job.last.progress,
        "labels": dict(job.record.labels),
        "groups": list(job.record.resolved["groups"]),
        "flow": job.record.resolved["flow"] or {},
        "digest": job.record.digest,
    }


def details_as_json(job: JobDetails) -> dict[str, Any]:
    """The same, with the resolved spec and the source."""
    record = job.view.record
    return {
        **job_as_json(job.view),
        "spec": masked(("spec",), record.resolved),
        "source": {"file": record.file, "line": record.line, "commit": record.commit},
        "drill": drill_as_json(job.drill, record.execution_digest),
        "waits": [{"id": id, "for": text} for id, text in job.waits],
        "refused": [
            {
                "schedule": each.schedule,
                "rule": each.rule,
                "count": each.count,
                "first_at": instant(each.first_at),
                "last_at": instant(each.last_at),
                "detail": each.detail,
            }
            for each in job.refused
        ],
        "failing": None
        if job.failing is None
        else {
            "run": job.failing.run,
            "since": instant(job.failing.since),
            "commit": job.failing.commit,
            "definition_changed": job.failing.changed,
        },
    }


def hold_as_json(hold: HoldRecord) -> dict[str, Any]:
    """One hold."""
    return {
        "kind": hold.kind,
        "owner": hold.owner,
        "reason": hold.reason,
        "since": instant(hold.since),
        "until": instant(hold.until),
    }


def show_jobs(jobs: Sequence[JobView], output: str, *, hidden: int = 0) -> None:
    """The list; `hidden` jobs would be listed with `--all`."""
    if hidden and output == "text":
        what = (
            "1 hidden (system) job fits and is"
            if hidden == 1
            else f"{hidden} hidden (system) jobs fit and are"
        )
        warn(f"{what} not listed: runner jobs list --all")
    if show_data(output, lambda: [job_as_json(job) for job in jobs], (job.name for job in jobs)):
        return
    if not jobs:
        warn("No job fits.")
    else:
        show_table(
            ("NAME", "TYPE", "STATUS", "DETAIL", "NEXT", "LAST", "HOLDS"),
            [
                (
                    job.name,
                    job.type,
                    job.status,
                    job.detail or "-",
                    short(job.next_at) if job.next_at is not None or not _kinds(job) else _awaits(job),
                    "-" if job.last is None else f"{job.last.id} {job.last.state}",
                    ", ".join(_held(hold) for hold in job.holds) or "-",
                )
                for job in jobs
            ],
        )


def show_details(job: JobDetails, output: str) -> None:
    """One job."""
    if not show_data(output, lambda: details_as_json(job), (job.view.name,)):
        _show_text(job)


def _show_text(job: JobDetails) -> None:
    from runner.operations.refusals import told

    view, record, spec = job.view, job.view.record, job.view.record.resolved
    show_fields(
        {
            "name": view.name,
            "uid": record.uid,
            "type": view.type + (" (protected)" if record.protected else ""),
            "status": view.status + (f" ({view.detail})" if view.detail else "") + _since(job),
            "mode": spec["mode"],
            "schedule": ", ".join(_schedule(settings) for settings in spec["schedules"].values()),
            "next": short(view.next_at),
            "items": _items(view),
            "labels": ", ".join(f"{key}={value}" for key, value in sorted(record.labels.items())),
            "groups": ", ".join(spec["groups"]),
            "steps": ", ".join(f"{step['name']} ({step['kind']})" for step in spec["steps"]),
            "version": spec["version"] or "",
            "description": spec["description"] or "",
            "source": f"{record.file}:{record.line}"
            + (f" @ {record.commit[:12]}{' (dirty)' if record.dirty else ''}" if record.commit else ""),
            "revision": f"{record.revision} {record.digest}",
            "failing": _failing(job),
            "resumable": verdict_of(job.drill, record.execution_digest, spec["onCrash"]),
        }
    )
    for hold in view.holds:
        show_line(f"held by {_held(hold)}, since {short(hold.since)}")
    for refused in job.refused:
        show_line(told(refused))
    for id, waits in job.waits[:SHOWN_WAITS]:
        show_line(f"run {id} waits for {waits}")
    if len(job.waits) > SHOWN_WAITS:
        show_line(f"and {len(job.waits) - SHOWN_WAITS} more wait: runner instances list --job {view.name}")
    if job.runs:
        print()
        show_table(
            ("RUN", "STATE", "REASON", "STARTED", "ENDED"),
            [(str(r.id), r.state, r.reason, short(r.started_at), short(r.completed_at)) for r in job.runs],
        )


def _failing(job: JobDetails) -> str:
    """`since run 12, 2026-11-21 02:00Z: the first one of commit 4f2c9e1`"""
    failing = job.failing
    if failing is None:
        return ""
    commit = f" of commit {failing.commit[:12]}" if failing.commit else ""
    why = f": the first one{commit or ' of a changed definition'}" if failing.changed else commit
    return f"since run {failing.run}, {short(failing.since)}{why}"


def _kinds(job: JobView) -> list[str]:
    """What triggers the job: file, webhook, after, startup."""
    if job.record.resolved["mode"] != "automatic":
        return []
    schedules = job.record.resolved["schedules"].values()
    return [str(each["trigger"]["kind"]) for each in schedules if each.get("trigger")]


def _awaits(job: JobView) -> str:
    waiting = job.items.get("WAITING", 0)
    said = "-" if job.holds else f"on {', '.join(dict.fromkeys(_kinds(job)))}"
    return f"{said}, {waiting} waiting" if waiting else said


def _items(job: JobView) -> str:
    """`3 waiting, 1 failed (runner jobs items NAME)`"""
    words = {"WAITING": "waiting", "TAKEN": "at work", "MOVING": "to be moved", "FAILED": "failed"}
    told = ", ".join(f"{job.items[state]} {word}" for state, word in words.items() if job.items.get(state))
    return f"{told} (runner jobs items {job.name})" if told else ""


def _since(job: JobDetails) -> str:
    running = [run for run in job.runs if run.state == "RUNNING"]
    if not running:
        return ""
    step = f", step {job.current_steps[0].name}" if job.current_steps else ""
    return f" since {short(running[-1].started_at)}{step}"


def _held(hold: HoldRecord) -> str:
    text = hold.kind if hold.owner in ("git", hold.kind) else f"{hold.kind} by {hold.owner}"
    if hold.until is not None:
        text += f" until {short(hold.until)}"
    return f"{text} ({hold.reason})" if hold.reason else text


def _schedule(settings: dict[str, Any]) -> str:
    if settings.get("trigger"):
        from runner.schedules.kinds import schedule_from
        from runner.schedules.trigger import TriggerSchedule, in_words

        schedule = schedule_from(settings)
        return f"started by {in_words(schedule)}" if isinstance(schedule, TriggerSchedule) else "trigger"
    if settings.get("window"):
        return f"window {_windows(settings['window'])} {settings.get('timezone') or ''}{_without(settings)}"
    if settings.get("fireAndForget"):
        once = settings["fireAndForget"]
        return f"once, at once; tried again every {once['retryEvery']} for {once['expiresIn']}"
    kind = next((kind for kind in ("cron", "every", "at", *settings) if settings.get(kind) is not None), "?")
    return f"{kind} {settings.get(kind)} {settings.get('timezone') or ''}".rstrip() + _without(settings)


def _windows(windows: list[dict[str, Any]]) -> str:
    """`22:00-04:00 mon-fri from 2026-12-01 to 2026-12-20 (one run)`, several with `and` between them."""
    told = []
    for each in windows:
        days = f" {','.join(each['weekdays'])}" if each.get("weekdays") else ""
        ends = "".join(f" {key} {each[key]}" for key in ("from", "to") if each.get(key))
        told.append(f"{each['start']}-{each['end']}{days}{ends}")
    run = "a run for each opening" if windows[0].get("repeat") == "each" else "one run"
    return f"{' and '.join(told)} ({run})"


def _without(settings: dict[str, Any]) -> str:
    calendars = settings.get("calendars")
    return f" without {', '.join(calendars)}" if calendars else ""
