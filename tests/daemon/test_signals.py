"""Signals before a daemon runs, and those that come together."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from runner.daemon.signals import (
    AT_ONCE_S,
    FORCE,
    STOP_SIGNALS,
    StoppedBefore,
    first_signals,
    stoppable,
    unless_at_once,
)


class Clock:
    """What a loop tells of the time."""

    now_s = 100.0

    def time(self) -> float:
        return self.now_s


def test_a_signal_that_is_passed_on_is_not_a_second_one() -> None:
    loop: Any = Clock()
    heard: list[int] = []
    again = unless_at_once(loop, heard.append)
    again(signal.SIGTERM)
    loop.now_s += AT_ONCE_S / 2
    again(signal.SIGINT)
    assert heard == []
    loop.now_s += AT_ONCE_S
    again(signal.SIGINT)
    assert heard == [signal.SIGINT]


def test_sigquit_is_never_too_early() -> None:
    loop: Any = Clock()
    heard: list[int] = []
    unless_at_once(loop, heard.append)(FORCE)
    assert heard == [FORCE]


def test_a_terminal_that_is_gone_asks_for_a_stop_unless_nohup_says_that_it_does_not() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert first_signals() == (*STOP_SIGNALS, signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert first_signals() == STOP_SIGNALS
    finally:
        signal.signal(signal.SIGHUP, before)


def test_sigterm_before_a_loop_listens_can_be_answered() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedBefore), stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_who_has_taken_the_signal_over_keeps_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with stoppable():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
