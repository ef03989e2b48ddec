"""Whatever happens in its nights, the run of a range begins only in them, stays one, and comes to an end."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from installations import ANA, Installation, a_job
from lives import at, claim, contradictions, decide, end, report, scheduled, set_watermark

from runner.execution.order import ErrorInfo
from runner.operations.claim_instance import Claimed
from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs
from runner.operations.expire_waiting import expire_waiting
from runner.operations.force import force_overdue
from runner.operations.keep_windows import keep_windows, look_at_windows
from runner.operations.pause_instances import pause_instances
from runner.operations.pause_jobs import pause_jobs, resume_jobs
from runner.operations.recover import left_behind, recover
from runner.operations.resume_instances import resume_instances
from runner.vocabulary.errors import IllegalTransition

OBEYED = ErrorInfo("stopped", "pause")
# Three afternoons from NOW on, at 2 to 4, 26 to 28 and 50 to 52 hours.
RANGE = {"from": "2026-11-23", "to": "2026-11-25", "start": "14:00", "end": "16:00"}
OVER = 100.0
OF_THE_RUN = ["starts", "ends", "fails", "crashes", "obeys", "restart", "pause", "resume"]
OF_THE_JOB = ["pause job", "resume job", "disable", "enable"]
EVENTS = st.sampled_from(["starts", "starts", *OF_THE_RUN, *OF_THE_JOB])
HOURS = st.sampled_from([0.01, 0.1, 0.5, 1.0, 2.0, 8.0, 22.0])


class Night:
    """One run of a range, and whatever a test lets happen to it."""

    def __init__(self, folder: Path, on_close: str, on_crash: str) -> None:
        self.here = Installation(folder / "runner.db")
        window = {**RANGE, "onClose": on_close, "lastStart": "10m"}
        steps = [{"name": "run", "shell": "true"}, {"name": "then", "shell": "true"}]
        job = a_job("load", schedule={"window": window}, steps=steps, onCrash=on_crash)
        self.here.install(job)
        set_watermark(self.here, "load", at(0))
        self.hours = 0.0

    @property
    def runs(self) -> list[Any]:
        with self.here.store.read() as reader:
            return reader.instances.list(limit=None)

    def is_open(self) -> bool:
        return any(begin <= self.hours < begin + 2 - 1 / 6 for begin in (2, 26, 50))

    def look(self) -> None:
        """What the daemon does at every look."""
        job, now = scheduled(self.here, "load"), at(self.hours)
        decide(self.here, "load", now)
        windows = {job.uid: job.windows}
        self.here.store.transact(lambda tx: expire_waiting(tx, now))
        self.here.store.transact(lambda tx: force_overdue(tx, now))
        with self.here.store.read() as reader:
            ids = look_at_windows(reader, windows, now).asked
        self.here.store.transact(lambda tx: keep_windows(tx, ids, windows, now))

    def happens(self, event: str) -> None:
        now = at(self.hours)
        verbs = {
            "pause job": pause_jobs,
            "resume job": resume_jobs,
            "disable": disable_jobs,
            "enable": enable_jobs,
        }
        if event in verbs:
            self._act(verbs[event], ["load"])
        for run in self.runs:
            live = run.state in ("RUNNING", "PAUSING", "STOPPING")
            if event == "starts" and run.state == "SCHEDULED" and run.due_at <= now:
                if isinstance(claim(self.here, run.id, now), Claimed):
                    assert self.is_open(), f"claimed at {self.hours}"
                    report(self.here, run.id, "start", now)
            elif event in ("ends", "fails", "crashes") and live:
                end(
                    self.here,
                    run.id,
                    {"ends": "succeeded", "fails": "failed", "crashes": "crashed"}[event],
                    now,
                )
            elif event == "obeys" and run.state in ("PAUSING", "STOPPING"):
                end(self.here, run.id, "stopped", now, error=OBEYED)
            elif event == "restart":
                with self.here.store.read() as reader:
                    ids = left_behind(reader)
                self.here.store.transact(lambda tx, ids=ids: recover(tx, ids, now))  # type: ignore[misc]
            elif event in ("pause", "resume"):
                self._act(pause_instances if event == "pause" else resume_instances, [run.id])

    def _act(self, verb: Any, what: list[Any]) -> None:
        with suppress(IllegalTransition):
            self.here.store.transact(lambda tx: verb(tx, what, actor=ANA, reason="", now=at(self.hours)))


@settings(max_examples=30, deadline=timedelta(seconds=60))
@given(
    on_close=st.sampled_from(["pause", "finish", "stop"]),
    on_crash=st.sampled_from(["resume", "fail"]),
    story=st.lists(st.tuples(HOURS, EVENTS, EVENTS), min_size=4, max_size=14),
)
def test_a_run_begins_only_in_its_windows_stays_one_and_ends(
    on_close: str, on_crash: str, story: list[tuple[float, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder), on_close, on_crash)
        for hours, *events in story:
            night.hours += hours
            night.look()
            for event in events:
                night.happens(event)
        night.hours = max(night.hours, 0) + OVER
        night.happens("ends")
        night.happens("enable")
        night.happens("resume job")
        for _ in range(3):
            night.look()
            night.happens("obeys")
        assert len(night.runs) <= 1
        assert all(run.completed_at is not None for run in night.runs), night.runs
        assert contradictions(night.here) == []
        night.here.store.close()
