"""The expressions of a job's outputs may name the one step of its `code`."""

from __future__ import annotations

from typing import Any

from builders import a_job

from runner.declaration.decode import problems_of

CODE = {"file": "a.py", "function": "go"}


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.rule, ".".join(map(str, problem.path))) for problem in problems_of(document)]


def test_the_outputs_of_code_are_those_of_its_step_run() -> None:
    assert told(a_job(without="steps", code=CODE, outputs={"n": "${{ steps.run.outputs.n }}"})) == []


def test_another_step_is_unknown() -> None:
    outputs = {"n": "${{ steps.go.outputs.n }}"}
    assert told(a_job(without="steps", code=CODE, outputs=outputs)) == [("unknown-name", "spec.outputs.n")]
