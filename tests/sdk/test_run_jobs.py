"""A function: run(job) once, with the checkpoints that it makes itself."""

from __future__ import annotations

from typing import Any

import pytest

from runner import Job
from runner.sdk.failures import JobCodeError
from runner.sdk.testing import Trial


def pages(job: Job) -> dict[str, Any]:
    """Reads three pages, and remembers how many."""
    for page in range(job.state.get("pages", 0), 3):
        job.persistent["reads"] = job.persistent.get("reads", 0) + 1
        job.state["pages"] = page + 1
        job.info["pages.read"] = page + 1
        job.checkpoint()
    return {"pages": job.state["pages"]}


def test_what_run_returns_are_the_outputs() -> None:
    assert Trial(lambda job: {"rows": 3}).run().outputs == {"rows": 3}


def test_a_checkpoint_records_state_persistent_and_info_together() -> None:
    trial = Trial(pages).run(kill_after=2)
    assert trial.checkpoints[-1][2:] == ({"pages": 2}, {"pages": {"read": 2}}, {"reads": 2})


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("when", ["kill_after", "kill_before"])
def test_wherever_it_is_killed_it_ends_alike(when: str, n: int) -> None:
    trial = Trial(pages).run(**{when: n}).run()  # type: ignore[arg-type]
    assert (trial.state, trial.persistent, trial.outputs) == ({"pages": 3}, {"reads": 3}, {"pages": 3})


def test_a_stop_is_obeyed_at_a_checkpoint_and_the_rest_done_later() -> None:
    trial = Trial(pages).run(stop_after=1)
    assert (trial.ended, trial.state) == ("stop", {"pages": 1})
    assert trial.run().outputs == {"pages": 3}


def test_run_that_returns_when_it_should_stop_is_complete() -> None:
    def run(job: Job) -> None:
        job.checkpoint() if not job.state else None
        while not job.should_stop:
            trial.stop()

    trial = Trial(run)
    assert trial.run().ended == "complete"


def test_a_stop_is_no_exception_that_a_job_catches_by_accident() -> None:
    def run(job: Job) -> None:
        try:
            job.checkpoint()
        except Exception:
            raise AssertionError("a stop is no error") from None

    assert Trial(run).run(stop_after=1).ended == "stop"


def test_what_is_changed_after_the_last_checkpoint_is_recorded_at_the_end() -> None:
    def run(job: Job) -> None:
        job.state["a"] = 1
        job.persistent["b"] = 2
        job.info["c"] = 3

    trial = Trial(run).run()
    assert (trial.state, trial.persistent, trial.info) == ({"a": 1}, {"b": 2}, {"c": 3})


def test_a_failure_keeps_info_and_nothing_else_of_what_was_not_recorded() -> None:
    def run(job: Job) -> None:
        job.state["a"] = 1
        job.persistent["b"] = 2
        job.info["c"] = 3
        raise ValueError("no")

    trial = Trial(run)
    with pytest.raises(ValueError, match="no"):
        trial.run()
    assert (trial.state, trial.persistent, trial.info) == (None, {}, {"c": 3})


def test_the_state_may_be_replaced_by_another_map_only() -> None:
    def run(job: Job) -> None:
        with pytest.raises(TypeError, match="state is a list; it is a map"):
            job.state = []  # type: ignore[assignment]
        job.state = {"whole": "new"}

    assert Trial(run).run().state == {"whole": "new"}


def test_only_the_changed_keys_of_persistent_are_sent() -> None:
    sent: list[dict[str, Any]] = []

    def run(job: Job) -> None:
        commit = job._runner.port.commit
        job._runner.port.commit = lambda message: (sent.append(message), commit(message))  # type: ignore
        job.persistent["a"] = 2
        del job.persistent["b"]
        job.checkpoint()
        job.checkpoint()
        job.persistent["c"]["deep"] = 1
        job.checkpoint()

    trial = Trial(run, persistent={"a": 1, "b": 1, "c": {}, "d": 1}).run()
    assert [message.get("persistent") for message in sent] == [
        {"set": {"a": "2"}, "removed": ["b"]},
        None,
        {"set": {"c": '{"deep":1}'}, "removed": []},
        None,
    ]
    assert trial.persistent == {"a": 2, "c": {"deep": 1}, "d": 1}


def test_persistent_is_cleared_by_the_job() -> None:
    assert Trial(lambda job: job.persistent.clear(), persistent={"a": 1}).run().persistent == {}


def test_a_state_that_cannot_be_recorded_leaves_the_last_good_one() -> None:
    def run(job: Job) -> None:
        job.state["good"] = True
        job.checkpoint()
        job.state["when"] = object()
        job.persistent["lost"] = True
        job.checkpoint()

    trial = Trial(run)
    with pytest.raises(JobCodeError, match=r"^state\.when: object is not JSON$"):
        trial.run()
    assert (trial.state, trial.persistent) == ({"good": True}, {})


def test_persistent_state_has_its_limit_too() -> None:
    def run(job: Job) -> None:
        job.persistent["blob"] = "x" * (1 << 20)

    with pytest.raises(JobCodeError, match=r"persistent\.blob alone has") as raised:
        Trial(run).run()
    assert raised.value.code == "persistent-too-large"


def test_params_and_metadata_are_what_was_given() -> None:
    from datetime import UTC, datetime

    def run(job: Job) -> dict[str, Any]:
        m = job.metadata
        assert m.last_execution is None
        assert m.slot == datetime(2026, 5, 1, 2, tzinfo=UTC)
        assert m.next_slot == datetime(2026, 5, 2, 2, tzinfo=UTC)
        assert (m.job, m.instance, m.attempt, m.step, m.target) == ("nightly", 7, 2, "import", "-")
        return {"trigger": m.trigger, "region": job.params["region"], "file": m.trigger_details["file"]}

    metadata = {
        "job": "nightly",
        "instance": 7,
        "attempt": 2,
        "step": "import",
        "trigger": "slot",
        "trigger_details": {"file": "a.csv"},
        "slot": "2026-05-01T04:00:00+02:00",
        "next_slot": "2026-05-02T02:00:00Z",
    }
    trial = Trial(run, params={"region": "north"}, metadata=metadata).run()
    assert trial.outputs == {"trigger": "slot", "region": "north", "file": "a.csv"}
