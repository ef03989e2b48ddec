"""Steps of one instance: order, conditions, outputs, failures, retries, acknowledgement."""

from __future__ import annotations

from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.order import Raised, StepReported


def test_steps_run_in_order_and_are_reported(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("echo 1", "one"), a_shell_step("echo 2", "two"))

    assert ended.outcome == "succeeded"
    assert workshop.events() == [("start", "one"), ("complete", "one"), ("start", "two"), ("complete", "two")]
    assert workshop.lines() == ["1", "2"]


def test_the_next_step_waits_until_the_one_before_is_recorded(workshop: Workshop) -> None:
    workshop.acknowledges = False
    number = workshop.start(a_shell_step("true", "one"), a_shell_step("true", "two"))
    workshop.until(lambda: ("complete", "one") in workshop.events())
    recorded = next(r for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete")
    assert not recorded.last

    workshop.supervisor.acknowledge(number, 1, recorded.number)

    assert workshop.end_of(number).outcome == "succeeded"
    assert [r.last for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete"] == [
        False,
        True,
    ]


def test_completed_and_skipped_steps_are_not_run_again(workshop: Workshop) -> None:
    ended = workshop.run(
        a_shell_step("exit 9", "one"),
        a_shell_step("exit 9", "two"),
        a_python_step(
            "steps = context['steps']\n"
            "return {'seen': steps['one']['outputs']['rows'], 'two': steps['two']['outputs']}",
            "three",
        ),
        done={"one": {"rows": 4}},
        skipped=["two"],
    )

    assert ended.outcome == "succeeded"
    outputs = [r.outputs for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete"]
    assert outputs == [{"seen": 4, "two": None}]


def test_a_failed_step_ends_the_instance(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("exit 3", "one"), a_shell_step("true", "two"))

    assert ended.outcome == "failed"
    assert workshop.events() == [("start", "one"), ("fail", "one")]


def test_a_step_whose_failure_does_not_matter_leaves_a_warning(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("exit 3", "one", onFailure="continue"), a_shell_step("true", "two"))

    assert ended.outcome == "succeeded"
    assert workshop.events() == [("start", "one"), ("fail", "one"), ("start", "two"), ("complete", "two")]
    (warning,) = [r for r in workshop.reports if isinstance(r, Raised)]
    assert (warning.severity, warning.code, warning.info) == ("warning", "exit-code", {"step": "one"})
    assert warning.description == "step one failed: the script ended with exit code 3"


def test_a_step_is_tried_again_in_place(workshop: Workshop) -> None:
    script = "test -e seen && exit 0; touch seen; exit 1"
    ended = workshop.run(a_shell_step(script, onFailure="retry", retry={"policy": "once"}))

    assert ended.outcome == "succeeded"
    assert [event for event, _ in workshop.events()] == ["start", "fail", "start", "complete"]


def test_retries_end(workshop: Workshop) -> None:
    retry = {"policy": "custom", "initial": "0.001s", "maxAttempts": 3}
    ended = workshop.run(a_shell_step("exit 1", onFailure="retry", retry=retry))

    assert ended.outcome == "failed"
    assert [event for event, _ in workshop.events()] == ["start", "fail"] * 3


def test_a_stop_ends_the_wait_for_a_retry(workshop: Workshop) -> None:
    retry = {"policy": "custom", "initial": "1h", "maxAttempts": 3}
    number = workshop.start(a_shell_step("exit 1", onFailure="retry", retry=retry))
    workshop.until(lambda: ("fail", "work") in workshop.events())
    workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled")

    assert workshop.end_of(number).outcome == "stopped"


def test_the_timeout_of_a_step_ends_its_program(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("sleep 1000", timeout="0.05s"))

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("timeout", True)
    assert ended.error.description == "the step took longer than its timeout of 0.05s"


def test_the_timeout_of_a_step_ends_python_code(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("import time; time.sleep(1000)", "slow", timeout="0.05s", onFailure="continue"),
        a_shell_step("true", "after"),
    )

    assert ended.outcome == "succeeded"
    assert workshop.events()[-1] == ("complete", "after")


def test_a_program_that_is_not_there_is_named(workshop: Workshop) -> None:
    ended = workshop.run({"name": "work", "kind": "shell", "action": {"argv": ["no-such-program", "x"]}})

    assert ended.error is not None
    assert ended.error.code == "program-not-found"
    assert "'no-such-program' is not an existing program" in ended.error.description


def test_an_unknown_kind_fails_the_step(workshop: Workshop) -> None:
    ended = workshop.run({"name": "work", "kind": "../etc", "action": {}})

    assert ended.error is not None
    assert (ended.error.code, ended.error.description) == ("unknown-kind", "'../etc' is no kind of step")


def test_outputs_that_are_too_large_fail_the_step(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("return {'text': 'x' * 300_000}"))

    assert ended.outcome == "failed"


def test_output_is_written_under_the_step_that_printed_it(workshop: Workshop) -> None:
    from runner.execution.logs import read_log

    steps = [a_shell_step(f"printf 'line {n}\\nrest {n}'; echo e >&2", f"step{n}") for n in range(8)]
    workshop.run(*steps)

    for n in range(8):
        seen = [(line.stream, line.text) for line in read_log(workshop.log_path(1), f"step{n}")]
        assert sorted(seen) == [("err", "e"), ("out", f"line {n}"), ("out", f"rest {n}")]
