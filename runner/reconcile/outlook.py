"""What will a plan do to the starts to come, to the runs that are under way, and would it have ended others?

Looks at the changes of a finished plan, and decides nothing: what is told here is no part of any digest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from runner.declaration.declared import Document
from runner.reconcile.back_tests import PastRun, back_tests
from runner.reconcile.pile_ups import new_pile_ups
from runner.reconcile.plan import Change, Plan
from runner.reconcile.sides import DeclaredSide, InstalledSide, holds_now
from runner.reconcile.start_changes import StartChanges, clock_changes, in_a_sentence, start_changes
from runner.vocabulary.identity import Address

LOOKED_AT = 200
"""Changed jobs of one plan whose starts are looked at; beyond that the plan says so."""

RUNS_TOLD = 3
"""Runs of one job that are named; the rest is counted."""

_NOTHING: Mapping[str, Any] = {}


class OpenRun(NamedTuple):
    """A run that has not ended; `has_begun` when it waits for another try, or to go on."""

    id: int
    state: str
    has_begun: bool


class RunAhead(NamedTuple):
    """What the new revision means to a run: `pinned`, `state-kept` or `blocked`."""

    id: int
    state: str
    means: str

    @property
    def sentence(self) -> str:
        return f"run {self.id} ({self.state}) {_MEANS[self.means]}"


_MEANS = {
    "pinned": "goes on with the revision that it began with",
    "state-kept": "goes on with the revision that it began with, from its state",
    "blocked": "waits until somebody resumes or cancels it",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of jobs, asked by uid and only for those that change.

    `kept_of`: the run whose saved state the next run takes over, and the steps that it is of. `crowd`: the
    schedules of the jobs that start by themselves today, each with how many use it.
    """

    past_of: Callable[[str], Sequence[PastRun]]
    open_of: Callable[[str], Sequence[OpenRun]]
    kept_of: Callable[[str], tuple[int, Sequence[str]] | None]
    crowd: Callable[[], Mapping[str, tuple[Mapping[str, Any], int]]]
    parallel: int


def with_outlook(
    plan: Plan, declared: DeclaredSide, installed: InstalledSide, recorded: Recorded, now: datetime
) -> Plan:
    """The same plan, with what it means beside each change (`impact`) and its new pile-ups."""
    jobs = [change for change in plan.changes if change.counts and change.address.kind == "Job"]
    if len(jobs) > LOOKED_AT:
        return replace(plan, remarks=(f"more than {LOOKED_AT} jobs change: their starts are not compared",))
    view = _View(declared, installed, recorded, now)
    changes = tuple(view.looked_at(change) if change.counts else change for change in plan.changes)
    crowd = recorded.crowd() if view.gained else {}
    piled = new_pile_ups(view.gained, view.lost, crowd, recorded.parallel)
    return replace(plan, changes=changes, pile_ups=piled)


class _View:
    """Both sides and what is recorded, and what the changes so far gain and lose."""

    def __init__(
        self, declared: DeclaredSide, installed: InstalledSide, recorded: Recorded, now: datetime
    ) -> None:
        self._declared = declared
        self._installed = installed
        self._recorded = recorded
        self._now = now
        self.gained: dict[datetime, list[Address]] = {}
        self.lost: Counter[datetime] = Counter()

    def looked_at(self, change: Change) -> Change:
        """The change, with what it means."""
        if change.address.kind == "Group":
            return self._group(change)
        if change.address.kind != "Job":
            return change
        before, after = self._before(change), self._after(change)
        remarks: list[str] = []
        told: dict[str, Any] = {}
        starts_before, starts_after = self._effective(change, before, after)
        moved = self._starts(change, starts_before, starts_after)
        if moved.gained or moved.lost:
            told["starts"] = moved.as_json()
            if change.action in ("update", "move", "disable", "uninstall"):
                remarks.append(in_a_sentence(moved, starts_before, starts_after, self._now))
        if before and after and before.get("schedules") != after.get("schedules"):
            notes = clock_changes(before, after, self._now)
            if notes:
                told["clock_changes"] = list(notes)
                remarks += notes
        if change.uid is not None and change.writes and before and after:
            tests = back_tests(before, after, self._recorded.past_of(change.uid), self._now)
            if tests:
                told["back_tests"] = [test.as_json() for test in tests]
                said = {each.path for each in change.fields if each.impact}
                remarks += [each.sentence for each in tests if each.field not in said]
        if change.uid is not None:
            runs = self._runs(change)
            if runs:
                told["runs"] = [run._asdict() for run in runs]
                remarks += _gathered([run.sentence for run in runs])
            kept = self._kept(change, after)
            if kept:
                told["state"] = kept[0]
                remarks.append(kept[1])
        if remarks:
            told["remarks"] = remarks
        return replace(change, impact={**change.impact, **told}) if told else change

    def _before(self, change: Change) -> Mapping[str, Any]:
        found: Document | None = None
        if change.uid is not None:
            found = self._installed.documents.get(change.moved_from or change.address)
        return found.resolved if found is not None else _NOTHING

    def _after(self, change: Change) -> Mapping[str, Any]:
        if change.action == "uninstall" or change.address not in self._declared.objects:
            return _NOTHING
        return self._declared.documents[change.address].resolved

    def _effective(
        self, change: Change, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What starts by itself on either side: a held job starts nothing, whatever its schedules say."""
        held = bool(change.uid) and bool(
            holds_now(self._installed.holds.get(change.uid or "", ()), self._now)
        )
        if change.action == "install":
            return _NOTHING, _NOTHING  # its own line enables it
        if change.action == "enable":
            starts = "next_start" in change.impact
            return _NOTHING, after if starts else _NOTHING
        if change.action == "disable":
            return (_NOTHING if held else before), _NOTHING
        if change.action == "uninstall":
            return (_NOTHING if held else before), _NOTHING
        return (_NOTHING, _NOTHING) if held else (before, after)

    def _starts(self, change: Change, before: Mapping[str, Any], after: Mapping[str, Any]) -> StartChanges:
        if before.get("schedules") == after.get("schedules") and before.get("mode") == after.get("mode"):
            return StartChanges((), (), self._now, is_whole=True)
        found = start_changes(before, after, self._now)
        spread = any(each.get("jitter") for each in (after.get("schedules") or {}).values())
        for at in found.gained if not spread else ():
            self.gained.setdefault(at, []).append(change.address)
        self.lost.update(found.lost)
        return found

    def _runs(self, change: Change) -> list[RunAhead]:
        """What becomes of each run that is under way."""
        if change.action not in ("update", "move", "disable", "uninstall"):
            return []
        ends = change.action in ("disable", "uninstall")
        found = []
        for run in self._recorded.open_of(change.uid or ""):
            if ends and run.state == "PAUSED":
                found.append(RunAhead(run.id, run.state, "blocked"))
            elif change.writes and change.action != "uninstall":
                kept = run.state == "PAUSED" or (run.has_begun and run.state == "SCHEDULED")
                found.append(RunAhead(run.id, run.state, "state-kept" if kept else "pinned"))
        return found

    def _kept(self, change: Change, after: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
        """What the next run makes of the state that a failed one left."""
        if not (change.writes and after and change.action in ("update", "move")):
            return None
        kept = self._recorded.kept_of(change.uid or "")
        if kept is None:
            return None
        run, steps = kept
        now = {step["name"] for step in after.get("steps") or ()}
        gone = sorted(set(steps) - now - {""})
        if gone:
            where = ", ".join(gone)
            text = f"what run {run} saved in step {where} is not gone on from: there is no such step now"
            return {"run": run, "means": "dropped", "steps": gone}, text
        text = f"the next run goes on from what run {run} saved, with the new revision"
        return {"run": run, "means": "kept", "steps": sorted(steps)}, text

    def _group(self, change: Change) -> Change:
        """How far the switch of a group reaches: the starts of its members, and their runs under way."""
        members = [Address.parse(name) for name in change.impact.get("members") or ()]
        if not members or change.action not in ("enable", "disable"):
            return change
        starts, runs = 0, 0
        for address in members[:LOOKED_AT]:
            record = self._installed.objects.get(address)
            document = self._installed.documents.get(address) if record else None
            if address in self._declared.objects:
                document = self._declared.documents[address]
            if document is None:
                continue
            found = start_changes(_NOTHING, document.resolved, self._now)
            starts += len(found.gained)
            runs += self._installed.open_runs.get(record.uid, 0) if record else 0
        what = "will not come" if change.action == "disable" else "come again"
        remarks = [f"{starts} start{'s' * (starts != 1)} of the next 7 days {what}"] if starts else []
        if runs and change.action == "disable":
            remarks.append(f"{runs} run{'s' * (runs != 1)} under way: each follows its job's onDisable")
        told = {"starts_reached": starts, "runs_reached": runs, "remarks": remarks}
        return replace(change, impact={**change.impact, **told})


def _gathered(sentences: Sequence[str]) -> list[str]:
    """Not more than a reader takes in; how many more there are."""
    left = len(sentences) - RUNS_TOLD
    return [*sentences[:RUNS_TOLD], *([f"and {left} more runs"] if left > 0 else [])]
