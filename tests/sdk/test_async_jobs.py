"""prepare, perform and run may be async; one event loop lives as long as the process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runner import Job, Status
from runner.sdk.port import Port
from runner.sdk.testing import Trial


class Connected(Job):
    """Keeps what belongs to the event loop over several calls."""

    async def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
        self.loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[int] = asyncio.Queue()
        await self.queue.put(1)
        return status or Status({"got": 0})

    async def perform(self, status: Status) -> Status:
        assert asyncio.get_running_loop() is self.loop
        got = await self.queue.get()
        await self.queue.put(got + 1)
        return Status({"got": status.state["got"] + got}, complete=got == 3)


def test_prepare_and_perform_share_their_event_loop() -> None:
    assert Trial(Connected).run().state == {"got": 6}


def test_a_resume_has_a_loop_of_its_own() -> None:
    assert Trial(Connected).run(kill_after=2).run().state == {"got": 1 + 6}


def test_run_may_be_async() -> None:
    async def run(job: Job) -> dict[str, int]:
        await asyncio.sleep(0)
        job.checkpoint()
        return {"rows": 1}

    assert Trial(run).run().outputs == {"rows": 1}


def test_any_awaitable_will_do() -> None:
    class Later:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return {"rows": 2}

    assert Trial(lambda job: Later()).run().outputs == {"rows": 2}


def test_a_short_async_sleep_keeps_the_process() -> None:
    async def run(job: Job) -> None:
        await job.sleep_async(60)

    trial = Trial(run).run()
    assert (trial.sleeps, trial.lives) == ([60.0], 1)


@pytest.mark.parametrize("together", [False, True])
def test_a_long_async_sleep_ends_the_process_also_from_a_task(together: bool) -> None:
    async def run(job: Job) -> None:
        if not together:
            await job.sleep_async(3600)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait() if not job.state and len(trial.sleeps) == 0 else done())
            group.create_task(job.sleep_async(3600))

    async def done() -> None:
        pass

    trial = Trial(run)
    assert (trial.run().sleeps, trial.lives, trial.ended) == ([3600.0], 2, "complete")


def test_a_stop_ends_an_async_sleep() -> None:
    async def run(job: Job) -> None:
        await job.sleep_async(50)

    trial = Trial(run)
    trial.run(on_sleep=lambda s: trial.stop())
    assert trial.ended == "stop"


def test_an_error_in_a_task_is_no_interruption() -> None:
    async def broken() -> None:
        raise OSError("no route")

    async def run(job: Job) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken())
            group.create_task(job.sleep_async(3600))

    with pytest.raises(BaseExceptionGroup):
        Trial(run).run()


def test_what_still_runs_at_the_end_is_cancelled() -> None:
    seen: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def run(job: Job) -> None:
        job.task = asyncio.create_task(forever())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    Trial(run).run()
    assert seen == ["cancelled"]


class Ticking(Port):
    """A port whose time only passes when somebody looks."""

    def __init__(self, stops_at: float) -> None:
        self.time = 0.0
        self.stops_at = stops_at

    def now(self) -> float:
        self.time += 0.05
        return self.time

    def asked(self) -> Any:
        return "stop" if self.time >= self.stops_at else None


@pytest.mark.parametrize(
    ("stops_at", "interruptible", "until"), [(9, True, 0.3), (0.1, True, 0.1), (0.1, False, 0.3)]
)
def test_a_port_may_inherit_a_wait_that_looks_for_a_stop(
    stops_at: float, interruptible: bool, until: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_seconds: float) -> None:
        pass

    monkeypatch.setattr(asyncio, "sleep", at_once)
    port = Ticking(stops_at)  # type: ignore[abstract]
    asyncio.run(port.wait_async(0.25, interruptible))
    assert until <= port.time <= until + 0.1


def test_an_async_batch_is_flushed_by_an_async_function() -> None:
    written: list[list[int]] = []

    async def write(items: list[int]) -> None:
        await asyncio.sleep(0)
        written.append(items)

    async def run(job: Job) -> None:
        async with job.batch(write, size=2) as batch:
            await batch.extend_async(range(3))
        job.checkpoint()

    Trial(run).run()
    assert written == [[0, 1], [2]]


def test_what_is_on_its_way_while_others_add_is_neither_lost_nor_written_twice() -> None:
    written: list[list[int]] = []

    async def run(job: Job) -> None:
        gate = asyncio.Event()

        async def write(items: list[int]) -> None:
            await gate.wait()
            written.append(items)

        batch = job.batch(write, size=2)
        first = asyncio.create_task(batch.extend_async([1, 2]))
        await asyncio.sleep(0)
        await batch.add_async(3)
        assert len(batch) == 3
        gate.set()
        await first
        assert len(batch) == 1
        await batch.flush_async()

    Trial(run).run()
    assert written == [[1, 2], [3]]


def test_what_an_async_function_could_not_write_stays_in_order() -> None:
    async def run(job: Job) -> dict[str, list[int]]:
        written: list[int] = []

        async def write(items: list[int]) -> None:
            if not job.state:
                job.state["refused"] = True
                raise OSError("no")
            written.extend(items)

        batch = job.batch(write, size=2)
        await batch.add_async(1)
        with pytest.raises(OSError):
            await batch.add_async(2)
        await batch.add_async(3)
        return {"written": written}

    assert Trial(run).run().outputs == {"written": [1, 2, 3]}
