"""A person is told once of the same trouble, and never stands in the way of the work."""

from __future__ import annotations

from typing import Any

from daemons import Heard, StandingClock

from runner.daemon.telling import KNOWN_TROUBLES, QUIET_S, Telling, tell
from runner.vocabulary.errors import ChangedMeanwhile

FULL = OSError("the disk is full")


def test_the_same_trouble_is_told_once_whatever_was_being_done() -> None:
    heard = Heard()
    telling = Telling(heard, StandingClock())
    for id in range(1000):
        telling.trouble(f"recording instance {id}", FULL)
    assert heard.of("trouble") == [("recording instance 0", "the disk is full")]


def test_after_a_while_it_is_told_again_with_how_often_it_was() -> None:
    clock, heard = StandingClock(), Heard()
    telling = Telling(heard, clock)
    for id in range(4):
        telling.trouble(f"recording instance {id}", FULL)
    clock.passes(seconds=QUIET_S)
    telling.trouble("recording instance 9", FULL)
    clock.passes(seconds=QUIET_S)
    telling.trouble("recording instance 10", FULL)
    assert [doing for doing, _ in heard.of("trouble")] == [
        "recording instance 0",
        "recording instance 9 (3 times more since it was told last)",
        "recording instance 10",
    ]


def test_another_trouble_is_told_at_once() -> None:
    heard = Heard()
    telling = Telling(heard, StandingClock())
    telling.trouble("recording instance 1", FULL)
    telling.trouble("recording instance 1", OSError("the disk is gone"))
    assert len(heard.of("trouble")) == 2


def test_ever_new_troubles_do_not_fill_the_memory() -> None:
    telling = Telling(Heard(), StandingClock())
    for number in range(5 * KNOWN_TROUBLES):
        telling.trouble("reading", OSError(str(number)))
    assert len(telling._told_at_s) <= KNOWN_TROUBLES


def test_a_terminal_that_is_gone_is_no_reason_to_fail() -> None:
    def say(*what: Any) -> None:
        raise BrokenPipeError

    tell(say, "hello")


def test_what_another_has_changed_at_that_moment_is_told_when_it_comes_again_soon() -> None:
    clock, heard = StandingClock(), Heard()
    telling = Telling(heard, clock)
    changed = ChangedMeanwhile("run 1 is no longer SCHEDULED")
    telling.trouble_if_it_stays("claiming instance 1", changed)
    telling.trouble_if_it_stays("claiming instance 2", changed)
    clock.passes(seconds=QUIET_S)
    telling.trouble_if_it_stays("claiming instance 1", changed)
    assert heard.of("trouble") == []
    telling.trouble_if_it_stays("claiming instance 1", changed)
    telling.trouble_if_it_stays("claiming instance 3", FULL)
    assert [doing for doing, _ in heard.of("trouble")] == ["claiming instance 1", "claiming instance 3"]
    for number in range(5 * KNOWN_TROUBLES):
        telling.trouble_if_it_stays(f"claiming instance {number}", changed)
    assert len(telling._changed_at_s) <= KNOWN_TROUBLES
