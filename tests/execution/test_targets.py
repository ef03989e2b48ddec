"""The targets of one instance are processes of their own, told apart in every report."""

from __future__ import annotations

from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.order import Began, Ended, StepReported


def started(workshop: Workshop, target: str, *steps: dict[str, object]) -> None:
    """Start one target of instance 1."""
    workshop.start(
        *steps,
        instance=1,
        target=target,
        workdir=None,
        log_path=str(workshop.state / "logs" / "a-job" / "1" / f"{target}.log"),
        context={"target": {"name": target, "values": {"host": f"{target}.example"}}},
    )


def completions(workshop: Workshop) -> list[StepReported]:
    return [r for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete"]


def ends(workshop: Workshop) -> dict[str, str]:
    return {r.target: r.outcome for r in workshop.reports if isinstance(r, Ended)}


def test_two_targets_of_one_instance_run_beside_each_other(workshop: Workshop) -> None:
    workshop.acknowledges = False
    for target in ("edge-1", "edge-2"):
        started(workshop, target, a_python_step("return {}"), a_python_step("return {}", "then"))
    workshop.until(lambda: len(completions(workshop)) == 2)
    waiting = completions(workshop)

    assert {r.target for r in waiting} == {"edge-1", "edge-2"}
    for report in waiting:
        workshop.supervisor.acknowledge(1, 1, report.number, report.target)
    workshop.until(lambda: len(ends(workshop)) == 2)
    assert ends(workshop) == {"edge-1": "succeeded", "edge-2": "succeeded"}
    assert len({r.pid for r in workshop.reports if isinstance(r, Began)}) == 2


def test_stopping_one_target_leaves_the_others_alone(workshop: Workshop) -> None:
    file = workshop.state / "gate"
    started(workshop, "edge-1", a_shell_step("sleep 1000"))
    started(workshop, "edge-2", a_shell_step(f"while [ ! -e {file} ]; do sleep 0.01; done"))
    workshop.until(lambda: len([r for r in workshop.reports if isinstance(r, Began)]) == 2)

    workshop.supervisor.stop(1, 1, grace_s=20, why="cancelled", target="edge-1")
    workshop.until(lambda: "edge-1" in ends(workshop))
    assert workshop.supervisor.running == 1
    file.touch()
    workshop.until(lambda: len(ends(workshop)) == 2)
    assert ends(workshop) == {"edge-1": "stopped", "edge-2": "succeeded"}
