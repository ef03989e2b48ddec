"""Three clocks tell a step, a suspend and a stall apart (R14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.dispatch.clock_watch import (
    ClockEvent,
    ClockReading,
    compare_clocks,
    compare_with_the_last_daemon,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BEFORE = ClockReading(NOON, 1000.0, 600.0)


def after(passed_s: float = 10, *, slept_s: float = 0, stepped_s: float = 0) -> ClockReading:
    """What the clocks show after so much time, with the machine asleep or the wall clock stepped in it."""
    return ClockReading(
        NOON + timedelta(seconds=passed_s + stepped_s), 1000 + passed_s, 600 + passed_s - slept_s
    )


def test_time_that_passes_as_it_should_is_no_event() -> None:
    assert compare_clocks(BEFORE, after(30)) == ()
    assert compare_clocks(BEFORE, after(30, stepped_s=0.9)) == ()  # what NTP slews is less


@pytest.mark.parametrize("hours", range(-4, 11))
def test_a_step_of_the_clock_is_found_with_its_size(hours: int) -> None:
    events = compare_clocks(BEFORE, after(stepped_s=hours * 3600))
    expected = "forward" if hours > 0 else "backward"
    assert events == ((ClockEvent(expected, timedelta(hours=abs(hours))),) if hours else ())  # type: ignore[arg-type]
    assert [event.holds for event in events] == ([hours <= -3] if hours else [])


def test_a_suspend_is_no_step() -> None:
    assert compare_clocks(BEFORE, after(3600, slept_s=3590)) == (
        ClockEvent("suspend", timedelta(seconds=3590)),
    )


def test_a_suspend_after_which_the_clock_is_wrong_is_both() -> None:
    events = compare_clocks(BEFORE, after(7200, slept_s=7190, stepped_s=-3600))
    assert [event.kind for event in events] == ["suspend", "backward"]


def test_a_loop_that_did_not_turn_for_two_minutes_stood_still() -> None:
    assert compare_clocks(BEFORE, after(119)) == ()
    assert compare_clocks(BEFORE, after(120)) == (ClockEvent("stall", timedelta(minutes=2)),)


def test_a_step_between_two_daemons_of_one_boot_is_found() -> None:
    events = compare_with_the_last_daemon(NOON, 1000.0, after(3600, stepped_s=-1800), same_boot=True)
    assert events == (ClockEvent("backward", timedelta(minutes=30)),)


def test_after_a_reboot_only_a_step_back_is_known() -> None:
    later = ClockReading(NOON + timedelta(hours=9), 5.0, 5.0)
    assert compare_with_the_last_daemon(NOON, 1000.0, later, same_boot=False) == ()
    lost_battery = ClockReading(datetime(1970, 1, 1, tzinfo=UTC), 5.0, 5.0)
    [event] = compare_with_the_last_daemon(NOON, 1000.0, lost_battery, same_boot=False)
    assert (event.kind, event.holds) == ("backward", True)


def test_what_happened_is_said_in_a_sentence_with_what_becomes_of_the_starts() -> None:
    assert ClockEvent("backward", timedelta(hours=4)).text == (
        "the clock was put back by 4h: nothing is started twice; "
        "automatic starts are held (runner maintenance off)"
    )
    assert ClockEvent("forward", timedelta(minutes=90)).text == (
        "the clock was put forward by 1h30m: what fell due in that time was missed"
    )
