"""What windows ask of a run: nothing while open, a pause at the close, an end when nothing opens any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.dispatch.windows import WindowedRun, decide_window, next_look
from runner.schedules.kinds import schedule_from
from runner.schedules.window import Window

OPEN, CLOSED, LAST = "2026-06-01T23:00", "2026-06-02T12:00", "2026-06-03T12:00"


def a_window(**more: Any) -> Window:
    night = {"from": "2026-06-01", "to": "2026-06-02", "start": "22:00", "end": "04:00", **more}
    found = schedule_from({"window": [night], "timezone": "UTC"})
    assert isinstance(found, Window)
    return found


def asked(window: Window, at: str, state: str, begun: bool = True, *pauses: str, **more: Any) -> str | None:
    found = decide_window(window, WindowedRun(state, begun, pauses, **more), _utc(at))
    return None if found is None else found.what


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("state", ["SCHEDULED", "RUNNING", "PAUSING", "PAUSED", "STOPPING", "UNKNOWN"])
def test_nothing_is_asked_while_the_window_is_open(state: str) -> None:
    assert asked(a_window(), OPEN, state) is None


def test_what_runs_at_the_close_is_asked_to_pause_in_its_grace() -> None:
    found = decide_window(a_window(closeGrace="90s"), WindowedRun("RUNNING", True), _utc("2026-06-02T04:00"))
    assert found is not None and (found.what, found.grace) == ("pause", timedelta(seconds=90))


def test_what_runs_finishes_or_is_stopped_where_that_is_declared() -> None:
    assert asked(a_window(onClose="finish"), CLOSED, "RUNNING") is None
    assert asked(a_window(onClose="stop"), CLOSED, "RUNNING") == "stop"


def test_a_run_over_an_inventory_starts_no_further_target_although_it_may_finish() -> None:
    assert asked(a_window(onClose="finish"), CLOSED, "RUNNING", fans_out=True) == "pause"


def test_what_waits_while_it_is_closed_is_paused_whether_it_has_begun_or_not() -> None:
    assert asked(a_window(), CLOSED, "SCHEDULED") == "pause"
    assert asked(a_window(), CLOSED, "SCHEDULED", False) == "pause"


def test_the_run_of_an_opening_that_never_began_is_skipped_with_it() -> None:
    each = a_window(repeat="each")
    assert asked(each, CLOSED, "SCHEDULED", False) == "skip"
    assert asked(each, CLOSED, "SCHEDULED", True) == "pause"


def test_a_pause_of_another_reason_gets_that_of_the_window_beside_it() -> None:
    assert asked(a_window(), CLOSED, "PAUSED", True, "operator") == "pause"
    assert asked(a_window(), CLOSED, "PAUSED", True, "operator", "window") is None


def test_what_the_window_has_paused_goes_on_when_it_opens() -> None:
    assert asked(a_window(), OPEN, "PAUSED", True, "window") == "go-on"
    assert asked(a_window(), OPEN, "PAUSING", True, "window") == "go-on"
    assert asked(a_window(), OPEN, "PAUSED", True, "operator") is None
    assert asked(a_window(), OPEN, "PAUSED", True, "operator", "window") == "go-on", "one reason less"


def test_nothing_goes_on_shortly_before_the_close() -> None:
    assert asked(a_window(lastStart="5h30m"), OPEN, "PAUSED", True, "window") is None


def test_at_the_end_of_the_range_what_is_left_ends() -> None:
    assert asked(a_window(), LAST, "PAUSED", True, "window") == "expire"
    assert asked(a_window(), LAST, "PAUSED", True, "operator") == "expire"
    assert asked(a_window(), LAST, "SCHEDULED", True) == "expire"
    assert asked(a_window(), LAST, "SCHEDULED", False) == "skip"
    assert asked(a_window(), LAST, "RUNNING") == "pause", "it comes to a boundary, and ends there"
    assert asked(a_window(onClose="finish"), LAST, "RUNNING") is None


def test_the_next_look_is_at_the_next_edge() -> None:
    assert next_look(a_window(), _utc(OPEN)) == _utc("2026-06-02T04:00")
    assert next_look(a_window(), _utc(CLOSED)) == _utc("2026-06-02T22:00")
    assert next_look(a_window(), _utc(LAST)) is None
