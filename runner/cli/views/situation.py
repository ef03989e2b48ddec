"""How the installation stands, as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, short, show_data, show_line, show_table
from runner.operations.show_sources import in_short

if TYPE_CHECKING:
    from runner.operations.show_sources import SourceView
    from runner.operations.status import Situation


def situation_as_json(now: Situation) -> dict[str, Any]:
    """The same as the text, with names for everything."""
    daemon = now.daemon.holder
    return {
        "ok": now.ok,
        "daemon": None
        if daemon is None
        else {
            "pid": daemon.pid,
            "host": daemon.host,
            "since": instant(daemon.since),
            "doing": now.daemon.doing,
            "drains_since": instant(daemon.drains_since),
        },
        "jobs": dict(now.jobs),
        "details": dict(now.details),
        "running": now.running,
        "waiting": now.waiting,
        "locks": [
            {
                "name": lock.name,
                "instances": list(lock.holders),
                "jobs": list(lock.jobs),
                "since": instant(lock.since),
                "waiting": list(lock.waiting),
            }
            for lock in now.locks
        ],
        "sources": [source.as_json() for source in now.sources],
        "findings": [
            {
                "kind": finding.kind,
                "name": finding.name,
                "since": instant(finding.since),
                "problem": finding.problem,
                "summary": finding.summary,
                "hint": finding.hint,
            }
            for finding in now.findings
        ],
    }


def show_situation(now: Situation, output: str) -> None:
    """What needs a person first, then how everything stands."""
    if show_data(output, lambda: situation_as_json(now)):
        return
    if now.findings:
        show_table(
            ("WHAT", "NAME", "WHEN", "SUMMARY", "NEXT"),
            [(f.kind, f.name, short(f.since), f.summary, f.hint) for f in now.findings],
        )
        print()
    if now.locks:
        show_table(
            ("IN USE", "BY", "SINCE", "WAITING"),
            [
                (
                    lock.name,
                    ", ".join(f"{id} of {job}" for id, job in zip(lock.holders, lock.jobs, strict=True)),
                    short(lock.since),
                    ", ".join(map(str, lock.waiting)) or "-",
                )
                for lock in now.locks
            ],
        )
        print()
    if now.sources:
        show_table(
            ("SOURCE", "READY", "APPLIED", "ATTEMPTED", "ASKED", "CONDITIONS"),
            [_source_row(source) for source in now.sources],
        )
        print()
    counts = ", ".join(f"{count} {status}" for status, count in now.jobs.items() if count) or "none"
    daemon = "no daemon runs"
    if (holder := now.daemon.holder) is not None:
        doing = {"draining": ", draining", "stopped": ", stopped", "silent": ", silent"}.get(
            now.daemon.doing, ""
        )
        daemon = f"daemon {holder.pid} on {holder.host} since {short(holder.since)}{doing}"
    details = ", ".join(f"{count} {detail}" for detail, count in now.details.items())
    counts += f" ({details})" if details else ""
    show_line(f"Jobs: {counts}; {now.running} running, {now.waiting} waiting; {daemon}.")
    if now.ok:
        show_line("Nothing needs a person.")


def _source_row(source: SourceView) -> tuple[str, ...]:
    record = source.record
    holding = [each.type for each in source.conditions if each.status == "True" and each.type != "Ready"]
    if source.is_asked:
        holding.append(f"a look asked for by {record.asked_by}")
    return (
        record.name,
        source.ready.status,
        in_short(record.applied_ref, record.applied) or "-",
        in_short(record.attempted_ref, record.attempted) or "-",
        short(record.checked_at),
        ", ".join(holding) or "-",
    )
