"""A class: prepare once, perform until complete, a checkpoint after each."""

from __future__ import annotations

from typing import Any

import pytest

from runner import Job, Status
from runner.sdk.failures import JobCodeError
from runner.sdk.testing import Trial


class Counting(Job):
    """Counts to `params["to"]`, one step at a time."""

    def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
        self.to = params["to"]
        return Status({"count": 0}) if status is None else status

    def perform(self, status: Status) -> Status:
        status.state["count"] += 1
        status.complete = status.state["count"] >= self.to
        if status.complete:
            status.outputs = {"counted": self.to}
        return status


def a_class(perform: Any, prepare: Any = None) -> type[Job]:
    members = {"perform": perform} | ({"prepare": prepare} if prepare else {})
    return type("Made", (Job,), members)


def failure_of(code: Any, **given: Any) -> JobCodeError:
    with pytest.raises(JobCodeError) as raised:
        Trial(code, **given).run()
    return raised.value


def test_each_status_is_recorded_before_the_next_call() -> None:
    trial = Trial(Counting, params={"to": 3}).run()
    recorded = [(c.n, c.kind, c.state) for c in trial.checkpoints]
    assert recorded == [
        (1, "checkpoint", {"count": 0}),
        (2, "checkpoint", {"count": 1}),
        (3, "checkpoint", {"count": 2}),
        (4, "complete", {"count": 3}),
    ]
    assert (trial.ended, trial.outputs, trial.lives) == ("complete", {"counted": 3}, 1)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_job_that_is_killed_goes_on_from_its_last_checkpoint(n: int) -> None:
    trial = Trial(Counting, params={"to": 3})
    assert trial.run(kill_after=n).ended == "killed"
    assert trial.state == {"count": n - 1}
    assert trial.run().state == {"count": 3}
    assert trial.lives == 2


def test_work_that_was_done_but_not_recorded_is_done_again() -> None:
    done: list[int] = []

    def perform(self: Job, status: Status) -> Status:
        done.append(status.state.setdefault("next", 0))
        status.state["next"] += 1
        return Status(status.state, status.state["next"] == 3)

    Trial(a_class(perform)).run(kill_before=3).run()
    assert done == [0, 1, 1, 2]


def test_prepare_gets_no_status_at_a_fresh_start_and_the_last_one_at_a_resume() -> None:
    seen: list[Status | None] = []

    class Watching(Counting):
        def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
            seen.append(status and Status(dict(status.state)))
            return super().prepare(params, status)

    Trial(Watching, params={"to": 4}).run(kill_after=2).run(stop_after=3).run()
    assert seen == [None, Status({"count": 1}), Status({"count": 2})]


def test_prepare_may_be_left_out() -> None:
    def perform(self: Job, status: Status) -> Status:
        return Status({"was": status.state}, complete=True)

    assert Trial(a_class(perform)).run().state == {"was": {}}


def test_perform_is_not_called_when_there_is_nothing_to_do() -> None:
    def prepare(self: Job, params: dict[str, Any], status: Status | None) -> Status:
        return Status({"found": 0}, complete=True)

    def perform(self: Job, status: Status) -> Status:
        raise AssertionError("there is nothing to do")

    assert Trial(a_class(perform, prepare)).run().ended == "complete"


def test_a_resume_that_changes_nothing_writes_nothing() -> None:
    trial = Trial(Counting, params={"to": 3}).run(kill_after=2).run()
    assert [c.n for c in trial.checkpoints] == [1, 2, 3, 4]


def test_what_prepare_changes_at_a_resume_is_recorded() -> None:
    class Restarting(Counting):
        def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
            state = super().prepare(params, status).state
            return Status({**state, "starts": state.get("starts", 0) + 1})

    trial = Trial(Restarting, params={"to": 2}).run(kill_after=1).run()
    assert trial.checkpoints[1].state == {"count": 0, "starts": 2}


def test_perform_gets_the_very_status_that_was_returned() -> None:
    """What prepare keeps of the state, as an attribute, is the state and no copy."""

    class Keeping(Job):
        def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
            status = status or Status({"left": [1, 2, 3]})
            self.left = status.state["left"]
            return status

        def perform(self, status: Status) -> Status:
            self.left.pop()
            return Status(status.state, complete=not self.left)

    assert Trial(Keeping).run(kill_after=2).run().state == {"left": []}


def test_the_state_of_the_job_is_the_state_of_the_status() -> None:
    def perform(self: Job, status: Status) -> Status:
        assert self.state is status.state
        self.state["seen"] = True
        return Status(self.state, complete=True)

    assert Trial(a_class(perform)).run().state == {"seen": True}


def test_a_stop_is_obeyed_at_the_next_checkpoint() -> None:
    trial = Trial(Counting, params={"to": 9}).run(stop_after=2)
    assert (trial.ended, trial.state) == ("stop", {"count": 1})


def test_a_pause_is_told_from_a_stop() -> None:
    assert Trial(Counting, params={"to": 9}).run(pause_after=2).ended == "pause"


def test_work_that_completes_while_it_is_being_stopped_is_complete() -> None:
    def perform(self: Job, status: Status) -> Status:
        trial.stop()
        assert self.should_stop
        return Status({"count": 1}, complete=True)

    trial = Trial(a_class(perform))
    assert trial.run().ended == "complete"


def test_what_the_code_raises_is_passed_on_and_the_last_good_state_kept() -> None:
    class Failing(Counting):
        def perform(self, status: Status) -> Status:
            if status.state["count"] == 2 and not failed:
                failed.append(True)
                status.state["count"] = 77
                raise OSError("the disk is full")
            return super().perform(status)

    failed: list[bool] = []
    trial = Trial(Failing, params={"to": 3})
    with pytest.raises(OSError, match="the disk is full"):
        trial.run()
    assert trial.state == {"count": 2}
    assert trial.run().state == {"count": 3}


def test_a_status_that_is_none_says_what_to_return() -> None:
    error = failure_of(a_class(lambda self, status: None))
    assert (error.code, error.description) == (
        "bad-status",
        "perform() returned a NoneType; return a Status, like `return status` or "
        "`return Status(state, complete=True)`",
    )


def test_a_map_is_no_status() -> None:
    error = failure_of(a_class(lambda self, status: {"complete": True}))
    assert error.description.startswith("perform() returned a dict; return a Status")


def test_complete_is_true_or_false() -> None:
    error = failure_of(a_class(lambda self, status: Status({}, 1)))  # type: ignore[arg-type]
    assert error.description == "perform(): complete is an int; it is True or False"


def test_outputs_belong_to_what_is_complete() -> None:
    error = failure_of(a_class(lambda self, status: Status({}, outputs={"rows": 1})))
    assert error.description == "perform(): there are outputs, but it is not complete"


def test_a_class_that_is_no_job_is_told_how_to_become_one() -> None:
    class Plain:
        def perform(self, status: Status) -> Status:
            return status

    assert failure_of(Plain).description == "Plain is a class, but no Job; write `class Plain(Job):`"


def test_a_class_without_perform_is_no_job_either() -> None:
    assert failure_of(type("Idle", (Job,), {})).description == "Idle has no perform(self, status)"


def test_a_name_of_the_job_cannot_be_used_for_something_else() -> None:
    error = failure_of(type("Hiding", (Counting,), {"state": {}}))
    assert (error.code, error.description) == (
        "reserved-name",
        "Hiding.state hides Job.state; give it another name",
    )


def test_a_job_is_made_without_arguments() -> None:
    class Demanding(Counting):
        def __init__(self, url: str) -> None:
            self.url = url

    assert failure_of(Demanding).description == (
        "Demanding.__init__() takes arguments, but none are given: what it needs comes to prepare()"
    )


def test_an_error_inside_init_stays_what_it_is() -> None:
    class Broken(Counting):
        def __init__(self) -> None:
            len(5)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="has no len"):
        Trial(Broken).run()


def test_init_may_already_ask_and_needs_no_super() -> None:
    class Asking(Counting):
        def __init__(self) -> None:
            self.name = self.metadata.job

        def perform(self, status: Status) -> Status:
            return Status({"name": self.name}, complete=True)

    trial = Trial(Asking, params={"to": 1}, metadata={"job": "contacts"}).run()
    assert trial.state == {"name": "contacts"}


def test_a_job_that_does_not_run_says_so() -> None:
    with pytest.raises(
        RuntimeError, match=r"does not run; in a test, run it with runner\.sdk\.testing\.Trial"
    ):
        _ = Counting().state


def test_a_class_makes_its_checkpoints_by_returning() -> None:
    error = failure_of(a_class(lambda self, status: self.checkpoint()))
    assert error.description == "perform() makes a checkpoint by returning its status"


def test_a_recorded_state_that_was_damaged_is_named() -> None:
    from runner.sdk.drive import Course
    from runner.sdk.port import Limits, Recorded

    for text, reason in (
        ("{", "is not JSON"),
        ("[1]", "is a list, and no map"),
        ("[" * 5000, "is not JSON"),
        ('{"a": NaN}', "is not JSON"),
        ('{"a": 1e999}', "is not JSON"),
    ):
        with pytest.raises(JobCodeError, match=reason) as raised:
            Course(Counting, None, {}, {}, Recorded(state=text), Limits())  # type: ignore[arg-type]
        assert raised.value.code == "state-unreadable"


@pytest.mark.parametrize("name", ["_runner", "_life", "sleep", "log"])
def test_what_the_job_needs_itself_cannot_be_taken(name: str) -> None:
    assert f"hides Job.{name}" in failure_of(type("Hiding", (Counting,), {name: None})).description


def test_a_class_gives_another_state_by_returning_it() -> None:
    def perform(self: Job, status: Status) -> Status:
        with pytest.raises(TypeError) as raised:
            self.state = {"lost": True}
        assert str(raised.value) == "perform() gives another state by returning it: `return Status(state)`"
        return Status({}, complete=True)

    Trial(a_class(perform)).run()


def test_a_job_may_have_its_own_way_of_setting_attributes() -> None:
    class Guarded(Counting):
        def __setattr__(self, name: str, value: object) -> None:
            object.__setattr__(self, f"my_{name}", value)

        to = property(lambda self: self.my_to)

    assert Trial(Guarded, params={"to": 1}).run().state == {"count": 1}
