"""Runs over an inventory: each target is a process of its own, and the run is what they make of it."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleets import FLEET, Start, a_fan_out, a_task, fails_on, states, texts, waits_for
from installations import ANA, NOW, Installation

from runner.daemon import dispatcher, target_records
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.bounce_targets import bounce_targets
from runner.operations.cancel import cancel_instances
from runner.operations.failed_targets import take_failed_targets
from runner.operations.pausing import pause_instance, resume_instance
from runner.operations.rerun import rerun_instance
from runner.store.instances import NewInstance
from runner.vocabulary.errors import IllegalTransition, UnknownName


def test_every_target_is_visited_with_its_values(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", "echo $RUNNER_TARGET $RUNNER_TARGET_VALUES", parallel=3))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert (run.state, run.epoch, run.targets, run.targets_ended, run.progress) == ("SUCCEEDED", 1, 4, 4, 1.0)
    assert run.outputs == {"targets": 4, "succeeded": 4, "failed": 0, "cancelled": 0}
    assert states(here, run.id) == dict.fromkeys(FLEET, "SUCCEEDED")
    name, _, values = texts(here, run.id, "edge-1")[0].partition(" ")
    assert (name, json.loads(values)) == ("edge-1", FLEET["edge-1"])
    with here.store.read() as reader:
        assert [s.state for s in reader.steps.of(run.id, "edge-3")] == ["COMPLETED"]
        assert reader.tasks.get(run.id, "-") is None
    assert up.heard.of("trouble") == []


def test_an_end_is_told_although_a_look_sees_it_in_the_database_first(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit of an end and the moment at which the loop hears of it there may be a look."""
    here.install(a_fan_out("visit", "true", parallel=4))
    up = a_daemon()
    deliver = up.engine._bridge._deliver

    def look_before() -> None:
        up.engine.look()
        deliver()

    monkeypatch.setattr(up.engine._bridge, "_deliver", look_before)
    id = up.trigger("visit")
    up.until_heard("finished", (id, "SUCCEEDED", ""))
    assert up.engine.running == 0


def test_a_run_is_claimed_and_ended_beside_the_loop(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either may touch a row of every target; the loop would stand still for thousands."""
    on_the_loop: dict[str, bool] = {}

    def noting(name: str, module: Any) -> None:
        work = getattr(module, name)

        def noted(*given: Any, **named: Any) -> Any:
            on_the_loop[name] = threading.current_thread() is threading.main_thread()
            return work(*given, **named)

        monkeypatch.setattr(module, name, noted)

    noting("claim_instance", dispatcher)
    noting("finish_fan_out", target_records)
    here.install(a_fan_out("visit", "true", parallel=1))
    up = a_daemon()
    up.until_ended(up.trigger("visit"))
    assert on_the_loop == {"claim_instance": False, "finish_fan_out": False}


def test_where_chooses_the_targets(here: Installation, a_daemon: Start) -> None:
    spec = {"inputs": {"region": {"default": "north"}}}
    here.install(a_fan_out("visit", "true", spec=spec, where="target.region == inputs.region"))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert list(states(here, run.id)) == ["edge-1", "edge-3"]


def test_a_run_that_no_target_fits_has_done_all_there_was(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", "true", where="target.region == 'west'"))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert (run.state, run.outputs["targets"]) == ("SUCCEEDED", 0)


def test_a_where_without_a_value_fails_the_run_and_names_the_target(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_fan_out("visit", "true", where="target.rack == 1"))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert (run.state, run.reason) == ("FAILED", "expression")
    assert "tasks.where cannot be decided for target edge-1" in (run.error or {})["description"]


def test_a_target_is_tried_every_five_minutes_until_it_expires(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", fails_on("edge-2"), parallel=4, minSuccess="75%"))
    up = a_daemon()
    id = up.trigger("visit")
    for tries in range(1, 7):
        up.until(lambda n=tries: a_task(here, id).failures == n)
        if tries < 6:
            assert (a_task(here, id).state, here.instance(id).state) == ("RESCHEDULED", "RUNNING")
            up.settle()
            up.passes(minutes=5)
    run = up.until_ended(id)
    assert (run.state, run.reason) == ("PARTIALLY_SUCCEEDED", "partially")
    assert run.error == {
        "code": "not-all-succeeded",
        "description": "3 of 4 targets succeeded, as many as minSuccess (75%) asks for",
    }
    task = a_task(here, id)
    assert (task.state, task.reason, task.attempt) == ("FAILED", "expired", 6)
    assert (task.error or {})["code"] == "exit-code"


def test_a_target_that_waits_for_its_next_try_is_tried_at_once_when_it_is_bounced(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_fan_out("visit", fails_on("edge-2", "edge-3"), parallel=4, minSuccess="50%"))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: a_task(here, id).failures == 1 and a_task(here, id, "edge-3").failures == 1)
    up.settle()

    def bounce(target: str) -> ActedOnRun:
        asked = {"target": target, "actor": ANA, "reason": "cable", "now": up.clock.now()}
        (done,) = here.store.transact(lambda tx: bounce_targets(tx, [id], **asked))  # type: ignore[arg-type]
        return done

    assert bounce("edge-2").notes == ("target edge-2 is tried now",)
    assert bounce("edge-2").changed is False
    up.engine.look()
    up.until(lambda: a_task(here, id).failures == 2)
    up.settle()
    assert (a_task(here, id).attempt, a_task(here, id, "edge-3").attempt) == (2, 1)
    with here.store.read() as reader:
        said = [e for e in reader.events.of("task", f"{id}/edge-2") if e.event == "bounce"]
    assert [(e.who, e.why) for e in said] == [(str(ANA), "cable")]
    with pytest.raises(IllegalTransition) as refused:
        bounce("edge-1")
    assert str(refused.value) == (
        f"target edge-1 of instance {id} is SUCCEEDED; bounce of a target is accepted in RESCHEDULED"
    )
    with pytest.raises(UnknownName) as unknown:
        bounce("edge-9")
    assert str(unknown.value).startswith(
        f"instance {id} of visit has no target 'edge-9'; did you mean 'edge-"
    )


def test_with_too_few_successes_the_run_has_failed(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", "exit 1", expiresIn="1m", minSuccess=1))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert (run.state, run.reason, run.targets_failed) == ("FAILED", "too-few-succeeded", 4)


def test_the_breaker_cancels_what_has_not_begun(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", fails_on("edge-1", "edge-2"), expiresIn="1m", maxFailures=2))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert (run.state, run.reason) == ("FAILED", "max-failures")
    assert (run.error or {})["description"] == (
        "2 targets failed, maxFailures is 2; 0 of 4 targets succeeded"
    )
    assert list(states(here, run.id).values()) == ["FAILED", "FAILED", "CANCELLED", "CANCELLED"]


def test_a_wave_that_fails_keeps_the_next_one_from_beginning(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", fails_on("edge-1"), expiresIn="1m", parallel=4, waves=[1, "100%"]))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert (run.state, run.reason) == ("FAILED", "wave-failed")
    assert list(states(here, run.id).values()) == ["FAILED", "CANCELLED", "CANCELLED", "CANCELLED"]


def test_no_more_run_at_once_than_allowed_and_a_wave_waits_for_the_one_before(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=2, waves=[1, 3]))
    up = a_daemon()
    id = up.trigger("visit")
    up.until((tmp_path / "edge-1").exists)
    assert list(states(here, id).values()).count("RUNNING") == 1
    (tmp_path / "go-edge-1").touch()
    up.until(lambda: (tmp_path / "edge-2").exists() and (tmp_path / "edge-3").exists())
    assert list(states(here, id).values()) == ["SUCCEEDED", "RUNNING", "RUNNING", "SCHEDULED"]
    for n in (2, 3, 4):
        (tmp_path / f"go-edge-{n}").touch()
    assert up.until_ended(id).state == "SUCCEEDED"


def test_a_cancelled_run_ends_its_targets(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=2))
    up = a_daemon()
    id = up.trigger("visit")
    (tmp_path / "go-edge-1").touch()
    up.until(lambda: (tmp_path / "edge-2").exists() and (tmp_path / "edge-3").exists())
    up.settle()
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="enough", now=NOW))
    up.engine.look()
    run = up.until_ended(id)
    assert run.state == "CANCELLED"
    assert list(states(here, id).values()) == ["SUCCEEDED", "CANCELLED", "CANCELLED", "CANCELLED"]


@pytest.mark.parametrize("on_crash", ["resume", "fail"])
def test_a_target_whose_process_is_killed(
    here: Installation, a_daemon: Start, tmp_path: Path, on_crash: str
) -> None:
    tell = f"echo $PPID > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/pid && sleep 1000"
    script = f"[ $RUNNER_TARGET$RUNNER_ATTEMPT = edge-11 ] && {tell}; true"
    spec = {"onCrash": on_crash}
    here.install(a_fan_out("visit", script, spec=spec, parallel=4, minSuccess=3))
    up = a_daemon()
    id = up.trigger("visit")
    up.until((tmp_path / "pid").exists)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    run = up.until_ended(id)
    task = a_task(here, id, "edge-1")
    if on_crash == "resume":
        assert (run.state, task.state, task.crashes, task.failures) == ("SUCCEEDED", "SUCCEEDED", 1, 0)
        with here.store.read() as reader:
            assert "T5" in [e.row for e in reader.events.of("task", f"{id}/edge-1")]
    else:
        assert (run.state, task.state, task.reason) == ("PARTIALLY_SUCCEEDED", "FAILED", "crash")


def test_a_pause_lets_what_has_started_end_and_the_rest_goes_on_later(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=2))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: (tmp_path / "edge-1").exists() and (tmp_path / "edge-2").exists())
    up.settle()
    here.store.transact(
        lambda tx: pause_instance(tx, here.instance(id), "operator", who="ana", why="", now=NOW)
    )
    up.engine.look()
    for n in range(1, 5):
        (tmp_path / f"go-edge-{n}").touch()
    up.until(lambda: here.instance(id).state == "PAUSED")
    assert list(states(here, id).values()) == ["SUCCEEDED", "SUCCEEDED", "SCHEDULED", "SCHEDULED"]
    here.store.transact(
        lambda tx: resume_instance(tx, here.instance(id), ["operator"], who="ana", why="", now=NOW)
    )
    up.engine.look()
    run = up.until_ended(id)
    assert (run.state, run.epoch, len(list(tmp_path.glob("edge-*")))) == ("SUCCEEDED", 2, 4)
    assert [task.attempt for task in _tasks(here, id)] == [1, 1, 1, 1]


def _tasks(here: Installation, id: int) -> list[Any]:
    with here.store.read() as reader:
        return reader.tasks.page(id)


def test_a_daemon_that_stops_takes_nothing_of_the_run_along(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=1))
    up = a_daemon()
    id = up.trigger("visit")
    (tmp_path / "go-edge-1").touch()
    up.until((tmp_path / "edge-2").exists)
    up.settle()
    up.stop(0)
    assert here.instance(id).state == "PAUSED"
    assert list(states(here, id).values()) == ["SUCCEEDED", "RESCHEDULED", "SCHEDULED", "SCHEDULED"]
    for n in range(2, 5):
        (tmp_path / f"go-edge-{n}").touch()
    assert a_daemon().until_ended(id).state == "SUCCEEDED"
    assert [task.attempt for task in _tasks(here, id)] == [1, 2, 1, 1]


def test_a_deadline_ends_all_targets_and_counts_what_succeeded(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), spec={"timeout": "10m"}, minSuccess=1))
    up = a_daemon()
    id = up.trigger("visit")
    (tmp_path / "go-edge-1").touch()
    up.until((tmp_path / "edge-2").exists)
    up.settle()
    up.passes(minutes=11)
    run = up.until_ended(id)
    assert (run.state, run.reason) == ("PARTIALLY_SUCCEEDED", "timeout")
    assert list(states(here, id).values()) == ["SUCCEEDED", "FAILED", "FAILED", "FAILED"]


def test_the_targets_that_failed_become_a_new_run(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    script = f"[ -e {tmp_path}/repaired ] || {fails_on('edge-2', 'edge-3')}"
    here.install(a_fan_out("visit", script, expiresIn="1m", maxFailures=2))
    up = a_daemon()
    first = up.until_ended(up.trigger("visit"))
    assert list(states(here, first.id).values()) == ["SUCCEEDED", "FAILED", "FAILED", "CANCELLED"]
    (tmp_path / "repaired").touch()

    def again(tx: Any) -> int:
        new = NewInstance(
            job_uid=first.job_uid,
            job="visit",
            origin="retry-failed",
            slot_key="retry-failed:1",
            due_at=NOW,
            reason="manual",
            digest=first.digest,
            revision=first.revision,
            rerun_of=first.id,
        )
        id = tx.instances.create(new, who="ana", at=NOW)
        assert take_failed_targets(tx, id, first, now=NOW, who="ana") == 3
        return int(id)

    id = here.store.transact(again)
    up.engine.look()
    run = up.until_ended(id)
    assert (run.state, states(here, id)) == (
        "SUCCEEDED",
        dict.fromkeys(["edge-2", "edge-3", "edge-4"], "SUCCEEDED"),
    )
    assert [task.values for task in _tasks(here, id)] == [FLEET[f"edge-{n}"] for n in (2, 3, 4)]


def test_every_move_of_every_target_is_an_event(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", "true", targets={f"t{n}": {} for n in range(60)}, parallel=8))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert set(states(here, run.id).values()) == {"SUCCEEDED"}
    with here.store.read() as reader:
        rows = [e.row for e in reader.events.of("instance", str(run.id), limit=1000)]
    assert {row: rows.count(row) for row in ("T1", "T2", "T3", "I12")} == {
        "T1": 61,
        "T2": 61,
        "T3": 60,
        "I12": 1,
    }


PYTHON = """
def run(job):
    tries = (job.state or {}).get("tries", 0) + 1
    job.state = {"tries": tries}
    job.checkpoint()
    job.progress(tries, 2, "tries")
    job.info[f"tries.{tries}"] = job.metadata.target
    job.log.info(f"{job.metadata.target} {job.metadata.target_values['host']} {tries}")
    if job.metadata.target == "edge-2" and tries < 2:
        raise ConnectionError("it does not answer")
"""


def test_each_target_of_a_python_job_has_its_own_state_info_and_progress(
    here: Installation, a_daemon: Start
) -> None:
    job = a_fan_out("visit", "true", parallel=2, targets={name: FLEET[name] for name in ("edge-1", "edge-2")})
    step = {**job.resolved["steps"][0], "kind": "python", "action": {"source": PYTHON}}
    here.install(replace(job, resolved={**job.resolved, "steps": [step]}))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: a_task(here, id).failures == 1)
    up.settle()
    up.passes(minutes=5)
    assert up.until_ended(id).state == "SUCCEEDED"
    assert texts_of_log(here, id, "edge-1") == ["edge-1 192.0.2.1 1"]
    second = texts_of_log(here, id, "edge-2")
    assert (second[0], second[-1]) == ("edge-2 192.0.2.2 1", "edge-2 192.0.2.2 2")
    assert a_task(here, id, "edge-1").progress_said == {"done": 1, "total": 2, "text": "tries"}
    assert a_task(here, id, "edge-1").info == {"tries": {"1": "edge-1"}}
    assert a_task(here, id, "edge-2").info == {"tries": {"1": "edge-2", "2": "edge-2"}}


def texts_of_log(here: Installation, id: int, target: str) -> list[str]:
    lines = (here.state / "logs" / "visit" / str(id) / f"{target}.log").read_text().splitlines()
    return [line.split(" ", 3)[3] for line in lines]


def test_rerun_with_failed_only_runs_what_did_not_succeed_and_without_it_all(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    script = f"[ -e {tmp_path}/repaired ] || {fails_on('edge-2')}"
    here.install(a_fan_out("visit", script, expiresIn="1m", parallel=4, minSuccess=1))
    up = a_daemon()
    first = up.until_ended(up.trigger("visit"))
    assert first.state == "PARTIALLY_SUCCEEDED"
    (tmp_path / "repaired").touch()
    for key, failed_only, targets in (("a", True, ["edge-2"]), ("b", False, list(FLEET))):
        again = here.store.transact(
            lambda tx, key=key, only=failed_only: rerun_instance(
                tx, first.id, actor=ANA, key=key, reason="", now=NOW, failed_only=only
            )
        )
        up.engine.look()
        run = up.until_ended(again.id)
        assert (run.state, run.rerun_of, list(states(here, run.id))) == ("SUCCEEDED", first.id, targets)


def test_a_run_over_an_inventory_has_no_step_to_begin_at(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", "true"))
    up = a_daemon()
    first = up.until_ended(up.trigger("visit"))
    with pytest.raises(
        IllegalTransition, match=r"has 4 targets, and each its own steps; --from-step is accepted"
    ):
        here.store.transact(
            lambda tx: rerun_instance(tx, first.id, actor=ANA, key="a", reason="", now=NOW, from_step="visit")
        )


def test_a_try_that_would_come_too_late_is_not_made(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", fails_on("edge-2"), parallel=4, minSuccess=3))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: a_task(here, id).failures == 1)
    up.settle()
    up.passes(minutes=40)
    run = up.until_ended(id)
    task = a_task(here, id)
    assert (run.state, task.state, task.reason, task.attempt) == (
        "PARTIALLY_SUCCEEDED",
        "FAILED",
        "expired",
        1,
    )
    assert (run.targets_ended, run.targets_failed, (task.error or {})["code"]) == (4, 1, "exit-code")
    with here.store.read() as reader:
        assert "T9" in [event.row for event in reader.events.of("task", f"{id}/edge-2")]


def test_each_target_has_a_working_directory_of_its_own_that_is_kept(
    here: Installation, a_daemon: Start
) -> None:
    script = 'cat data 2>/dev/null || true; echo $RUNNER_TARGET > data; echo "n=1" > "$RUNNER_STATE"; pwd'
    here.install(a_fan_out("visit", script, spec={"keepWorkdir": True}, parallel=4))
    up = a_daemon()
    run = up.until_ended(up.trigger("visit"))
    assert run.state == "SUCCEEDED"
    work = here.state / "work" / str(run.id)
    assert {name: texts(here, run.id, name) for name in FLEET} == {name: [str(work / name)] for name in FLEET}
    assert {path.name: (path / "data").read_text().strip() for path in work.iterdir()} == {
        name: name for name in FLEET
    }
