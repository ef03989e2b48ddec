"""Which installed objects of this source are no longer declared?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from runner.reconcile.plan import Change
from runner.reconcile.sides import Installed
from runner.reconcile.view import View
from runner.vocabulary.identity import Address, Place


def removals(view: View, moved: Collection[Address]) -> Iterator[Change]:
    """The lines of what this source has installed and does not declare; only for a plan of the whole source.

    `moved` are the addresses whose objects go on under another name. A job with a run under way gets hold
    `removed`, and goes when the run has ended.
    """
    installed = view.installed.objects
    for address in installed.keys() - view.declared.objects.keys():
        record = installed[address]
        if record.source != view.declared.source or address in moved:
            continue
        runs = view.installed.open_runs.get(record.uid, 0)
        active = f"{runs} run{'' if runs == 1 else 's'} active"
        if record.prune_disabled:
            line = _line("note", record, f"not removed: {_why_not(view, record)}")
            yield replace(line, impact={"left_alone": True})
        elif runs and any(hold.kind == "removed" for hold in view.held.get(record.uid, ())):
            yield _line("note", record, f"{active}; removed when {'it ends' if runs == 1 else 'they end'}")
        else:
            alive = view.installed.alive.get(record.uid) if address.kind == "Job" else None
            told = [active] if runs else []
            if alive is not None and alive.runs:
                told.append(f"{alive.runs} run{'' if alive.runs == 1 else 's'} in 30 days")
            if alive is not None and alive.state:
                told.append("has saved state")
            told += ["history is kept"] if address.kind == "Job" else []
            line = _line("uninstall", record, "no longer declared", "; ".join(told), runs)
            if alive is not None and (alive.runs or alive.state):
                lives = {"alive": True, "runs_in_30_days": alive.runs, "saved_state": alive.state}
                line = replace(line, impact={**line.impact, **lives})
            yield line


def _why_not(view: View, record: Installed) -> str:
    annotations = (view.was(record).declared.get("metadata") or {}).get("annotations") or {}
    if annotations and annotations.get("jobs.runner/prune") == "disabled":
        return "jobs.runner/prune is disabled"
    return "`runner undo` brought it back; declare it again, or `runner release` it"


def _line(action: str, record: Installed, reason: str, note: str = "", runs: int = 0) -> Change:
    impact: dict[str, object] = {"note": note} if note else {}
    return Change(
        action,
        record.address,
        reason,
        Place(record.file, record.line),
        uid=record.uid,
        expects=record.digest,
        before_digest=record.digest,
        protected=record.protected,
        impact=impact | ({"active_runs": runs} if runs else {}),
    )
