"""Runs over an inventory: a summary first, then what failed with its remedy, and ten thousand in pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from installations import NOW, Installation, a_job

from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.store.daemon_lock import daemon_lock
from runner.store.port import Transaction
from runner.store.steps import NewStep

WAYS = {
    "SUCCEEDED": ("start", "succeed"),
    "FAILED": ("start", "fail"),
    "RUNNING": ("start",),
    "SCHEDULED": (),
}


def a_fan_out(here: Installation, states: dict[str, str]) -> int:
    """A run whose targets are in these states."""
    with here.store.read() as reader:
        known = len(reader.instances.list())
    if not known:
        here.install(a_job("restart"))
    id = here.run("restart", "RUNNING", key=str(known))

    def work(tx: Transaction) -> None:
        tx.tasks.freeze(
            id, [(target, {"n": 1}) for target in states], TASK.move("NEW", "create"), at=NOW, who="test",
            inventory="fleet",
        )  # fmt: skip
        for target, state in states.items():
            before = "SCHEDULED"
            for event in WAYS[state]:
                move = TASK.move(before, event)
                tx.tasks.move(id, target, move, epoch=1, at=NOW, who="test")
                before = move.after
            if state != "SCHEDULED":
                tx.steps.create_all(id, target, [NewStep("visit", "shell", "go there")])
            if state == "FAILED":
                error = {"code": "exit-code", "description": "it ended with 1"}
                for event, before in (("start", "PENDING"), ("fail", "STARTED")):
                    tx.steps.move(
                        id, target, "visit", STEP.move(before, event), epoch=1, at=NOW, who="test",
                        error=error if event == "fail" else None,
                    )  # fmt: skip
                tx.tasks.update(id, target, epoch=1, error={"step": "visit", **error}, reason="expired")
        ended = [state for state in states.values() if state in TASK.terminal]
        tx.instances.update(
            id, epoch=1, targets=len(states), targets_ended=len(ended), targets_failed=ended.count("FAILED")
        )

    here.store.transact(work)
    return id


FOUR = {"edge-1": "SUCCEEDED", "edge-2": "FAILED", "edge-3": "RUNNING", "edge-4": "SCHEDULED"}


def test_show_sums_up_and_begins_with_what_failed(here: Installation, say: Callable) -> None:
    id = a_fan_out(here, FOUR)
    told = say("instances", "show", str(id)).out
    assert "targets      2/4: 1 succeeded, 1 failed, 1 running, 1 waiting" in told
    rows = [line.split()[0] for line in told.splitlines() if line.startswith("edge-")]
    assert rows == ["edge-2", "edge-3", "edge-4", "edge-1"]
    assert "step visit: exit-code: it ended with 1" in told
    assert "remedy for visit: go there" in told
    assert "task 1/edge-1" not in told


def test_the_list_says_how_far_it_is(here: Installation, say: Callable) -> None:
    id = a_fan_out(here, FOUR)
    assert "RUNNING 2/4" in say("instances", "list").out
    (listed,) = say("instances", "list", "-o", "json").json
    assert (listed["targets"], listed["tasks"]) == ({"total": 4, "ended": 2, "failed": 1}, [])
    shown = say("instances", "show", str(id), "-o", "json").json
    assert [task["target"] for task in shown["tasks"]] == ["edge-2", "edge-3", "edge-4", "edge-1"]
    assert shown["tasks"][0]["values"] == {"n": 1}


def test_ten_thousand_targets_are_shown_in_pages(here: Installation, say: Callable) -> None:
    id = a_fan_out(here, {f"t{n:05}": "SCHEDULED" for n in range(10_000)})
    told = say("instances", "show", str(id)).out
    assert sum(line.startswith("t0") for line in told.splitlines()) == 50
    assert f"targets 1 to 50 of 10000; more: runner instances show {id} --offset 50" in told
    told = say("instances", "show", str(id), "--offset", "9990").out
    assert "targets 9991 to 10000 of 10000\n" in told


def test_a_target_that_another_run_works_on_says_so(here: Installation, say: Callable) -> None:
    first, second = a_fan_out(here, {"edge-1": "RUNNING"}), a_fan_out(here, {"edge-1": "SCHEDULED"})
    assert f"waits for instance {first} of restart" in say("instances", "show", str(second)).out
    (task,) = say("instances", "show", str(second), "-o", "json").json["tasks"]
    assert task["behind"] == first
    (task,) = say("instances", "show", str(first), "-o", "json").json["tasks"]
    assert task["behind"] is None
    with daemon_lock(here.state):
        (told,) = [f for f in say("status", "-o", "json").json["findings"] if f["kind"] == "waits"]
    assert told["summary"] == f"run {second} waits for target edge-1, on which instance {first} works"
    assert (told["problem"], told["hint"]) == (False, f"runner instances show {first}")


def test_a_verb_on_one_target(here: Installation, say: Callable) -> None:
    id = str(a_fan_out(here, FOUR))
    said = say("instances", "cancel", id, "--target", "edge-3", "--reason", "INC-1")
    assert (said.code, said.out) == (0, f"target edge-3 of instance {id} of restart: RUNNING\n")
    [acted] = say("instances", "cancel", id, "--target", "edge-3", "-o", "json").json
    assert (acted["state"], acted["changed"]) == ("RUNNING", False)
    assert acted["target"] == {
        "target": "edge-3",
        "state": "RUNNING",
        "reason": "cancel",
        "next_try_at": None,
    }
    assert acted["notes"] == ["target edge-3 is RUNNING, and is being ended"]
    assert f"{id}: target edge-3 is RUNNING, and is being ended" in said.err
    assert say("instances", "cancel", id, "--target", "edge-3").out.endswith("already\n")
    assert say("instances", "kill", id, "--target", "edge-3").code == 0
    assert say("instances", "cancel", id, "--target", "edge-2").code == 3
    assert "is accepted for the whole run" in say("instances", "pause", id, "--target", "edge-3").err
    assert say("instances", "resume", id, "--target", "edge-3").code == 3
    said = say("instances", "cancel", id, "--target", "edge-3", "--keep-state")
    assert said.code == 64


def test_targets_are_chosen_by_their_state(here: Installation, say: Callable) -> None:
    id = a_fan_out(here, FOUR)
    shown = say("instances", "show", str(id), "--state", "failed,running", "-o", "json").json
    assert [task["target"] for task in shown["tasks"]] == ["edge-2", "edge-3"]
    said = say("instances", "show", str(id), "--state", "FALED")
    assert said.code == 1
    assert "no target is ever 'FALED'; did you mean FAILED?" in said.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            (),
            "has a log for each of its 4 targets; name one with --target: edge-2 (FAILED), edge-3 (RUNNING)",
        ),
        (("--target", "egde-1"), "has no target 'egde-1'; did you mean 'edge-"),
        (("--target", "edge-1", "--step", "vist"), "has no step 'vist'; did you mean 'visit'?"),
    ],
)
def test_logs_want_to_know_which_target(
    here: Installation, say: Callable, words: tuple[str, ...], complaint: str
) -> None:
    said = say("logs", str(a_fan_out(here, FOUR)), *words)
    assert said.code == 1
    assert complaint in said.err


def test_the_log_of_a_target(here: Installation, say: Callable) -> None:
    id = a_fan_out(here, FOUR)
    folder = here.state / "logs" / "restart" / str(id)
    folder.mkdir(parents=True)
    (folder / "edge-1.log").write_text("2026-11-21T12:00:00.000Z visit out hello\n")
    assert say("logs", str(id), "--target", "edge-1").out.endswith("hello\n")
    assert "Target edge-4 of instance" in say("logs", str(id), "--target", "edge-4").err


def test_a_run_without_an_inventory_has_no_targets(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "RUNNING")
    assert "targets" not in say("instances", "show", str(id)).out
    assert "has no targets: its job has no inventory" in say("logs", str(id), "--target", "x").err
