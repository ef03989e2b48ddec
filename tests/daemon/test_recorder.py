"""Reports become rows in their order; what cannot be recorded fails its own instance, and nothing hangs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from daemons import StandingClock, run_until
from installations import ANA, NOW, Installation, a_job
from lives import BROKEN, an_end, claim, steps

from runner.daemon.bridge import Bridge
from runner.daemon.recorder import Recorder
from runner.execution.order import (
    Began,
    Checkpointed,
    Ended,
    ErrorInfo,
    InfoSaved,
    Notified,
    Progressed,
    Raised,
    Record,
    Report,
    StepReported,
)
from runner.operations.outcome import Finished
from runner.operations.trigger import trigger_job

TWO_STEPS = [{"name": "first", "shell": "true"}, {"name": "second", "shell": "true"}]
LONE_SURROGATE = {"name": json.loads('"\\udc80"')}


class Desk:
    """A recorder whose supervisor only notes what it is asked."""

    def __init__(self, here: Installation, loop: asyncio.AbstractEventLoop) -> None:
        self.here = here
        self.loop = loop
        self.asked: list[tuple[Any, ...]] = []
        self.finished: list[Finished | None] = []
        self.vacated: list[int] = []
        self.targets: list[Ended] = []
        self.troubles: list[str] = []
        self.bridge = Bridge(loop, here.store)
        self.recorder = Recorder(
            self.bridge,
            StandingClock(),
            boot_id="boot",
            spec_of=self._spec_of,
            draw=lambda: 0.5,
            vacated=self.vacated.append,
            finished=lambda id, finished, ended: self.finished.append(finished),
            target_ended=self.targets.append,
            trouble=lambda doing, problem: self.troubles.append(doing),
        )
        self.recorder.supervisor = self  # type: ignore[assignment]

    def _spec_of(self, id: int) -> Mapping[str, Any] | None:
        return None

    def acknowledge(self, instance: int, epoch: int, number: int, target: str) -> None:
        self.asked.append(("acknowledge", instance, epoch, number))

    def stop(self, instance: int, epoch: int, *, grace_s: float, why: str, target: str) -> None:
        self.asked.append(("stop", instance, epoch, why))

    def hears(self, *reports: Report) -> None:
        for report in reports:
            self.recorder.report(report)
        run_until(self.loop, lambda: not self.bridge.pending)

    def a_run(self) -> int:
        self.here.install(a_job("work", schedule=None, steps=TWO_STEPS))
        id = trigger_job(self.here.store, "work", actor=ANA, key="1", now=NOW).id
        claim(self.here, id)
        return id


@pytest.fixture
def desk(here: Installation, loop: asyncio.AbstractEventLoop) -> Desk:
    return Desk(here, loop)


def step(id: int, number: int, name: str, event: Any, **more: Any) -> StepReported:
    return StepReported(id, 1, number, name, event, NOW, **more)


def test_a_whole_run_is_recorded_and_only_the_inner_completion_is_acknowledged(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(
        Began(id, 1, 4711, 99),
        step(id, 1, "first", "start"),
        step(id, 2, "first", "complete", outputs={"rows": 3}),
        step(id, 3, "second", "start"),
        step(id, 4, "second", "complete", last=True),
        an_end(id, 1, "succeeded"),
    )
    run = desk.here.instance(id)
    assert (run.state, run.pid, run.pid_started, run.boot_id) == ("SUCCEEDED", 4711, 99, "boot")
    assert steps(desk.here, id) == [("first", "COMPLETED"), ("second", "COMPLETED")]
    assert desk.asked == [("acknowledge", id, 1, 2)]
    assert (desk.vacated, [f and f.state for f in desk.finished]) == ([id], ["SUCCEEDED"])
    assert desk.troubles == []


def test_what_was_raised_is_kept(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(Raised(id, 1, "warning", "W1", "slow", {"s": 3}), Raised(id, 7, "error", "E1", "late", {}))
    with desk.here.store.read() as reader:
        assert [(e.severity, e.code) for e in reader.errors.of(id)] == [("warning", "W1")]


def test_a_step_that_cannot_be_recorded_ends_its_run_instead_of_hanging_it(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(step(id, 1, "first", "start"), step(id, 2, "first", "complete", outputs=LONE_SURROGATE))
    assert desk.asked == [("stop", id, 1, "not-recorded")]
    desk.hears(an_end(id, 1, "stopped", ErrorInfo("stopped", "not-recorded", "first")))
    run = desk.here.instance(id)
    assert (run.state, run.reason) == ("FAILED", "not-recorded")
    assert dict(run.error or {})["step"] == "first"
    assert desk.troubles == ["recording step first of instance 1"]


def test_a_last_step_that_cannot_be_recorded_takes_the_success_with_it(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(
        step(id, 1, "first", "start"),
        step(id, 2, "first", "complete", outputs=LONE_SURROGATE, last=True),
        an_end(id, 1, "succeeded"),
    )
    assert desk.here.instance(id).state == "FAILED"


def test_an_end_that_cannot_be_recorded_is_recorded_as_that(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(an_end(id, 1, "succeeded", outputs=LONE_SURROGATE))
    run = desk.here.instance(id)
    assert (run.state, run.reason, run.outputs) == ("FAILED", "not-recorded", {})
    assert "its end (succeeded) could not be recorded" in dict(run.error or {})["description"]
    assert [f and f.state for f in desk.finished] == ["FAILED"]


def test_an_end_of_an_instance_that_nobody_knows_is_nothing(desk: Desk) -> None:
    desk.hears(an_end(4711, 1, "succeeded"))
    assert (desk.finished, desk.troubles) == ([None], [])


def test_an_end_of_an_older_epoch_changes_nothing(desk: Desk) -> None:
    id = desk.a_run()
    before = desk.here.instance(id)
    desk.hears(an_end(id, 7, "failed", BROKEN))
    assert desk.here.instance(id) == before
    assert desk.finished == [None]


def test_a_checkpoint_is_acknowledged_when_it_is_recorded_and_what_is_said_is_kept(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(
        step(id, 1, "first", "start"),
        Checkpointed(id, 1, 2, "first", Record(1, "{}", '{"page":3}')),
        Notified(id, 1, "info", "import", "half way"),
        *(Progressed(id, 1, f"page {n}", done=n, total=100) for n in range(1, 51)),
        InfoSaved(id, 1, '{"read":3}'),
    )
    with desk.here.store.read() as reader:
        [row] = reader.state.of_instance(id)
        [told] = reader.notifications.of_all([id])[id]
    assert (row.data, row.n, row.step) == ({"page": 3}, 1, "first")
    assert (told.level, told.topic, told.message) == ("info", "import", "half way")
    run = desk.here.instance(id)
    assert (run.progress, run.progress_said) == (0.5, {"done": 50, "total": 100, "text": "page 50"})
    assert run.info == {"read": 3}
    assert desk.asked == [("acknowledge", id, 1, 2)]


def test_a_checkpoint_of_an_older_epoch_changes_nothing_and_its_child_is_ended(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(Checkpointed(id, 0, 2, "first", Record(1, "{}", '{"page":3}')))
    with desk.here.store.read() as reader:
        assert reader.state.of_instance(id) == []
    assert desk.asked == [("stop", id, 0, "not-recorded")]
    assert desk.here.instance(id).state == "RUNNING"


def test_a_state_that_the_database_cannot_hold_fails_its_run(desk: Desk) -> None:
    id = desk.a_run()
    desk.hears(
        step(id, 1, "first", "start"),
        Checkpointed(id, 1, 2, "first", Record(1, "{}", json.dumps(LONE_SURROGATE, ensure_ascii=False))),
    )
    assert desk.asked == [("stop", id, 1, "not-recorded")]
    desk.hears(an_end(id, 1, "stopped", ErrorInfo("stopped", "not-recorded", "first")))
    assert (desk.here.instance(id).state, desk.here.instance(id).reason) == ("FAILED", "not-recorded")
