"""Windows in a running daemon, with real children: the nights of a fleet, downtimes around their edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemons import Daemon, StandingClock
from fleets import Start, a_fan_out, fails_on, states
from installations import ANA, Installation, a_job
from lives import at, set_watermark

from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs
from runner.operations.pause_jobs import pause_jobs, resume_jobs

# NOW is noon, on Monday 23 November, in UTC; the window is open at 2 to 4 hours from then, and 26 to 28.
AFTERNOON: dict[str, Any] = {"from": "2026-11-23", "to": "2026-11-24", "start": "14:00", "end": "16:00"}


def a_fleet_in_windows(
    here: Installation, script: str, window: dict[str, Any] | None = None, **tasks: Any
) -> None:
    """Four devices, to be visited inside the windows of two days."""
    spec = {"schedule": {"window": {**AFTERNOON, **(window or {})}}}
    here.install(a_fan_out("visit", script, spec=spec, **tasks))
    set_watermark(here, "visit", at(0))


def waits_for(gate: Path) -> str:
    return f"until [ -e {gate} ]; do sleep 0.01; done"


def up_at(a_daemon: Start, hours: float) -> Daemon:
    return a_daemon(clock=StandingClock(at(hours)))


def state(here: Installation, id: int) -> tuple[str, str]:
    run = here.instance(id)
    return run.state, run.reason


def until(up: Daemon, id: int, *expected: str) -> None:
    up.until(lambda: state(up.here, id) == expected)


def counts(here: Installation, id: int) -> list[str]:
    return sorted(states(here, id).values())


def test_what_has_started_on_a_device_ends_and_what_is_left_goes_on_the_next_night(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), parallel=2)
    up = up_at(a_daemon, 1.9)
    assert up.engine.next_start() == (at(2), "visit")
    up.passes(to=at(2))
    up.until_heard("started", 1)
    up.until(lambda: counts(here, 1) == ["RUNNING", "RUNNING", "SCHEDULED", "SCHEDULED"])
    up.passes(to=at(4))
    until(up, 1, "PAUSING", "window")
    gate.touch()
    until(up, 1, "PAUSED", "window")
    assert counts(here, 1) == ["SCHEDULED", "SCHEDULED", "SUCCEEDED", "SUCCEEDED"]
    up.passes(to=at(20))
    up.settle()
    assert state(here, 1) == ("PAUSED", "window")
    up.passes(to=at(26))
    run = up.until_ended(1)
    assert (run.state, run.outputs["succeeded"], run.epoch) == ("SUCCEEDED", 4, 2)
    up.until(lambda: here.holds("visit") == [("finished", "system:clock")])
    up.until(lambda: up.engine.next_start() is None)


def test_no_device_is_begun_shortly_before_the_close(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), {"lastStart": "30m"}, parallel=1)
    up = up_at(a_daemon, 3)
    up.until(lambda: counts(here, 1) == ["RUNNING"] + ["SCHEDULED"] * 3)
    up.clock.passes(to=at(3.5))
    gate.touch()
    up.until(lambda: counts(here, 1) == ["SCHEDULED"] * 3 + ["SUCCEEDED"])
    up.engine.look()
    up.settle()
    assert (state(here, 1)[0], counts(here, 1)[0]) == ("RUNNING", "SCHEDULED")
    up.passes(to=at(4))
    until(up, 1, "PAUSED", "window")
    up.passes(to=at(26))
    assert up.until_ended(1).state == "SUCCEEDED"


def test_a_device_that_fails_is_tried_until_the_range_is_over_and_the_run_is_a_partial_success(
    here: Installation, a_daemon: Start
) -> None:
    a_fleet_in_windows(here, fails_on("edge-2"), {"retryEvery": "50m"}, parallel=4, minSuccess="50%")
    up = up_at(a_daemon, 2)
    up.until(lambda: counts(here, 1) == ["RESCHEDULED"] + ["SUCCEEDED"] * 3 if 1 in _ids(here) else False)
    up.passes(to=at(2, minutes=50))
    up.until(lambda: _failures(here) == 2)
    up.settle()
    up.passes(to=at(4))
    until(up, 1, "PAUSED", "window")
    up.passes(to=at(26))
    up.until(lambda: _failures(here) == 3)
    up.settle()
    up.passes(to=at(28))
    run = up.until_ended(1)
    assert (run.state, run.reason) == ("PARTIALLY_SUCCEEDED", "expired")
    assert states(here, 1)["edge-2"] == "FAILED"


def test_devices_are_interrupted_at_the_close_where_that_is_declared(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), {"onClose": "stop"}, parallel=4)
    up = up_at(a_daemon, 3)
    up.until(lambda: 1 in _ids(here) and counts(here, 1) == ["RUNNING"] * 4)
    up.passes(to=at(4))
    until(up, 1, "PAUSED", "window")
    assert counts(here, 1) == ["RESCHEDULED"] * 4
    gate.touch()
    up.passes(to=at(26))
    assert up.until_ended(1).state == "SUCCEEDED"


def test_devices_that_do_not_pause_in_the_grace_of_the_close_are_stopped_where_that_is_declared(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), {"closeGrace": "2m"}, parallel=4, onPause="interrupt")
    up = up_at(a_daemon, 3)
    up.until(lambda: 1 in _ids(here) and counts(here, 1) == ["RUNNING"] * 4)
    up.passes(to=at(4))
    until(up, 1, "PAUSING", "window")
    assert here.instance(1).forced_at == at(4, minutes=2)
    up.passes(minutes=2)
    until(up, 1, "PAUSED", "window")
    assert counts(here, 1) == ["RESCHEDULED"] * 4
    gate.touch()
    up.passes(to=at(26))
    assert up.until_ended(1).state == "SUCCEEDED"


def test_a_window_that_closed_while_the_daemon_was_down_pauses_what_it_had_left(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), parallel=2)
    up = up_at(a_daemon, 3)
    up.until(lambda: 1 in _ids(here) and counts(here, 1).count("RUNNING") == 2)
    up.stop(0)
    gate.touch()
    up = up_at(a_daemon, 10)
    until(up, 1, "PAUSED", "window")
    assert counts(here, 1) == ["RESCHEDULED", "RESCHEDULED", "SCHEDULED", "SCHEDULED"]
    up.stop(0)
    up = up_at(a_daemon, 27)  # and the next one opened while it was down
    assert up.until_ended(1).state == "SUCCEEDED"


def test_a_range_that_ended_while_the_daemon_was_down_ends_what_it_had_left(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_fleet_in_windows(here, waits_for(tmp_path / "never"), parallel=2)
    up = up_at(a_daemon, 3)
    up.until(lambda: 1 in _ids(here) and counts(here, 1).count("RUNNING") == 2)
    up.stop(0)
    up = up_at(a_daemon, 100)
    run = up.until_ended(1)
    assert (run.state, run.reason) == ("FAILED", "expired")
    up.until(lambda: len(here.holds("visit")) == 2)
    assert here.holds("visit") == [("failure", "system:clock"), ("finished", "system:clock")]
    assert counts(here, 1) == ["FAILED"] * 4


def test_a_range_in_which_no_daemon_ran_is_told_and_the_job_is_finished(
    here: Installation, a_daemon: Start
) -> None:
    a_fleet_in_windows(here, "true")
    up = up_at(a_daemon, 100)
    up.until(lambda: here.holds("visit") == [("finished", "system:clock")])
    with here.store.read() as reader:
        [row] = reader.slots.list()
    assert (row.decision, row.rule) == ("skipped", "window-end")


def test_a_run_without_a_place_all_night_gets_one_in_the_next(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    here.install(a_job("long", schedule=None, steps=[{"name": "run", "shell": waits_for(gate)}]))
    a_fleet_in_windows(here, "true")
    up = a_daemon(clock=StandingClock(at(1)), parallel=1)
    long = up.trigger("long")
    up.until_heard("started", long)
    up.passes(to=at(2))
    up.until(lambda: len(_ids(here)) == 2)
    id = max(_ids(here))
    up.passes(to=at(4))
    until(up, id, "PAUSED", "window")
    gate.touch()
    up.until_ended(long)
    up.passes(to=at(26))
    assert up.until_ended(id).state == "SUCCEEDED"


def test_a_job_that_is_disabled_in_its_window_goes_on_when_it_is_enabled(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), parallel=2)
    up = up_at(a_daemon, 3)
    up.until(lambda: 1 in _ids(here) and counts(here, 1).count("RUNNING") == 2)
    act(up, disable_jobs)
    up.passes(to=at(4))
    gate.touch()
    until(up, 1, "PAUSED", "window")
    up.passes(to=at(26))
    up.settle()
    up.until(lambda: "disable" in here.instance(1).pauses)
    act(up, enable_jobs)
    assert up.until_ended(1).state == "SUCCEEDED"


def test_a_pause_of_the_job_outlasts_its_window(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    a_fleet_in_windows(here, waits_for(gate), parallel=2)
    up = up_at(a_daemon, 3)
    up.until(lambda: 1 in _ids(here) and counts(here, 1).count("RUNNING") == 2)
    act(up, pause_jobs)
    gate.touch()
    until(up, 1, "PAUSED", "job")
    up.passes(to=at(5))
    until(up, 1, "PAUSED", "job, window")
    up.passes(to=at(26))
    until(up, 1, "PAUSED", "job")
    act(up, resume_jobs)
    assert up.until_ended(1).state == "SUCCEEDED"


def test_fire_and_forget_runs_once_and_its_job_is_finished(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("greet", schedule={"fireAndForget": {}}))
    set_watermark(here, "greet", at(0))
    up = up_at(a_daemon, 0.1)
    up.until(lambda: _ids(here) == [1])
    run = up.until_ended(1)
    assert (run.state, run.expires_at) == ("SUCCEEDED", at(0.5))
    up.until(lambda: here.holds("greet") == [("finished", "system:clock")])
    up.stop(0)
    up = up_at(a_daemon, 1)
    up.settle()
    assert _ids(here) == [1]


def test_fire_and_forget_that_had_no_daemon_in_its_time_is_skipped_and_finished(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_job("greet", schedule={"fireAndForget": {}}))
    set_watermark(here, "greet", at(0))
    up = up_at(a_daemon, 2)
    up.until(lambda: _ids(here) == [1])
    run = up.until_ended(1)
    assert (run.state, run.reason) == ("SKIPPED", "expired")
    up.until(lambda: here.holds("greet") == [("finished", "system:clock")])


def act(up: Daemon, verb: Any) -> None:
    name, now = next(iter(_names(up.here))), up.clock.now()
    up.here.store.transact(lambda tx: verb(tx, [name], actor=ANA, reason="", now=now))
    up.engine.look()


def _names(here: Installation) -> list[str]:
    with here.store.read() as reader:
        return [each.name for each in reader.objects.summaries("Job")]


def _ids(here: Installation) -> list[int]:
    with here.store.read() as reader:
        return [run.id for run in reader.instances.list(limit=None)]


def _failures(here: Installation) -> int:
    with here.store.read() as reader:
        task = reader.tasks.get(1, "edge-2")
    return 0 if task is None else task.failures


def test_a_range_that_is_done_stays_done_when_its_windows_are_edited(
    here: Installation, a_daemon: Start
) -> None:
    a_fleet_in_windows(here, "true")
    up = up_at(a_daemon, 2)
    up.until(lambda: here.holds("visit") == [("finished", "system:clock")])

    def edit(tx: Any) -> None:  # as an apply does: the hold ends, and the schedule counts from now
        uid = tx.objects.summaries("Job")[0].uid
        tx.holds.clear(uid, "finished", at=at(3), who="test")
        tx.slots.set_watermark(uid, "default", at(3))

    here.store.transact(edit)
    up.passes(to=at(3))
    up.until(lambda: here.holds("visit") == [("finished", "system:clock")])
    assert (_ids(here), up.engine.next_start()) == ([1], None)
