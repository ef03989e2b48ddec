"""Writes from the loop and back: in order, and for records until the database takes them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from daemons import locked, no_thread, run_until
from installations import NOW, Installation, a_job

from runner.daemon import bridge as room
from runner.daemon.bridge import Bridge
from runner.store.open import open_store
from runner.vocabulary.errors import StoreUnavailable


class Desk:
    """A bridge on a store that waits for a lock only for a moment."""

    def __init__(self, here: Installation, loop: asyncio.AbstractEventLoop) -> None:
        here.store.close()
        here.store = open_store(here.path, busy_timeout_s=0.01)
        self.here = here
        self.loop = loop
        self.troubles: list[str] = []
        self.told: list[Any] = []
        self.threads: list[threading.Thread] = []
        self.bridge = Bridge(loop, here.store, trouble=lambda doing, problem: self.troubles.append(doing))
        here.install(a_job("a"))

    def record(self, number: int, *, is_short: bool = True, is_awaited: bool = False) -> None:
        def work(tx: Any) -> int:
            self.threads.append(threading.current_thread())
            tx.events.append("Job", "a", f"record-{number}", at=NOW, who="test")
            return number

        self.bridge.record(
            f"number {number}",
            work,
            lambda result, problem: self.told.append(problem or result),
            is_short=is_short,
            is_awaited=is_awaited,
        )

    def until(self, holds: Any) -> None:
        run_until(self.loop, holds)

    def recorded(self) -> list[int]:
        with self.here.store.read() as reader:
            names = [event.event for event in reader.events.of("Job", "a", 1000)][::-1]
        return [int(name.partition("-")[2]) for name in names if name.startswith("record-")]


@pytest.fixture
def desk(here: Installation, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(room, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(room, "LONGEST_PAUSE_S", 0.02)
    return Desk(here, loop)


def test_results_come_back_in_the_order_of_the_writes(desk: Desk) -> None:
    for number in range(20):
        desk.record(number)
    desk.until(lambda: not desk.bridge.pending)
    assert desk.told == desk.recorded() == list(range(20))


def test_a_write_that_is_tried_once_hears_that_it_failed(desk: Desk) -> None:
    heard: list[Any] = []
    with locked(desk.here):
        desk.bridge.write(lambda tx: 1, lambda result, problem: heard.append(problem))
        desk.until(lambda: bool(heard))
    assert isinstance(heard[0], StoreUnavailable)
    assert desk.bridge.pending == 0


def test_records_are_tried_again_and_none_overtakes_another(desk: Desk) -> None:
    with locked(desk.here):
        for number in range(3):
            desk.record(number)
        desk.until(lambda: bool(desk.troubles))
        desk.record(3)  # while the others wait
        desk.record(4)
        turns = len(desk.troubles)
        desk.until(lambda: len(desk.troubles) > turns)
        assert desk.told == []
    desk.record(5)
    desk.until(lambda: not desk.bridge.pending)
    assert desk.told == desk.recorded() == [0, 1, 2, 3, 4, 5]
    assert desk.troubles[0] == "recording number 0 (it will be tried again)"


def test_a_record_in_flight_does_not_pass_one_that_could_not_be_written(desk: Desk) -> None:
    """The lock goes away between two commits: what is second in the queue must not be first in the rows."""
    for round in range(5):
        with locked(desk.here):
            desk.record(3 * round)
            desk.until(lambda n=round: len(desk.troubles) > n)
            desk.record(3 * round + 1)
        desk.record(3 * round + 2)
        desk.until(lambda: not desk.bridge.pending)
    assert desk.told == desk.recorded() == list(range(15))


def test_a_record_whose_work_raises_is_told_and_not_tried_again(desk: Desk) -> None:
    def work(tx: Any) -> None:
        raise ValueError("no such step")

    heard: list[Any] = []
    desk.bridge.record("a step", work, lambda result, problem: heard.append(str(problem)))
    desk.record(1)
    desk.until(lambda: not desk.bridge.pending)
    assert (heard, desk.recorded(), desk.troubles) == (["no such step"], [1], [])


def test_a_callback_that_fails_keeps_nobody_else_from_hearing(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.new_event_loop()
    faults: list[Any] = []
    loop.set_exception_handler(lambda _, context: faults.append(str(context["exception"])))
    desk = Desk(here, loop)

    def fail(result: Any, problem: Any) -> None:
        raise RuntimeError("a listener's fault")

    desk.bridge.write(lambda tx: None, fail)
    desk.record(1)
    desk.until(lambda: not desk.bridge.pending)
    loop.close()
    assert (faults, desk.told) == (["a listener's fault"], [1])


def test_a_closed_store_is_a_problem_like_any_other(desk: Desk) -> None:
    desk.here.store.close()
    heard: list[Any] = []
    desk.bridge.write(lambda tx: 1, lambda result, problem: heard.append(problem))
    desk.until(lambda: bool(heard))
    assert isinstance(heard[0], StoreUnavailable)


def test_a_record_is_tried_again_when_there_is_no_thread_that_could_write_it(desk: Desk) -> None:
    with no_thread("store-writer"):
        desk.record(1, is_short=False)
        desk.until(lambda: bool(desk.troubles))
    desk.record(2)
    desk.until(lambda: desk.told == [1, 2])
    assert desk.recorded() == [1, 2]


def test_a_record_that_somebody_stands_still_for_is_written_before_the_turn_ends_when_it_is_alone(
    desk: Desk,
) -> None:
    desk.record(0)
    desk.bridge.hurry()
    assert desk.told == []
    desk.until(lambda: not desk.bridge.pending)
    desk.record(1, is_awaited=True)
    desk.bridge.hurry()
    assert (desk.told, desk.recorded()) == ([0, 1], [0, 1])
    desk.record(2)
    desk.until(lambda: not desk.bridge.pending)
    assert desk.told == desk.recorded() == [0, 1, 2]


def test_a_long_work_is_not_done_on_the_loop(desk: Desk) -> None:
    threads: list[threading.Thread] = []
    for is_short in (False, True):
        desk.bridge.write(
            lambda tx: threads.append(threading.current_thread()),
            lambda result, problem: None,
            is_short=is_short,
        )
        desk.until(lambda: not desk.bridge.pending)
    assert [thread is threading.current_thread() for thread in threads] == [False, True]


def test_a_long_record_is_not_written_on_the_loop_and_takes_those_beside_it_along(desk: Desk) -> None:
    for number in range(3):
        desk.record(number, is_short=number != 1)
    desk.until(lambda: not desk.bridge.pending)
    desk.record(3)
    desk.until(lambda: not desk.bridge.pending)
    here = [thread is threading.current_thread() for thread in desk.threads]
    assert (here, desk.told, desk.recorded()) == ([False, False, False, True], [0, 1, 2, 3], [0, 1, 2, 3])


def test_many_works_leave_in_several_commits_and_the_loop_turns_in_between(desk: Desk) -> None:
    works = 2 * room.MOST_HERE + 1
    for number in range(works):
        desk.record(number)
    told_at_each_turn: list[int] = []

    def turn() -> None:
        told_at_each_turn.append(len(desk.told))
        if len(desk.told) < works:
            desk.loop.call_soon(turn)

    desk.loop.call_soon(turn)
    desk.until(lambda: not desk.bridge.pending)
    assert {room.MOST_HERE, 2 * room.MOST_HERE} <= set(told_at_each_turn)
    assert set(desk.threads) == {threading.current_thread()}
    assert desk.told == desk.recorded() == list(range(works))


def test_what_comes_while_the_writer_is_at_work_leaves_together_when_it_is_done(desk: Desk) -> None:
    begun, door = threading.Event(), threading.Event()

    def hold(tx: Any) -> None:
        begun.set()
        door.wait(60)

    desk.bridge.write(hold, lambda result, problem: desk.told.append(problem or "held"))
    desk.until(begun.is_set)
    desk.record(1)
    desk.loop.call_soon(lambda: desk.record(2))
    desk.loop.call_soon(lambda: desk.loop.call_soon(door.set))
    desk.until(lambda: not desk.bridge.pending)
    assert (desk.told, desk.recorded()) == (["held", 1, 2], [1, 2])
    assert set(desk.threads) == {threading.current_thread()}


def test_the_loop_does_not_wait_for_a_writer_that_works_for_somebody_else(desk: Desk) -> None:
    begun, door = threading.Event(), threading.Event()

    def hold(tx: Any) -> None:
        begun.set()
        door.wait(60)

    desk.here.store.submit(hold, lambda result, problem: None)
    begun.wait(60)
    desk.record(1)
    desk.loop.call_soon(lambda: desk.record(2, is_awaited=True))
    desk.loop.call_soon(desk.bridge.hurry)
    desk.loop.call_soon(door.set)
    desk.until(lambda: not desk.bridge.pending)
    assert desk.told == desk.recorded() == [1, 2]
    assert [thread is threading.current_thread() for thread in desk.threads] == [False, True]


def test_the_loop_does_not_stand_still_for_a_database_that_another_program_holds(desk: Desk) -> None:
    desk.here.store.close()
    desk.here.store = open_store(desk.here.path, busy_timeout_s=60)
    desk.bridge = Bridge(desk.loop, desk.here.store)
    desk.record(0)
    desk.until(lambda: not desk.bridge.pending)
    with locked(desk.here):
        desk.record(1, is_awaited=True)
        desk.bridge.hurry()  # would wait for a minute
        assert desk.told == [0]
    desk.until(lambda: not desk.bridge.pending)
    assert desk.told == desk.recorded() == [0, 1]
    assert desk.threads[-1] is not threading.current_thread()


def test_after_a_slow_commit_there_is_none_on_the_loop_for_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SLOW_COMMIT_S", -1.0)
    monkeypatch.setattr(room, "RESTS", 1_000_000)
    for number in range(3):
        desk.record(number)
        desk.until(lambda: not desk.bridge.pending)
    here = [thread is threading.current_thread() for thread in desk.threads]
    assert (here, desk.recorded()) == ([True, False, False], [0, 1, 2])
