"""A batch hands over many items at once, and none is lost at a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import Job, Status
from runner.sdk.failures import JobCodeError
from runner.sdk.testing import Trial


def in_a_job(work: Callable[[Job], Any], **given: Any) -> Trial:
    return Trial(work, **given).run()


def test_a_full_batch_is_flushed() -> None:
    written: list[list[int]] = []

    def run(job: Job) -> None:
        with job.batch(written.append, size=2) as batch:
            batch.extend(range(5))
            assert len(batch) == 1

    in_a_job(run)
    assert written == [[0, 1], [2, 3], [4]]


def test_a_batch_whose_first_item_has_waited_is_flushed_by_the_next() -> None:
    written: list[list[str]] = []

    def run(job: Job) -> None:
        with job.batch(written.append, seconds=5) as batch:
            batch.add("a")
            job.sleep(4)
            batch.add("b")
            job.sleep(1)
            batch.add("c")
            batch.add("d")

    in_a_job(run)
    assert written == [["a", "b", "c"], ["d"]]


def test_an_empty_batch_is_not_handed_over() -> None:
    def run(job: Job) -> None:
        with job.batch(lambda items: 1 / 0) as batch:
            batch.flush()

    in_a_job(run)


def test_a_status_with_an_unflushed_batch_is_an_error_and_not_recorded() -> None:
    class Losing(Job):
        def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
            return Status({"done": 0})

        def perform(self, status: Status) -> Status:
            self.batch(print, name="contacts").extend([1, 2])
            return Status({"done": 2}, complete=True)

    trial = Trial(Losing)
    with pytest.raises(JobCodeError) as raised:
        trial.run()
    assert (raised.value.code, raised.value.description) == (
        "unflushed-batch",
        "batch contacts holds 2 items at the end, where they would be lost; call its flush() before, or use "
        "it in a `with` block",
    )
    assert trial.state == {"done": 0}


@pytest.mark.parametrize(
    ("leave", "where"),
    [
        (lambda job: job.checkpoint(), "a checkpoint"),
        (lambda job: job.sleep(61), "a sleep that ends the process"),
        (lambda job: None, "the end"),
    ],
)
def test_every_place_where_items_would_be_lost_is_an_error(leave: Callable[[Job], Any], where: str) -> None:
    def run(job: Job) -> None:
        batch = job.batch(print)
        batch.add(1)
        leave(job)

    with pytest.raises(JobCodeError, match=f"batch print holds 1 item at {where}, where"):
        in_a_job(run)


def test_a_sleep_that_keeps_the_process_keeps_the_batch() -> None:
    written: list[Any] = []

    def run(job: Job) -> None:
        with job.batch(written.append) as batch:
            batch.add(1)
            job.sleep(60)

    in_a_job(run)
    assert written == [[1]]


def test_items_of_a_block_that_fails_are_dropped_like_the_state() -> None:
    written: list[Any] = []

    def run(job: Job) -> None:
        with pytest.raises(KeyError), job.batch(written.append) as batch:
            batch.add(1)
            raise KeyError
        job.checkpoint()

    in_a_job(run)
    assert written == []


def test_items_that_could_not_be_written_stay() -> None:
    def run(job: Job) -> None:
        batch = job.batch(refuse)
        with pytest.raises(OSError):
            batch.extend([1])
            batch.flush()
        assert len(batch) == 1
        batch.flush()

    def refuse(items: list[int]) -> None:
        if not refused:
            refused.append(items)
            raise OSError("no")

    refused: list[list[int]] = []
    in_a_job(run)


def test_an_async_function_does_not_flush() -> None:
    async def write(items: list[int]) -> None:
        raise AssertionError("never awaited")

    def run(job: Job) -> None:
        with job.batch(write) as batch:
            batch.add(1)

    with pytest.raises(TypeError, match="the function that flushes batch write is async"):
        in_a_job(run)


@pytest.mark.parametrize("given", [{"size": 0}, {"size": 1.5}, {"seconds": 0}, {"seconds": float("nan")}])
def test_a_batch_has_a_bound(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a batch is flushed"):
        in_a_job(lambda job: job.batch(print, **given))


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5), st.integers(1, 12))
def test_wherever_it_is_killed_every_item_is_written_and_in_order(
    sizes: list[int], size: int, n: int
) -> None:
    """What is written twice is written again from a recorded state on."""
    items = [(page, i) for page, count in enumerate(sizes) for i in range(count)]
    written: list[tuple[int, int]] = []

    class Paged(Job):
        def perform(self, status: Status) -> Status:
            page = status.state.get("page", 0)
            if page == len(sizes):
                return Status(status.state, complete=True)
            with self.batch(written.extend, size=size) as batch:
                batch.extend((page, i) for i in range(sizes[page]))
            return Status({"page": page + 1})

    trial = Trial(Paged).run(kill_before=n)
    if trial.ended != "complete":
        trial.run()
    assert list(dict.fromkeys(written)) == items
