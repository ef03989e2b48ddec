"""A trial runs a job as a daemon would, inside somebody's own test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from runner import Job, Status
from runner.sdk.testing import Checkpoint, Limits, Trial


class Three(Job):
    def perform(self, status: Status) -> Status:
        count = status.state.get("count", 0) + 1
        self.log(f"unit {count}")
        return Status({"count": count}, complete=count == 3)


def test_a_job_stands_still_between_two_steps() -> None:
    trial = Trial(Three)
    steps = trial.steps()
    assert next(steps).state == {}
    assert trial.log == []
    assert next(steps).state == {"count": 1}
    assert trial.log == ["unit 1"]
    assert [step.kind for step in steps] == ["checkpoint", "complete"]
    assert trial.ended == "complete"


def test_a_stop_between_two_steps_is_obeyed() -> None:
    trial = Trial(Three)
    for step in trial.steps():
        if step.n == 2:
            trial.stop()
    assert (trial.ended, trial.state) == ("stop", {"count": 1})


def test_steps_pass_through_a_sleep() -> None:
    class Sleeping(Three):
        def perform(self, status: Status) -> Status:
            self.sleep(100)
            return super().perform(status)

    trial = Trial(Sleeping)
    kinds = [step.kind for step in trial.steps()]
    assert kinds == ["checkpoint", "sleep", "checkpoint", "sleep", "checkpoint", "sleep", "complete"]


def test_leaving_the_steps_early_kills_the_job() -> None:
    trial = Trial(Three)
    for step in trial.steps():
        if step.n == 2:
            break
    assert trial.ended == "killed"
    assert trial.run().log == ["unit 1", "unit 2", "unit 3"]


def test_a_function_has_no_steps() -> None:
    with pytest.raises(TypeError, match="only a class can be run step by step; for a function use run"):
        next(Trial(lambda job: None).steps())


def test_a_function_is_looked_at_in_each_checkpoint() -> None:
    seen: list[Checkpoint] = []

    def run(job: Job) -> None:
        job.state["a"] = 1
        job.checkpoint()
        job.state["a"] = 2

    Trial(run).run(on_checkpoint=seen.append)
    assert seen == [
        Checkpoint(1, "checkpoint", {"a": 1}, {}, {}),
        Checkpoint(2, "complete", {"a": 2}, {}, {}),
    ]


def test_nobody_is_asked_to_stop_who_does_not_run() -> None:
    with pytest.raises(RuntimeError, match=r"^the job does not run now$"):
        Trial(Three).pause()


def test_a_complete_instance_is_not_run_again() -> None:
    with pytest.raises(RuntimeError, match="the instance is complete; make another Trial for the next one"):
        Trial(Three).run().run()


def test_a_job_can_be_started_in_the_middle() -> None:
    trial = Trial(Three, state={"count": 1}).run()
    assert trial.log == ["unit 2", "unit 3"]


def test_the_clock_shows_what_was_given() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    trial = Trial(lambda job: job.sleep(30), now=noon).run()
    assert trial.now == noon.timestamp() + 30


def test_limits_may_be_others() -> None:
    Trial(lambda job: job.state.update(a="x" * (1 << 20)), limits=Limits(state=2 << 20)).run()
    assert Trial(lambda job: job.sleep(30), limits=Limits(release_after_s=10)).run().lives == 2


def test_a_kill_runs_no_more_of_the_sdk() -> None:
    def run(job: Job) -> None:
        try:
            job.checkpoint()
        finally:
            job.log("too late")

    trial = Trial(run).run(kill_after=1)
    assert (trial.ended, trial.log) == ("killed", [])


def test_a_resumable_job_is_found_resumable() -> None:
    Trial(Three).assert_resumable()


def test_a_job_that_counts_outside_its_state_is_found_out() -> None:
    class Forgetful(Job):
        count = 0

        def perform(self, status: Status) -> Status:
            self.count += 1
            return Status({"count": self.count}, complete=self.count == 3 or len(status.state) > 9)

    class Greedy(Job):
        def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
            self.starts = 0 if status is None else 1
            return status or Status({"n": 0})

        def perform(self, status: Status) -> Status:
            n = status.state["n"] + 1
            return Status({"n": n}, n == 2, outputs={"starts": self.starts} if n == 2 else None)

    Trial(Forgetful).assert_resumable()
    with pytest.raises(AssertionError) as raised:
        Trial(Greedy).assert_resumable()
    assert str(raised.value) == (
        "killed after checkpoint 1, the job ends with outputs {'starts': 1} instead of {'starts': 0}"
    )


def test_a_job_that_does_not_end_undisturbed_cannot_be_compared() -> None:
    def run(job: Job) -> None:
        job.state["done"] = True
        raise OSError("broken anyway")

    with pytest.raises(OSError, match="broken anyway"):
        Trial(run).assert_resumable()
