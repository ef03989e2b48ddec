"""From a recorded start to a recorded end, with real processes; and whatever comes in between."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from daemons import PATIENCE_S, Daemon, StandingClock, locked, shell, waits_for
from installations import ANA, NOW, Installation, a_job
from lives import at, set_watermark

from runner.daemon import bridge, dispatcher, ending
from runner.daemon.ending import WaitedFor
from runner.execution.processes import is_gone
from runner.operations.cancel import cancel_instances
from runner.operations.kill_instances import kill_instances
from runner.store.open import open_store

Start = Callable[..., Daemon]


def test_a_start_by_hand_becomes_a_recorded_success(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("hello", steps=shell('echo "said=hello" >> "$RUNNER_OUTPUT"')))
    up = a_daemon()
    id = up.trigger("hello")
    run = up.until_ended(id)
    assert (run.state, run.attempt, run.epoch) == ("SUCCEEDED", 1, 1)
    assert run.pid is not None and is_gone(run.pid, run.pid_started)
    up.until_heard("finished", (id, "SUCCEEDED", ""))
    assert up.heard.of("trouble") == []


def test_a_slot_starts_when_its_time_has_come_and_once(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(here, "tick", at(0.5))
    up = a_daemon(clock=StandingClock(at(0.6)))
    assert up.engine.next_start() == (at(1), "tick")
    up.passes(to=at(1))
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    up.engine.look()
    up.passes(to=at(2))
    up.until_heard("finished", (2, "SUCCEEDED", ""))
    assert [here.instance(id).slot_at for id in (1, 2)] == [at(1), at(2)]


def test_the_first_due_starts_first_and_no_more_than_there_are_places(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    for name in "abc":
        here.install(a_job(name, schedule=None, steps=waits_for(tmp_path / f"go-{name}")))
    ids = {name: here.run(name, due_at=at(seconds=-order)) for name, order in (("a", 1), ("b", 3), ("c", 2))}
    up = a_daemon(parallel=1)
    for name in "bca":
        up.until_running(ids[name])
        assert [here.instance(id).state for id in ids.values()].count("RUNNING") == 1
        (tmp_path / f"go-{name}").touch()
        up.until_ended(ids[name])
    assert up.heard.of("started") == [ids[name] for name in "bca"]


def test_missed_slots_are_caught_up_the_oldest_first(here: Installation, a_daemon: Start) -> None:
    missed = {"policy": "all", "maxAge": "2d", "maxRuns": 30}
    here.install(a_job("tick", schedule={"every": "1h"}, missed=missed))
    set_watermark(here, "tick", at(0.5))
    up = a_daemon(clock=StandingClock(at(24.5)), parallel=5)
    up.until(lambda: len(up.heard.of("finished")) == 24)
    assert [here.instance(id).slot_at for id in up.heard.of("started")] == [at(n) for n in range(1, 25)]


def test_missed_slots_of_one_job_are_in_no_other_jobs_way(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    missed = {"policy": "all", "maxAge": "2d", "maxRuns": 20}
    here.install(a_job("tick", schedule={"every": "1h"}, missed=missed, steps=waits_for(tmp_path / "go")))
    here.install(a_job("free", schedule=None))
    set_watermark(here, "tick", at(0.5))
    up = a_daemon(clock=StandingClock(at(12.5)), parallel=2)
    up.until(lambda: len(up.heard.of("started")) == 1)
    assert up.until_ended(up.trigger("free")).state == "SUCCEEDED"
    (tmp_path / "go").touch()
    up.until(lambda: len(up.heard.of("finished")) == 13)


def test_waiting_starts_of_a_paused_job_are_in_nobodys_way(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("paused", schedule=None), a_job("free", schedule=None))
    waiting = [here.run("paused", key=f"{n}", due_at=at(seconds=-n)) for n in range(1, 9)]
    here.hold("paused", "paused")
    up = a_daemon(parallel=2)
    assert up.until_ended(up.trigger("free")).state == "SUCCEEDED"
    assert {here.instance(id).state for id in waiting} == {"SCHEDULED"}
    uid = here.uid("paused")
    here.store.transact(lambda tx: tx.holds.clear(uid, "paused", at=NOW, who="ana"))
    up.engine.look()
    up.until(lambda: all(here.instance(id).completed_at for id in waiting))


def test_a_running_one_is_cancelled_with_all_its_processes(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("long", schedule=None, steps=shell("sleep 600 & sleep 600")))
    up = a_daemon()
    id = up.trigger("long")
    up.until_running(id)
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    up.engine.look()
    up.until_heard("finished", (id, "CANCELLED", "cancel"))


def test_a_run_whose_file_is_lost_fails_and_says_how_to_get_it_back(
    here: Installation, a_daemon: Start
) -> None:
    job = a_job("lost", schedule=None)
    here.install(replace(job, resolved={**job.resolved, "files": {"sum.sql": "0" * 64}}))
    up = a_daemon()
    run = up.until_ended(up.trigger("lost"))
    assert run.error is not None and run.error["description"] == (
        "the copy of sum.sql as it was applied is gone from the state directory; "
        "run `runner reconcile`, which keeps it again"
    )


def test_a_missing_secret_fails_the_run_and_says_where(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("needy", schedule=None, env={"T": {"authorization": "api", "key": "token"}}))
    up = a_daemon()
    id = up.trigger("needy")
    up.until_heard("finished", (id, "FAILED", "unknown-name"))
    assert "Authorization/api is not installed" in dict(here.instance(id).error or {})["description"]
    assert up.engine.running == 0


def test_a_secret_file_that_others_may_read_is_a_warning_of_the_run(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("hunter22")
    secret.chmod(0o644)
    config = {"config": {"token": {"from": {"file": str(secret)}}}}
    api = replace(a_job("api"), kind="Authorization", resolved=config, digest="sha256:api", enabled=None)
    env = {"T": {"authorization": "api", "key": "token"}, "U": {"authorization": "api", "key": "token"}}
    here.install(api, a_job("careless", schedule=None, env=env))
    up = a_daemon()
    id = up.trigger("careless")
    assert up.until_ended(id).state == "SUCCEEDED"
    with here.store.read() as reader:
        [warning] = reader.errors.of(id)
    assert (warning.severity, warning.code, warning.description) == (
        "warning",
        "authorization",
        f"Authorization api: file {secret} can be read by others (mode 0644); run: chmod 600 {secret}",
    )


def test_an_unreadable_definition_fails_its_own_run_only(here: Installation, a_daemon: Start) -> None:
    import sqlite3

    here.install(a_job("broken", schedule=None), a_job("fine", schedule=None))
    uid = here.uid("broken")
    broken = here.run("broken")
    fine = here.run("fine")
    with sqlite3.connect(here.path) as other:
        other.execute("UPDATE revisions SET resolved = '{\"steps\": []}' WHERE object_uid = ?", (uid,))
    other.close()
    up = a_daemon()
    assert up.until_ended(fine).state == "SUCCEEDED"
    run = up.until_ended(broken)
    assert (run.state, run.reason) == ("FAILED", "not-started")
    assert [doing for doing, _ in up.heard.of("trouble")] == [
        "reading Job/broken, which starts no more by itself"
    ]


def test_missed_starts_are_caught_up_one_after_the_other(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}, missed={"policy": "all"}))
    here.install(a_job("other", schedule=None))
    set_watermark(here, "tick", NOW)
    up = a_daemon(clock=StandingClock(at(5.5)))
    up.until(lambda: len(up.heard.of("finished")) == 5)
    assert [here.instance(id).slot_at for id, _, _ in up.heard.of("finished")] == [
        at(hour) for hour in (1, 2, 3, 4, 5)
    ]
    words = [word for word, _ in up.heard.lines if word in ("started", "finished")]
    assert words == ["started", "finished"] * 5


def test_a_removed_job_drains_and_goes(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    here.install(a_job("old", schedule=None, steps=waits_for(tmp_path / "go")))
    up = a_daemon()
    id = up.trigger("old")
    up.until_running(id)
    here.hold("old", "removed", "git")
    up.engine.look()
    up.settle()
    assert up.heard.of("removed") == []
    (tmp_path / "go").touch()
    up.until_heard("removed", "old")
    assert here.instance(id).state == "SUCCEEDED"


def test_a_job_that_fails_too_often_starts_no_more(here: Installation, a_daemon: Start) -> None:
    spec = {"schedule": {"every": "1h"}, "retry": "none", "failAfter": 2, "steps": shell("exit 3")}
    here.install(a_job("bad", **spec))
    set_watermark(here, "bad", NOW)
    up = a_daemon()
    for hour in (1, 2):
        up.passes(to=at(hour))
        up.until_heard("finished", (hour, "FAILED", "exit-code"))
    up.until(lambda: up.engine.next_start() is None)
    up.passes(to=at(3))
    up.settle()
    assert len(up.heard.of("started")) == 2


# -- the database cannot be written for a while


@pytest.fixture
def impatient(here: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A store that waits for a lock only for a moment, and a daemon that tries again soon."""
    here.store.close()
    here.store = open_store(here.path, busy_timeout_s=0.02)
    monkeypatch.setattr(bridge, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(bridge, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(dispatcher, "PAUSE_S", 0.05)
    return here


def test_an_end_that_cannot_be_written_is_written_later(
    impatient: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here = impatient
    here.install(a_job("work", schedule=None, steps=[*waits_for(tmp_path / "go"), *shell("true", "second")]))
    up = a_daemon()
    id = up.trigger("work")
    up.until_running(id)
    up.settle()
    with locked(here):
        (tmp_path / "go").touch()
        up.until_heard("trouble")
        assert here.instance(id).state == "RUNNING"
    assert up.until_ended(id).state == "SUCCEEDED"
    up.until(lambda: up.engine.running == 0)
    [(doing, problem)] = up.heard.of("trouble")
    assert doing.startswith("recording step run of instance 1 (it will be tried again)")
    assert "is locked by another process" in problem


def test_a_place_is_free_again_while_an_end_waits_to_be_written(
    impatient: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here = impatient
    for name in "ab":
        here.install(a_job(name, schedule=None, steps=shell("true")))
    up = a_daemon(parallel=1)
    first, second = here.run("a"), here.run("b")
    with locked(here):
        up.engine.look()
        up.until_heard("trouble")
    assert up.until_ended(first).state == "SUCCEEDED"
    assert up.until_ended(second).state == "SUCCEEDED"


def test_slots_that_could_not_be_decided_are_decided_later(impatient: Installation, a_daemon: Start) -> None:
    here = impatient
    here.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(here, "tick", at(0.5))
    up = a_daemon(clock=StandingClock(at(0.6)))
    up.settle()
    with locked(here):
        up.passes(to=at(1))
        up.until_heard("trouble")
    up.passes(seconds=6)
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    assert here.instance(1).slot_at == at(1)


# -- what cannot be recorded at all


def test_outputs_that_no_database_takes_fail_their_run_and_not_the_daemon(
    here: Installation, a_daemon: Start
) -> None:
    source = "def run(): return {'name': '\\udc80'}"  # a file name that is no UTF-8
    here.install(a_job("odd", schedule=None, steps=[{"name": "run", "python": {"source": source}}]))
    here.install(a_job("fine", schedule=None))
    up = a_daemon()
    run = up.until_ended(up.trigger("odd"))
    assert (run.state, run.reason) == ("FAILED", "not-recorded")
    assert "step run could not be recorded" in dict(run.error or {})["description"]
    assert up.until_ended(up.trigger("fine")).state == "SUCCEEDED"
    up.until(lambda: up.engine.running == 0)


# -- stops


def test_a_stop_with_nothing_to_do_is_at_once(here: Installation, a_daemon: Start) -> None:
    assert a_daemon().stop(60) == 0
    assert not (here.state / "wake.sock").exists()


def test_a_stop_lets_work_end_within_the_grace(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    here.install(a_job("work", schedule=None, steps=waits_for(tmp_path / "go")))
    up = a_daemon()
    id = up.trigger("work")
    up.until_running(id)
    up.loop.call_later(0.05, (tmp_path / "go").touch)
    assert up.stop(30) == 0
    assert here.instance(id).state == "SUCCEEDED"


@pytest.mark.parametrize(
    ("on_crash", "state", "reason"), [("resume", "PAUSED", "eviction"), ("fail", "FAILED", "shutdown")]
)
def test_work_that_outlasts_the_grace_is_evicted_or_failed(
    here: Installation, a_daemon: Start, on_crash: str, state: str, reason: str
) -> None:
    here.install(a_job("work", schedule=None, steps=shell("sleep 600"), onCrash=on_crash))
    up = a_daemon()
    id = up.trigger("work")
    up.until_running(id)
    assert up.stop(0) == 1
    assert (here.instance(id).state, here.instance(id).reason) == (state, reason)


def test_a_step_that_is_not_to_be_interrupted_is_waited_for(
    here: Installation, a_daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "KILL_GRACE_S", 0.05)
    monkeypatch.setattr(ending, "AFTER_KILL_S", 0.05)
    careful = {**waits_for(tmp_path / "go")[0], "interruptible": False}
    here.install(a_job("work", schedule=None, steps=[careful], onCrash="resume"))
    up = a_daemon()
    id = up.trigger("work")
    up.until_running(id)
    up.until(lambda: up.engine._supervisor.uninterruptible == 1)
    up.loop.call_later(0.3, (tmp_path / "go").touch)
    up.stop(0)
    assert here.instance(id).state in ("SUCCEEDED", "PAUSED")
    with here.store.read() as reader:
        assert [step.state for step in reader.steps.of(id)] == ["COMPLETED"]


@pytest.fixture
def careful(here: Installation, a_daemon: Start, tmp_path: Path) -> tuple[Daemon, int, int]:
    """An engine with a run in a step that is not to be interrupted, and another in a step that may be."""
    step = {**waits_for(tmp_path / "go")[0], "interruptible": False, "timeout": "1h"}
    here.install(
        a_job("careful", schedule=None, steps=[step]),
        a_job("other", schedule=None, steps=shell("sleep 600"), onCrash="resume"),
    )
    up = a_daemon()
    ids = up.trigger("careful"), up.trigger("other")
    for id in ids:
        up.until_running(id)
    up.until(lambda: up.engine._supervisor.uninterruptible == 1)
    return up, *ids


def test_asked_twice_an_engine_stops_at_once_what_may_be_stopped_and_waits_for_the_rest(
    here: Installation, careful: tuple[Daemon, int, int], tmp_path: Path
) -> None:
    up, id, other = careful
    told: list[Any] = []
    stopping = up.loop.create_task(up.engine.stop(600, told.append))
    up.until(lambda: here.instance(other).state == "PAUSING")
    up.engine.ending.hurry()
    up.until(lambda: here.instance(other).state == "PAUSED" and bool(told))
    up.engine.ending.hurry()
    up.settle()
    assert told == [[WaitedFor(id, "careful", "-", "run", 3600.0)]]
    assert up.engine.ending.waited_for == told[0]
    assert here.instance(id).state == "RUNNING"
    (tmp_path / "go").touch()
    up.loop.run_until_complete(stopping)
    assert here.instance(id).state == "SUCCEEDED"


def test_a_kill_is_heard_while_an_engine_waits_for_the_rest(
    here: Installation, careful: tuple[Daemon, int, int]
) -> None:
    up, id, _ = careful
    told: list[Any] = []
    stopping = up.loop.create_task(up.engine.stop(600, told.append))
    up.engine.ending.hurry()
    up.until(lambda: bool(told))
    here.store.transact(lambda tx: kill_instances(tx, [id], actor=ANA, reason="now", now=up.clock.now()))
    up.engine.look()
    up.loop.run_until_complete(stopping)
    assert (here.instance(id).state, here.instance(id).reason) == ("CANCELLED", "kill")


def test_a_forced_end_waits_for_nothing_and_is_recorded(
    here: Installation, careful: tuple[Daemon, int, int]
) -> None:
    up, id, other = careful
    up.engine.ending.force()
    assert up.stop(600) == 2
    assert (here.instance(id).state, here.instance(id).reason) == ("FAILED", "shutdown")
    assert here.instance(other).state == "PAUSED"


def test_what_does_not_end_when_it_is_told_to_is_killed_and_recorded(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "KILL_GRACE_S", 0.05)
    monkeypatch.setattr(ending, "AFTER_KILL_S", 0.05)
    here.install(a_job("work", schedule=None, steps=shell("sleep 600"), onCrash="resume"))
    up = a_daemon()
    id = up.trigger("work")
    up.until_running(id)
    monkeypatch.setattr(up.engine._supervisor, "stop", lambda *_, **__: None)
    assert up.stop(0) == 1
    run = here.instance(id)
    assert (run.state, run.reason) == ("PAUSED", "eviction")
    assert run.pid is not None and is_gone(run.pid, run.pid_started)


def test_the_next_daemon_resumes_what_was_evicted(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_job("work", schedule=None, steps=waits_for(tmp_path / "go"), onCrash="resume"))
    up = a_daemon()
    id = up.trigger("work")
    up.until_running(id)
    up.stop(0)
    (tmp_path / "go").touch()
    up = a_daemon()
    assert up.heard.of("recovered") == [(id, "SCHEDULED", "resumed")]
    run = up.until_ended(id)
    assert (run.state, run.attempt, run.epoch) == ("SUCCEEDED", 1, 2)


def test_a_claim_that_commits_around_the_stop_is_put_back(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("work", schedule=None, onCrash="fail"))
    up = a_daemon()
    up.settle()
    id = here.run("work")
    up.claims_unheard(id)
    up.engine._dispatcher.stop()  # before the loop hears of the claim
    up.stop(0)
    assert (here.instance(id).state, here.instance(id).reason) == ("PAUSED", "eviction")
    assert up.heard.of("started") == []
    assert a_daemon().until_ended(id).state == "SUCCEEDED"


def test_a_claim_that_has_not_been_written_at_the_stop_is_none(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("work", schedule=None))
    up = a_daemon()
    up.settle()
    id = here.run("work")
    with locked(here):
        up.engine.look()
        up.until(lambda: id in up.engine._dispatcher.claiming)
        stopping = up.loop.create_task(up.engine.stop(30))
        up.until(lambda: up.engine._dispatcher.stopped)
    up.loop.run_until_complete(stopping)
    assert (here.instance(id).state, here.instance(id).epoch) == ("SCHEDULED", 0)


def test_a_start_by_hand_while_it_stops_waits_for_the_next_daemon(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_job("work", schedule=None, steps=waits_for(tmp_path / "go")), a_job("late", schedule=None))
    up = a_daemon()
    up.until_running(up.trigger("work"))
    late: list[int] = []
    up.loop.call_later(0.02, lambda: late.append(up.trigger("late")))
    up.loop.call_later(0.2, (tmp_path / "go").touch)
    up.stop(30)
    assert here.instance(late[0]).state == "SCHEDULED"
    assert a_daemon().until_ended(late[0]).state == "SUCCEEDED"


def test_a_run_that_is_cancelled_while_it_is_claimed_is_ended(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("work", schedule=None, steps=shell("sleep 600")))
    up = a_daemon()
    up.settle()
    id = here.run("work")
    up.claims_unheard(id)
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    up.engine.look()
    assert up.until_ended(id).state == "CANCELLED"


# -- what an earlier daemon left


def test_processes_of_an_earlier_daemon_are_killed_before_anything_is_recovered(
    here: Installation, a_daemon: Start
) -> None:
    import subprocess

    from runner.execution.marks import MARK, mark_of

    left = subprocess.Popen(["sleep", "600"], env={MARK: mark_of(here.state), "PATH": os.defpath})
    a_daemon()
    assert left.wait(timeout=PATIENCE_S) == -signal.SIGKILL


def test_a_run_without_a_process_is_found_and_brought_to_an_end(here: Installation, a_daemon: Start) -> None:
    """Whatever went wrong with its end: nothing stays RUNNING for ever."""
    here.install(a_job("work", schedule=None))
    up = a_daemon()
    up.settle()
    id = here.run("work")
    from lives import start

    up.engine._dispatcher.stopped = True  # it is claimed, and nobody starts it
    start(here, id)
    up.engine._dispatcher.stopped = False
    up.engine.look()
    up.until_heard("recovered", (id, "FAILED", "crash"))


def test_a_start_that_is_tried_in_vain_again_and_again_is_told(here: Installation, a_daemon: Start) -> None:
    """Once it may have been changed by somebody at that very moment; not twice."""
    here.install(a_job("bad", schedule=None, steps=shell("false"), retry={"initial": "1m", "maxAttempts": 2}))
    up = a_daemon()
    id = up.trigger("bad")
    up.until_heard("finished", (id, "SCHEDULED", "retry"))
    with sqlite3.connect(here.path) as other:
        other.execute("UPDATE tasks SET state = 'RUNNING' WHERE instance_id = ?", (id,))
    other.close()
    up.passes(minutes=2)
    doing, _ = up.until_heard("trouble")
    assert doing == f"claiming instance {id} of bad"
    with sqlite3.connect(here.path) as other:
        other.execute("UPDATE tasks SET state = 'RESCHEDULED' WHERE instance_id = ?", (id,))
    other.close()
    up.until_ended(id)


def resists(id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on that instance cannot be recovered."""
    from runner.operations import recover

    real = recover.crash

    def crash(recording: Any, error: Any) -> Any:
        if recording.instance.id == id:
            raise ValueError("a row that nobody has seen before")
        return real(recording, error)

    monkeypatch.setattr(recover, "crash", crash)


def test_one_instance_that_cannot_be_recovered_is_in_no_other_ones_way(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lives import start

    here.install(a_job("a", schedule=None), a_job("b", schedule=None))
    up = a_daemon()
    up.settle()
    first, second = here.run("a"), here.run("b")
    up.engine._dispatcher.stopped = True  # they are claimed, and nobody starts them
    start(here, first)
    start(here, second)
    up.engine._dispatcher.stopped = False
    resists(first, monkeypatch)
    up.engine.look()
    up.until_heard("recovered", (second, "FAILED", "crash"))
    told = up.until_heard("trouble")
    assert told == (f"recovering instance {first}", "a row that nobody has seen before")
    monkeypatch.undo()
    up.engine.look()
    up.until_ended(first)


def test_one_instance_that_cannot_be_recovered_does_not_keep_the_daemon_down(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lives import start

    here.install(a_job("a", schedule=None), a_job("b", schedule=None))
    first, second = here.run("a"), here.run("b")
    start(here, first)
    start(here, second)
    resists(first, monkeypatch)
    up = a_daemon()
    assert up.heard.of("recovered") == [(second, "FAILED", "crash")]
    assert up.heard.of("trouble") == [(f"recovering instance {first}", "a row that nobody has seen before")]
    monkeypatch.undo()
    up.engine.look()
    up.until_ended(first)


# -- who hears of it


def test_a_listener_that_fails_stops_nothing(here: Installation, a_daemon: Start) -> None:
    class Deaf:
        lines: tuple[()] = ()

        def __getattr__(self, name: str) -> Any:
            def say(*what: Any) -> None:
                raise BrokenPipeError("the terminal is gone")

            return say

    here.install(a_job("hello", schedule=None))
    up = a_daemon(listener=Deaf())
    assert up.until_ended(up.trigger("hello")).state == "SUCCEEDED"


def test_a_step_that_is_tried_again_in_place_is_recorded_with_its_failure(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    script = f"test -e {tmp_path}/once || {{ touch {tmp_path}/once; exit 1; }}"
    step = {"name": "flaky", "shell": script, "onFailure": "retry", "retry": "once"}
    here.install(a_job("work", schedule=None, steps=[step]))
    up = a_daemon()
    run = up.until_ended(up.trigger("work"))
    assert (run.state, run.attempt, run.error) == ("SUCCEEDED", 1, None)
    with here.store.read() as reader:
        [recorded] = reader.steps.of(run.id)
        events = [event.event for event in reversed(reader.events.of("step", f"{run.id}/-/flaky"))]
    assert (recorded.state, recorded.attempt) == ("COMPLETED", 2)
    assert events == ["start", "fail", "reopen", "start", "complete"]
