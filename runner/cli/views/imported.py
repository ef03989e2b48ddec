"""What an import has written, and what its reader must know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runner.cli.views.values import short, show_line, show_table
from runner.crontab.comparison import Comparison
from runner.crontab.lines import Remark
from runner.operations.import_crontab import Imported, ImportedJob
from runner.vocabulary.instants import to_text

_HEADINGS = {
    "lost": "Not carried over:",
    "differs": "Carried over, but not quite as cron does it:",
    "note": "To know:",
}
_MOST_NAMES = 12
_MOST = 40
"""Differences that are shown one by one; the rest is counted, and all are in the JSON."""


def as_json(imported: Imported, compared: Comparison | None) -> dict[str, Any]:
    """Everything, with keys that stay."""
    found: dict[str, Any] = {
        "source": imported.origin,
        "form": imported.form,
        "timezone": imported.zone,
        "lines": imported.lines,
        "jobs": [
            {
                "line": job.line,
                "name": job.name,
                "file": str(job.file),
                "cron": job.cron,
                "calendar": job.calendar,
                "timezone": job.timezone,
                "user": job.user,
            }
            for job in imported.jobs
        ],
        "files": [str(file) for file in imported.files],
        "remarks": [{"line": r.line, "severity": r.severity, "message": r.message} for r in imported.remarks],
    }
    if compared is not None:
        found["compared"] = _comparison_json(compared)
    return found


def show_text(imported: Imported, compared: Comparison | None, out: Path) -> None:
    """A table of the jobs, the remarks by weight, the comparison, and what to do next."""
    lines = f"{imported.lines} line{'' if imported.lines == 1 else 's'}"
    show_line(
        f"{imported.origin}: a {imported.form} crontab, zone {imported.zone}; "
        f"{len(imported.jobs)} of {lines} imported."
    )
    if imported.jobs:
        print()
        rows = [
            (str(job.line), job.name, _starts(job), job.user or "-", _shown(job.file))
            for job in imported.jobs
        ]
        show_table(("LINE", "JOB", "SCHEDULE", "USER", "FILE"), rows)
    for severity, heading in _HEADINGS.items():
        remarks = [remark for remark in imported.remarks if remark.severity == severity]
        if remarks:
            print(f"\n{heading}")
            for remark in remarks:
                show_line(f"  {_place(remark)}{remark.message}")
    if compared is not None:
        _show_comparison(compared)
    if imported.jobs:
        print(f"\nNext: `runner validate {_shown(out)}` and `runner plan {_shown(out)}`.")
        print("Take the lines out of cron before you apply: until then both would start them.")


def _starts(job: ImportedJob) -> str:
    without = f" without {job.calendar}" if job.calendar else ""
    return f"{job.cron}{without}" if job.cron else "@reboot"


def _place(remark: Remark) -> str:
    return f"line {remark.line}: " if remark.line else ""


def _show_comparison(compared: Comparison) -> None:
    print(f"\nCompared with cron from {short(compared.after)} to {short(compared.until)}:")
    many = len(compared.deviations)
    print(f"  {compared.starts} starts; " + ("none differs." if not many else f"{many} instants differ:"))
    if many:
        rows = [
            (each.local, str(each.line), each.name, str(each.cron), str(each.ours), each.mark)
            for each in compared.deviations[:_MOST]
        ]
        show_table(("  AT", "LINE", "JOB", "CRON", "HERE", ""), [(f"  {at}", *rest) for at, *rest in rows])
        if many > _MOST:
            print(f"  … and {many - _MOST} more (-o json has all)")
    if compared.times_piled_up:
        times = f"{compared.times_piled_up} time{'' if compared.times_piled_up == 1 else 's'}"
        print(
            f"  {times} more lines start at once than may run at the same time (limit {compared.parallel}):"
        )
        for pile in compared.pile_ups[:_MOST]:
            more = len(pile.names) - _MOST_NAMES
            names = ", ".join(pile.names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
            show_line(f"    {pile.local}  {pile.waiting} of {len(pile.names)} wait: {names}")
    else:
        print(
            f"  Never do more lines start at once than may run at the same time (limit {compared.parallel})."
        )


def _comparison_json(compared: Comparison) -> dict[str, Any]:
    return {
        "from": to_text(compared.after),
        "to": to_text(compared.until),
        "starts": compared.starts,
        "parallel": compared.parallel,
        "deviations": [
            {
                "at": to_text(each.at),
                "local": each.local,
                "line": each.line,
                "job": each.name,
                "cron": each.cron,
                "ours": each.ours,
                "mark": each.mark,
            }
            for each in compared.deviations
        ],
        "pile_ups": [
            {
                "at": to_text(each.at),
                "local": each.local,
                "jobs": list(each.names),
                "waiting": each.waiting,
            }
            for each in compared.pile_ups
        ],
        "times_piled_up": compared.times_piled_up,
    }


def _shown(path: Path) -> str:
    shown = os.path.relpath(path)
    return str(path) if shown.startswith("..") else shown
