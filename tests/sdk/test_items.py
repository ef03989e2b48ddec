"""Jobs that work through what arrives: each item once, also when they die between any two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runner import Job, Status
from runner.sdk.failures import JobCodeError
from runner.sdk.testing import Trial

THREE = [{"payload": {"n": n}} for n in (1, 2, 3)]


def adding_up(job: Job) -> dict[str, Any]:
    for item in job.items():
        job.state["sum"] = job.state.get("sum", 0) + item.payload["n"]
    return {"sum": job.state.get("sum", 0)}


class AddingUp(Job):
    def perform(self, status: Status) -> Status:
        item = self.next_item()
        if item is None:
            return Status(status.state, complete=True, outputs={"sum": status.state["sum"]})
        status.state["sum"] = status.state.get("sum", 0) + item.payload["n"]
        item.done()
        return status


@pytest.mark.parametrize("code", [adding_up, AddingUp])
def test_every_item_counts_once_wherever_the_process_dies(code: Any) -> None:
    trial = Trial(code, items=THREE)
    assert trial.run().outputs == {"sum": 6}
    assert trial.items == []
    Trial(code, items=THREE).assert_resumable()


@pytest.mark.parametrize("code", [adding_up, AddingUp])
def test_what_is_not_recorded_as_done_comes_again(code: Any) -> None:
    n = 2 if code is adding_up else 3  # a class records where it begins, too
    trial = Trial(code, items=THREE).run(kill_before=n)
    assert [item["id"] for item in trial.items] == [2, 3]
    assert trial.run().outputs == {"sum": 6}


def test_the_same_item_comes_until_it_is_done() -> None:
    def looking_twice(job: Job) -> list[int]:
        first, second = job.next_item(), job.next_item()
        assert first is second is not None
        first.done()
        following = job.next_item()
        assert following is not None
        return [first.id, following.id]

    trial = Trial(looking_twice, items=THREE).run()
    assert trial.outputs == [1, 2]
    assert [item["id"] for item in trial.items] == [2, 3]  # done with the end of the run: the first alone


def test_several_may_be_done_before_one_checkpoint() -> None:
    def in_pairs(job: Job) -> None:
        while True:
            pair = []
            for _ in range(2):
                if (item := job.next_item()) is not None:
                    pair.append(item)
                    item.done()
            job.state["pairs"] = [*job.state.get("pairs", []), [item.id for item in pair]]
            job.checkpoint()
            if len(pair) < 2:
                return

    trial = Trial(in_pairs, items=THREE).run()
    assert trial.state == {"pairs": [[1, 2], [3]]}
    assert trial.items == []


def test_an_item_that_is_left_by_an_error_or_a_break_stays() -> None:
    def failing(job: Job) -> None:
        for item in job.items():
            if item.id == 2:
                raise ValueError("no")

    trial = Trial(failing, items=THREE)
    with pytest.raises(ValueError, match="no"):
        trial.run()
    assert [item["id"] for item in trial.items] == [2, 3]


def test_a_run_that_was_started_for_something_else_has_none() -> None:
    with pytest.raises(JobCodeError) as caught:
        Trial(adding_up).run()
    assert caught.value.code == "no-items"
    assert "declare `consume: true`" in str(caught.value)


def test_a_class_takes_one_at_a_time() -> None:
    class Looping(Job):
        def perform(self, status: Status) -> Status:
            for _ in self.items():
                pass
            return status

    with pytest.raises(JobCodeError) as caught:
        Trial(Looping, items=THREE).run()
    assert caught.value.code == "no-loop"


def test_who_records_nothing_is_stopped() -> None:
    def greedy(job: Job) -> None:
        while (item := job.next_item()) is not None:
            item.done()

    with pytest.raises(JobCodeError) as caught:
        Trial(greedy, items=[{"payload": n} for n in range(150)]).run()
    assert caught.value.code == "items-not-recorded"


def test_a_stop_ends_the_wait_for_an_item() -> None:
    trial = Trial(adding_up, items=THREE)
    trial.run(stop_after=1)
    assert trial.ended == "stop"
    assert trial.run().outputs == {"sum": 6}


def test_what_arrived_is_told() -> None:
    def told(job: Job) -> Iterator[Any]:
        return [(i.kind, i.file and i.file["path"], i.job and i.job["name"], i.at.year) for i in job.items()]

    items = [{"file": {"path": "a.csv"}}, {"job": {"name": "load"}}]
    assert Trial(told, items=items).run().outputs == [
        ("file", "a.csv", None, 2026),
        ("after", None, "load", 2026),
    ]
