"""A clock that is stepped loses no start and repeats none, from four hours back to ten forward (R14)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, decide, set_watermark, slots

from runner.dispatch.clock_watch import ClockReading, compare_clocks
from runner.operations.claim_instance import Waits
from runner.operations.end_holds import end_holds
from runner.operations.maintenance import maintenance_off
from runner.operations.note_clock import note_events, note_presence
from runner.operations.waiting import waits_for
from runner.schedules.kinds import schedule_from
from runner.store.events import EventRecord

ZERO = timedelta(0)


class Machine:
    """A daemon's clocks, and what it does at each tick."""

    def __init__(self, here: Installation, start: datetime = NOW) -> None:
        self.here = here
        self.clocks = ClockReading(start, 1000.0, 1000.0)
        here.store.transact(lambda tx: note_presence(tx, 1, "boot-a", self.clocks))

    def ticks(
        self, *, stepped: timedelta = timedelta(0), slept: timedelta = timedelta(0), **passed: float
    ) -> None:
        """Time passes, or the machine sleeps, and somebody sets the clock; then the daemon looks."""
        passes = timedelta(**passed) + slept
        before = self.clocks
        self.clocks = ClockReading(
            before.wall + passes + stepped,
            before.boot_s + passes.total_seconds(),
            before.awake_s + timedelta(**passed).total_seconds(),
        )
        events = [event for event in compare_clocks(before, self.clocks) if event.kind != "stall"]
        if events:
            self.here.store.transact(lambda tx: note_events(tx, 1, "boot-a", events, before, self.clocks))
        now = self.clocks.wall
        self.here.store.transact(lambda tx: end_holds(tx, now))
        decide(self.here, "tick", now)


def events(here: Installation) -> list[EventRecord]:
    with here.store.read() as reader:
        return reader.events.of("daemon", "1")[::-1]


def decided(here: Installation) -> list[tuple[str, str]]:
    return [(f"{slot.slot_at:%H:%M}", slot.decision) for slot in slots(here, "tick")]


def a_machine(here: Installation, schedule: object = None, **spec: object) -> Machine:
    here.install(a_job("tick", schedule=schedule or {"every": "1h"}, **spec))
    set_watermark(here, "tick", at(0))
    return Machine(here)


@pytest.mark.parametrize("hours", [-4, -3, -2, -1, 1, 3, 10])
def test_each_slot_is_decided_once_whatever_the_step(sound: Installation, hours: int) -> None:
    machine = a_machine(sound, missed={"policy": "all", "maxRuns": 50})
    machine.ticks(minutes=61)
    machine.ticks(minutes=1, stepped=timedelta(hours=hours))
    for _ in range(6 + max(0, -hours)):
        machine.ticks(minutes=60)
    keys = [slot.slot_key for slot in slots(sound, "tick")]
    assert len(keys) == len(set(keys))
    last = machine.clocks.wall
    expected = [f"{at(n):%H:%M}" for n in range(1, 40) if at(n) <= last]
    assert [time for time, _ in decided(sound)] == expected


@pytest.mark.parametrize(("policy", "runs"), [("none", []), ("last", ["22:00"]), ("all", 10)])
def test_after_a_step_forward_the_missed_policy_decides(
    sound: Installation, policy: str, runs: list[str] | int
) -> None:
    machine = a_machine(sound, missed={"policy": policy})
    machine.ticks(minutes=5, stepped=timedelta(hours=10))
    made = [time for time, decision in decided(sound) if decision == "instance"]
    assert (len(made) if isinstance(runs, int) else made) == runs
    assert [event.event for event in events(sound)] == ["clock.forward"]


def test_three_hours_back_hold_the_starts_until_the_clock_is_where_it_was(
    sound: Installation,
) -> None:
    machine = a_machine(sound)
    machine.ticks(minutes=61)
    machine.ticks(minutes=1, stepped=timedelta(hours=-3))
    assert sound.holds("tick") == [("maintenance", "system:clock-step")]
    [event] = events(sound)
    assert (event.event, event.details["severity"], event.details["seconds"]) == (
        "clock.backward",
        "error",
        -10800,
    )
    for _ in range(5):
        machine.ticks(minutes=60)
    assert sound.holds("tick") == []
    assert decided(sound) == [("13:00", "instance"), ("14:00", "instance"), ("15:00", "instance")]


def test_an_operator_who_has_looked_lets_them_go_on_by_the_new_time(sound: Installation) -> None:
    """The clock had been days ahead, and was put right."""
    machine = a_machine(sound)
    machine.ticks(minutes=61)
    machine.ticks(minutes=1, stepped=timedelta(days=-5))
    now = machine.clocks.wall
    sound.store.transact(lambda tx: maintenance_off(tx, (), actor=ANA, reason="it is right now", now=now))
    machine.ticks(minutes=60)
    assert [f"{slot.slot_at:%d %H:%M}" for slot in slots(sound, "tick")] == ["18 14:00", "23 13:00"]


def test_less_than_three_hours_back_hold_nothing(sound: Installation) -> None:
    machine = a_machine(sound)
    machine.ticks(minutes=1, stepped=timedelta(hours=-2, minutes=-59))
    assert sound.holds("tick") == []


def test_a_start_that_was_due_stays_due_and_waits_under_the_hold(sound: Installation) -> None:
    machine = a_machine(sound)
    machine.ticks(minutes=61)
    [slot] = slots(sound, "tick")
    assert slot.instance_id is not None
    machine.ticks(seconds=10, stepped=timedelta(hours=-4))
    now = machine.clocks.wall
    assert sound.instance(slot.instance_id).due_at == now
    assert isinstance(claim(sound, slot.instance_id, now), Waits)
    with sound.store.read() as reader:
        waits = waits_for(reader, sound.instance(slot.instance_id), now)
    assert waits is not None
    assert waits.text == "the clock, which was put far back (runner maintenance off)"


@pytest.mark.parametrize("hours", [-2, 10])
def test_a_retry_waits_as_long_as_it_would_have(sound: Installation, hours: int) -> None:
    machine = a_machine(sound)
    id = sound.run("tick", due_at=at(minutes=5))
    sound.store.transact(lambda tx: tx.instances.update(id, epoch=0, reason="retry"))
    machine.ticks(minutes=1, stepped=timedelta(hours=hours))
    assert sound.instance(id).due_at == at(hours, minutes=5)


def test_a_stop_that_is_to_be_forced_has_as_long_as_it_had(sound: Installation) -> None:
    machine = a_machine(sound)
    id = sound.run("tick", "STOPPING")
    sound.store.transact(lambda tx: tx.instances.update(id, epoch=1, forced_at=at(minutes=5)))
    machine.ticks(seconds=10, stepped=timedelta(hours=10))
    assert sound.instance(id).forced_at == at(10, minutes=5)


def test_what_fell_due_while_the_machine_slept_was_missed(sound: Installation) -> None:
    machine = a_machine(sound, missed={"policy": "last"})
    machine.ticks(seconds=10, slept=timedelta(hours=3, minutes=5))
    assert decided(sound) == [("13:00", "skipped"), ("14:00", "skipped"), ("15:00", "instance")]
    with sound.store.read() as reader:
        last = reader.presence.last()
    assert last is not None
    assert (last.began_by, last.moved_s) == ("suspend", 11_100)


def test_a_daemon_that_starts_before_the_last_one_was_there_holds_the_starts(sound: Installation) -> None:
    """A machine that lost the battery of its clock comes up in 1970."""
    a_machine(sound)
    woken = ClockReading(NOW - timedelta(days=9000), 5.0, 5.0)
    _, found = sound.store.transact(lambda tx: note_presence(tx, 2, "boot-b", woken))
    assert [event.kind for event in found] == ["backward"]
    assert sound.holds("tick") == [("maintenance", "system:clock-step")]
    sound.store.transact(lambda tx: end_holds(tx, at(0.1)))  # NTP has put it right
    assert sound.holds("tick") == []


TICK = st.tuples(st.integers(1, 90), st.one_of(st.just(0), st.integers(-240, 600)), st.booleans())


@settings(max_examples=15, deadline=None)
@given(ticks=st.lists(TICK, min_size=2, max_size=7), cron=st.booleans())
def test_however_the_clock_is_stepped_no_slot_is_lost_and_none_comes_twice(
    ticks: list[tuple[int, int, bool]], cron: bool
) -> None:
    with TemporaryDirectory() as folder:
        here = Installation(Path(folder) / ".runner" / "runner.db")
        schedule = {"cron": "*/30 3-23 * * *", "timezone": "Europe/Berlin"} if cron else {"every": "30m"}
        machine = a_machine(here, schedule, missed={"policy": "all", "maxRuns": 500, "maxAge": "90d"})
        furthest = machine.clocks.wall
        for minutes, step, slept in ticks:
            pause = timedelta(minutes=minutes) if slept else timedelta(0)
            machine.ticks(minutes=minutes, stepped=timedelta(minutes=step), slept=pause)
            furthest = max(furthest, machine.clocks.wall)
        machine.ticks(minutes=(furthest - machine.clocks.wall) / timedelta(minutes=1))
        rows = slots(here, "tick")
        counted = Counter(row.slot_key for row in rows if row.decision == "instance")
        due = {slot.key for slot in schedule_from(schedule).between(NOW, furthest)}
        assert counted == Counter(due)
        here.store.close()
