"""What a person does to one target of a run, and what two runs do not do to one target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fleets import FLEET, Start, a_fan_out, a_task, fails_on, states, waits_for
from installations import ANA, NOW, Installation

from runner.lifecycle.task import TASK
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.cancel_targets import cancel_targets
from runner.operations.pause_targets import refuse_for_targets
from runner.operations.pausing import pause_instance, resume_instance
from runner.operations.skip_step import skip_step
from runner.vocabulary.errors import IllegalTransition, UnknownName

END = TASK.move("RUNNING", "succeed")


def cancel(here: Installation, id: int, target: str, **more: Any) -> ActedOnRun:
    asked = {"target": target, "actor": ANA, "reason": "INC-1", "now": NOW, **more}
    (done,) = here.store.transact(lambda tx: cancel_targets(tx, [id], **asked))  # type: ignore[arg-type]
    return done


def events_of(here: Installation, id: int, target: str) -> list[tuple[str, str, str]]:
    with here.store.read() as reader:
        events = reader.events.of("task", f"{id}/{target}")
    return sorted((e.row, e.who, e.why) for e in events if e.row in ("T10", "T11", "T12"))


def test_a_target_that_runs_is_ended_and_the_others_go_on(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=2, minSuccess=1))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: (tmp_path / "edge-1").exists() and (tmp_path / "edge-2").exists())
    up.settle()
    asked = cancel(here, id, "edge-1")
    assert (asked.changed, asked.notes) == (True, ("target edge-1 is RUNNING, and is being ended",))
    assert (cancel(here, id, "edge-1").changed, a_task(here, id, "edge-1").reason) == (False, "cancel")
    up.engine.look()
    up.until(lambda: states(here, id)["edge-1"] == "CANCELLED")
    assert cancel(here, id, "edge-1").changed is False
    for name in FLEET:
        (tmp_path / f"go-{name}").touch()
    run = up.until_ended(id)
    assert (run.state, run.outputs) == (
        "PARTIALLY_SUCCEEDED",
        {"targets": 4, "succeeded": 3, "failed": 0, "cancelled": 1},
    )
    assert (run.targets_ended, run.targets_failed) == (4, 0)
    assert events_of(here, id, "edge-1") == [("T12", str(ANA), "INC-1")]
    with here.store.read() as reader:
        assert reader.target_requests.of(id) == []
    assert up.heard.of("trouble") == []


def test_targets_that_wait_never_start_once_they_are_cancelled(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    script = f"{fails_on('edge-1')}; {waits_for(tmp_path)}"
    here.install(a_fan_out("visit", script, parallel=1, minSuccess=1, waves=[3, 1]))
    up = a_daemon()
    id = up.trigger("visit")
    up.until((tmp_path / "edge-2").exists)
    up.settle()
    assert list(states(here, id).values()) == ["RESCHEDULED", "RUNNING", "SCHEDULED", "SCHEDULED"]
    for target in ("edge-1", "edge-3", "edge-4"):  # to be tried again, not begun, and of a later wave
        cancel(here, id, target)
    up.engine.look()
    up.until(lambda: list(states(here, id).values()).count("CANCELLED") == 3)
    (tmp_path / "go-edge-2").touch()
    run = up.until_ended(id)
    assert (run.state, run.outputs["cancelled"]) == ("PARTIALLY_SUCCEEDED", 3)
    assert [events_of(here, id, target)[0][0] for target in ("edge-1", "edge-3", "edge-4")] == [
        "T11", "T10", "T10",
    ]  # fmt: skip
    assert not (tmp_path / "edge-3").exists()


def test_a_target_of_a_run_that_rests_is_cancelled_at_once_and_stays_so(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=1, minSuccess=1))
    up = a_daemon()
    id = up.trigger("visit")
    up.until((tmp_path / "edge-1").exists)
    up.settle()
    here.store.transact(
        lambda tx: pause_instance(tx, here.instance(id), "operator", who="ana", why="", now=NOW)
    )
    for name in FLEET:
        (tmp_path / f"go-{name}").touch()
    up.engine.look()
    up.until(lambda: here.instance(id).state == "PAUSED")
    assert cancel(here, id, "edge-4").notes == ("target edge-4 is CANCELLED",)
    assert (states(here, id)["edge-4"], here.instance(id).targets_ended) == ("CANCELLED", 2)
    here.store.transact(
        lambda tx: resume_instance(tx, here.instance(id), ["operator"], who="ana", why="", now=NOW)
    )
    up.engine.look()
    assert up.until_ended(id).state == "PARTIALLY_SUCCEEDED"
    assert list(states(here, id).values()) == ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "CANCELLED"]


def test_what_was_asked_of_a_target_is_done_by_the_next_daemon(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=1, minSuccess=1))
    up = a_daemon()
    id = up.trigger("visit")
    up.until((tmp_path / "edge-1").exists)
    up.settle()
    up.stop(0)
    here.store.transact(lambda tx: tx.target_requests.add(id, "edge-1", "cancel", who="ana", why="", at=NOW))
    for name in ("edge-2", "edge-3", "edge-4"):
        (tmp_path / f"go-{name}").touch()
    assert a_daemon().until_ended(id).state == "PARTIALLY_SUCCEEDED"
    assert states(here, id)["edge-1"] == "CANCELLED"


def test_a_verb_that_a_target_does_not_accept_says_what_it_does(here: Installation, a_daemon: Start) -> None:
    here.install(a_fan_out("visit", fails_on("edge-2"), parallel=4))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: a_task(here, id).failures == 1 and here.instance(id).targets_ended == 3)
    with pytest.raises(IllegalTransition) as refused:
        cancel(here, id, "edge-1")
    assert str(refused.value) == (
        f"target edge-1 of instance {id} is SUCCEEDED; cancel of a target is accepted in SCHEDULED, "
        "RESCHEDULED, RUNNING"
    )
    with pytest.raises(UnknownName, match="has no target 'egde-2'; did you mean 'edge-2'"):
        cancel(here, id, "egde-2")
    for verb, instead in (
        ("pause", f"pause is accepted for the whole run: runner instances pause {id} "),
        ("resume", f"runner instances bounce {id} --target edge-2, accepted in RESCHEDULED"),
    ):
        asked = {"verb": verb, "target": "edge-2", "actor": ANA, "reason": "", "now": NOW}
        with pytest.raises(IllegalTransition) as refused:
            here.store.transact(lambda tx, asked=asked: refuse_for_targets(tx, [id], **asked))
        assert f"target edge-2 of instance {id} is RESCHEDULED, and a target has no pause" in str(
            refused.value
        )
        assert instead in str(refused.value)


def test_a_step_of_a_target_that_waits_for_its_next_try_is_left_out(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    steps = [
        {"name": "first", "shell": fails_on("edge-2"), "skippable": True},
        {"name": "second", "shell": f"touch {tmp_path}/second-$RUNNER_TARGET"},
    ]
    here.install(a_fan_out("visit", "", spec={"steps": steps}, parallel=4))
    up = a_daemon()
    id = up.trigger("visit")
    up.until(lambda: a_task(here, id).failures == 1 and here.instance(id).targets_ended == 3)
    up.settle()

    def skip(target: str, step: str = "first") -> ActedOnRun:
        return here.store.transact(
            lambda tx: skip_step(tx, id, step, actor=ANA, reason="", now=NOW, target=target)
        )

    assert skip("edge-2").notes == (
        f"step first of target edge-2 is skipped; runner instances bounce {id} --target edge-2 tries it now",
    )
    assert skip("edge-2").changed is False
    with pytest.raises(IllegalTransition, match="target edge-1 of instance 1 is SUCCEEDED; skip-step of a t"):
        skip("edge-1", "second")
    with pytest.raises(UnknownName, match="has 4 targets, each with its own steps; name one: --target T"):
        skip("-")
    up.passes(minutes=5)
    assert up.until_ended(id).state == "SUCCEEDED"
    assert len(list(tmp_path.glob("second-*"))) == 4


def test_two_runs_never_work_on_one_target_at_the_same_time(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    script = f"""
    mkdir {tmp_path}/at-$RUNNER_TARGET || touch {tmp_path}/twice
    touch {tmp_path}/$RUNNER_JOB-$RUNNER_TARGET
    until [ -e {tmp_path}/go-$RUNNER_TARGET ]; do sleep 0.01; done
    rmdir {tmp_path}/at-$RUNNER_TARGET
    """
    for name in ("upgrade", "reboot"):
        here.install(a_fan_out(name, script, parallel=2))
    up = a_daemon()
    first = up.trigger("upgrade")
    up.until(lambda: (tmp_path / "upgrade-edge-1").exists() and (tmp_path / "upgrade-edge-2").exists())
    second = up.trigger("reboot")
    # It does not wait for those that are taken: it goes on with what is free.
    up.until(lambda: (tmp_path / "reboot-edge-3").exists() and (tmp_path / "reboot-edge-4").exists())
    up.settle()
    assert states(here, second)["edge-1"] == "SCHEDULED"
    for name in FLEET:
        (tmp_path / f"go-{name}").touch()
    assert (up.until_ended(first).state, up.until_ended(second).state) == ("SUCCEEDED", "SUCCEEDED")
    assert not (tmp_path / "twice").exists()
    assert up.heard.of("trouble") == []


def test_a_target_waits_for_a_run_of_which_nobody_knows_whether_it_lives(
    here: Installation, a_daemon: Start
) -> None:
    for name in ("upgrade", "reboot"):
        here.install(a_fan_out(name, "true", targets={"edge-1": {}}))
    up = a_daemon()
    unknown = here.run("upgrade", "UNKNOWN")

    def at_work(tx: Any) -> None:
        targets = [("edge-1", {})]
        create = TASK.move("NEW", "create")
        tx.tasks.freeze(unknown, targets, create, at=NOW, who="t", inventory="fleet")
        epoch = here.instance(unknown).epoch
        tx.tasks.move(unknown, "edge-1", TASK.move("SCHEDULED", "start"), epoch=epoch, at=NOW, who="t")
        tx.instances.update(unknown, epoch=epoch, targets=1)

    here.store.transact(at_work)
    id = up.trigger("reboot")
    up.until(lambda: here.instance(id).targets == 1)
    up.settle()
    assert states(here, id) == {"edge-1": "SCHEDULED"}
    with here.store.read() as reader:
        assert reader.tasks.at_work(id, ["edge-1"])["edge-1"].instance_id == unknown
    here.store.transact(
        lambda tx: tx.tasks.move(unknown, "edge-1", END, epoch=here.instance(unknown).epoch, at=NOW, who="t")
    )
    up.passes(seconds=6)
    assert up.until_ended(id).state == "SUCCEEDED"
    assert up.heard.of("trouble") == []
