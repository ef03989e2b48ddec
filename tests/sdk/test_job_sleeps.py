"""A short sleep keeps its process; a long one ends it, and the code passes through it when it comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import Job, Status
from runner.sdk.failures import JobCodeError
from runner.sdk.testing import STARTED_AT, Trial

HOUR = 3600.0


def a_class(perform: Callable[[Any, Status], Status], prepare: Any = None) -> type[Job]:
    members: dict[str, Any] = {"perform": perform} | ({"prepare": prepare} if prepare else {})
    return type("Made", (Job,), members)


def test_a_sleep_of_a_minute_keeps_the_process() -> None:
    trial = Trial(lambda job: job.sleep(60)).run()
    assert (trial.lives, trial.sleeps, trial.now) == (1, [60.0], STARTED_AT + 60)


def test_a_longer_sleep_ends_the_process_and_comes_back_as_the_same_instance() -> None:
    trial = Trial(lambda job: job.sleep(timedelta(hours=1))).run(through_sleeps=False)
    assert (trial.ended, trial.lives, trial.now) == ("sleep", 1, STARTED_AT)
    trial.run()
    assert (trial.ended, trial.lives, trial.now) == ("complete", 2, STARTED_AT + HOUR)


def test_code_without_state_passes_through_the_sleeps_that_are_over() -> None:
    def run(job: Job) -> None:
        job.log("a")
        job.sleep(HOUR)
        job.log("b")
        job.sleep(2 * HOUR)
        job.log("c")

    trial = Trial(run).run()
    assert "".join(trial.log) == "a" + "ab" + "abc"
    assert (trial.sleeps, trial.lives) == ([HOUR, 2 * HOUR], 3)


def test_a_loop_that_counts_in_its_state_goes_on_where_it_was() -> None:
    def run(job: Job) -> None:
        for page in range(job.state.get("page", 0), 3):
            job.log(str(page))
            job.state["page"] = page + 1
            job.sleep(HOUR)

    trial = Trial(run).run()
    assert (trial.log, trial.sleeps) == (["0", "1", "2"], [HOUR] * 3)


def test_a_poll_that_counts_in_its_state_asks_once_per_return() -> None:
    asked: list[float] = []

    def run(job: Job) -> None:
        while len(asked) < 5:
            asked.append(trial.now - STARTED_AT)
            job.state["polls"] = job.state.get("polls", 0) + 1
            job.sleep(HOUR)

    trial = Trial(run)
    trial.run()
    assert asked == [0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]


def test_the_author_of_a_loop_without_state_is_warned() -> None:
    def run(job: Job) -> None:
        for _ in range(25):
            job.sleep(HOUR)

    trial = Trial(run).run()
    assert trial.sleeps == [HOUR] * 25
    assert trial.warnings[0].code == "sleeps-repeat"


def test_perform_is_called_again_with_its_last_status_and_passes_through() -> None:
    calls: list[str] = []

    def perform(self: Job, status: Status) -> Status:
        calls.append(f"before {status.state}")
        status.state["half"] = True
        self.sleep(HOUR)
        calls.append("after")
        return Status({"count": status.state.get("count", 0) + 1}, complete="count" in status.state)

    trial = Trial(a_class(perform)).run()
    assert calls == ["before {}", "before {}", "after", "before {'count': 1}", "before {'count': 1}", "after"]
    assert trial.sleeps == [HOUR, HOUR]


def test_a_poll_in_perform_sleeps_every_time() -> None:
    def perform(self: Job, status: Status) -> Status:
        if trial.now >= STARTED_AT + 3 * HOUR:
            return Status({}, complete=True)
        self.sleep(HOUR)
        return status

    trial = Trial(a_class(perform))
    assert trial.run().sleeps == [HOUR] * 3


def test_prepare_may_sleep_at_each_start_without_keeping_perform_from_its_own() -> None:
    def prepare(self: Job, params: dict[str, Any], status: Status | None) -> Status:
        self.sleep(HOUR)
        return Status({"starts": status.state["starts"] + 1 if status else 1})

    def perform(self: Job, status: Status) -> Status:
        self.sleep(2 * HOUR)
        return Status(status.state, complete=True)

    trial = Trial(a_class(perform, prepare)).run()
    assert trial.sleeps == [HOUR, 2 * HOUR, HOUR]
    assert trial.ended == "complete"


def test_nothing_else_is_recorded_by_a_sleep_in_the_middle_of_perform() -> None:
    def perform(self: Job, status: Status) -> Status:
        self.persistent["times"] = self.persistent.get("times", 0) + 1
        self.info["times"] = self.persistent["times"]
        self.sleep(HOUR)
        return Status({}, complete=True)

    trial = Trial(a_class(perform)).run()
    assert (trial.persistent, trial.info) == ({"times": 1}, {"times": 1})


def test_run_repeats_what_it_did_since_its_last_checkpoint_persistent_included() -> None:
    def run(job: Job) -> None:
        job.persistent["times"] = job.persistent.get("times", 0) + 1
        job.sleep(HOUR)
        job.sleep(HOUR)

    assert Trial(run).run().persistent == {"times": 1}


def test_a_sleep_of_run_is_a_checkpoint_when_the_state_has_changed() -> None:
    def run(job: Job) -> None:
        if "asleep" not in job.state:
            job.state["asleep"] = True
            job.persistent["times"] = 1
            job.info["waits"] = "an hour"
            job.sleep(HOUR)
        job.persistent["times"] += 1

    trial = Trial(run).run(through_sleeps=False)
    assert trial.checkpoints[-1][1:] == ("sleep", {"asleep": True}, {"waits": "an hour"}, {"times": 1})
    assert trial.run().persistent == {"times": 2}


def test_a_crash_after_a_sleep_does_not_repeat_the_sleep() -> None:
    def run(job: Job) -> None:
        job.sleep(HOUR)
        if len(trial.sleeps) == 1 and trial.lives == 2:
            raise OSError
        job.state["done"] = True
        job.checkpoint()

    trial = Trial(run)
    with pytest.raises(OSError):
        trial.run()
    assert trial.run().sleeps == [HOUR]


def test_a_kill_right_after_the_sleep_was_recorded_loses_nothing() -> None:
    trial = Trial(lambda job: job.sleep(HOUR)).run(kill_after=1)
    assert trial.ended == "killed"
    assert trial.run().sleeps == [HOUR]
    assert trial.now == STARTED_AT + HOUR


def test_a_stop_ends_an_interruptible_sleep_at_once() -> None:
    trial = Trial(lambda job: job.sleep(50))
    trial.run(on_sleep=lambda s: trial.stop())
    assert (trial.ended, trial.now) == ("stop", STARTED_AT)


def test_a_sleep_that_is_not_interruptible_keeps_its_process_and_its_time() -> None:
    def run(job: Job) -> None:
        job.sleep(HOUR, interruptible=False)
        job.checkpoint()
        raise AssertionError("a checkpoint obeys")

    trial = Trial(run)
    trial.run(on_sleep=lambda s: trial.pause())
    assert (trial.ended, trial.lives, trial.now) == ("pause", 1, STARTED_AT + HOUR)


def test_a_sleep_that_was_swallowed_fails_the_step() -> None:
    def run(job: Job) -> None:
        with contextlib.suppress(BaseException):
            job.sleep(HOUR)

    with pytest.raises(JobCodeError) as raised:
        Trial(run).run()
    assert raised.value.code == "swallowed-sleep"
    assert raised.value.description.startswith(
        "run() went on after a sleep had ended the process; catch Exception and"
    )


def test_after_an_interruption_nothing_waits_any_more() -> None:
    def run(job: Job) -> None:
        try:
            job.sleep(30)
        finally:
            job.sleep(30)

    trial = Trial(run)
    trial.run(on_sleep=lambda s: trial.stop())
    assert trial.sleeps == [30.0]


def test_an_error_while_the_process_is_left_is_an_error() -> None:
    def run(job: Job) -> None:
        try:
            job.sleep(HOUR)
        finally:
            raise OSError("cannot clean up")

    trial = Trial(run)
    with pytest.raises(OSError, match="cannot clean up"):
        trial.run()
    assert trial.checkpoints == []


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        (-1, "seconds is -1; it is from 0 to 31622400 (366 days)"),
        (float("nan"), "seconds is nan; it is from 0 to 31622400 (366 days)"),
        (float("inf"), "seconds is inf; it is from 0 to 31622400 (366 days)"),
        (-(10**999), "seconds is a number of many digits; it is from 0 to 31622400 (366 days)"),
        ("60", "seconds is a str; it is a number or a timedelta"),
        (True, "seconds is a bool; it is a number or a timedelta"),
    ],
)
def test_a_sleep_takes_a_time(seconds: Any, error: str) -> None:
    with pytest.raises((ValueError, TypeError)) as raised:
        Trial(lambda job: job.sleep(seconds)).run()
    assert str(raised.value) == error


def test_a_job_that_only_sleeps_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(job: Job) -> None:
        while True:
            job.state["n"] = job.state.get("n", 0) + 1
            job.sleep(HOUR)

    monkeypatch.setattr("runner.sdk.testing.LIVES", 50)
    with pytest.raises(RuntimeError, match="has slept 50 times in a row"):
        Trial(run).run()


def test_a_job_that_ignores_the_state_it_sets_still_ends() -> None:
    def run(job: Job) -> None:
        job.state["doing"] = "download"
        job.checkpoint()
        job.sleep(HOUR)
        job.state["doing"] = "upload"
        job.checkpoint()
        job.sleep(2 * HOUR)

    assert Trial(run).run().sleeps == [HOUR, 2 * HOUR]


def test_a_state_that_goes_to_and_fro_sleeps_every_time() -> None:
    def run(job: Job) -> None:
        while trial.now < STARTED_AT + 6 * HOUR:
            job.state["light"] = "red" if job.state.get("light") == "green" else "green"
            job.sleep(HOUR)

    trial = Trial(run)
    assert trial.run().sleeps == [HOUR] * 6


def test_two_sleeps_in_one_round_are_told_apart() -> None:
    def run(job: Job) -> None:
        for i in range(job.state.get("at", 0), 3):
            job.sleep(HOUR)
            job.state["at"] = i + 1
            job.sleep(2 * HOUR)

    assert Trial(run).run().sleeps == [HOUR, 2 * HOUR] * 3


def test_a_sleep_that_is_met_only_sometimes_is_not_taken_for_another() -> None:
    def perform(self: Job, status: Status) -> Status:
        if trial.now < STARTED_AT + HOUR:
            self.sleep(HOUR)
        self.sleep(2 * HOUR)
        return Status({}, complete=True)

    trial = Trial(a_class(perform))
    assert trial.run().sleeps == [HOUR, 2 * HOUR]


def test_sleeps_in_a_class_are_forgotten_with_the_next_checkpoint() -> None:
    def prepare(self: Job, params: dict[str, Any], status: Status | None) -> Status:
        if status is not None:
            self.sleep(HOUR)
        return status or Status({"n": 0})

    def perform(self: Job, status: Status) -> Status:
        return Status({"n": status.state["n"] + 1}, complete=status.state["n"] == 2)

    trial = Trial(a_class(perform, prepare)).run(kill_after=1)
    trial.run(kill_after=3)
    assert trial.run().sleeps == [HOUR, HOUR]


hours = st.lists(st.integers(0, 3), max_size=6)
"""0 is a checkpoint, anything else a sleep of so many hours."""


@given(hours)
def test_without_state_every_sleep_is_slept_once(script: list[int]) -> None:
    def run(job: Job) -> None:
        for n in script:
            job.sleep(n * HOUR) if n else job.checkpoint()

    assert Trial(run).run().sleeps == [n * HOUR for n in script if n]


@given(hours, st.booleans(), st.integers(1, 12), st.booleans())
def test_with_a_counted_state_every_sleep_is_slept_once_wherever_it_is_killed(
    script: list[int], counts_first: bool, n: int, before: bool
) -> None:
    def run(job: Job) -> dict[str, int]:
        for i in range(job.state.get("at", 0), len(script)):
            if counts_first:
                job.state["at"] = i + 1
                job.persistent["hours"] = job.persistent.get("hours", 0) + script[i]
            job.sleep(script[i] * HOUR) if script[i] else job.checkpoint()
            if not counts_first:
                job.state["at"] = i + 1
                job.persistent["hours"] = job.persistent.get("hours", 0) + script[i]
        return {"hours": job.persistent.get("hours", 0)}

    trial = Trial(run).run(**{"kill_before" if before else "kill_after": n})  # type: ignore[arg-type]
    if trial.ended == "killed":
        trial.run()
    assert trial.sleeps == [hours * HOUR for hours in script if hours]
    assert trial.outputs == {"hours": sum(script)}


@given(st.lists(hours, max_size=4), st.integers(1, 20), st.booleans())
def test_in_a_class_every_sleep_is_slept_once_wherever_it_is_killed(
    units: list[list[int]], n: int, before: bool
) -> None:
    def perform(self: Job, status: Status) -> Status:
        at = status.state.get("at", 0)
        if at == len(units):
            return Status(status.state, complete=True)
        for hours in units[at]:
            self.sleep((hours + 1) * HOUR)
        return Status({"at": at + 1})

    trial = Trial(a_class(perform)).run(**{"kill_before" if before else "kill_after": n})  # type: ignore[arg-type]
    if trial.ended == "killed":
        trial.run()
    assert trial.sleeps == [(hours + 1) * HOUR for unit in units for hours in unit]
