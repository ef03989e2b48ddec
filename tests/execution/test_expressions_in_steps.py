"""Conditions, `${{ }}` in the fields of a step, and the outputs of a job, in real children."""

from __future__ import annotations

from typing import Any

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.order import StepReported

SEEN = "return {'seen': values}"


def steps_reported(workshop: Workshop, event: str) -> list[StepReported]:
    return [r for r in workshop.reports if isinstance(r, StepReported) and r.event == event]


def outputs(workshop: Workshop, step: str) -> Any:
    return next(r.outputs for r in steps_reported(workshop, "complete") if r.step == step)


def a_look_at(**values: Any) -> dict[str, Any]:
    """A step whose output `seen` is what it was given."""
    return {"name": "look", "kind": "python", "action": {"source": SEEN, "with": values}}


def test_a_step_whose_condition_is_false_is_skipped_with_the_reason(workshop: Workshop) -> None:
    ended = workshop.run(
        a_shell_step("exit 9", "one", **{"if": "inputs.rows > 3"}),
        a_shell_step("true", "two", **{"if": "inputs.rows <= 3"}),
        context={"inputs": {"rows": 3}},
    )

    assert ended.outcome == "succeeded"
    assert workshop.events() == [("skip", "one"), ("start", "two"), ("complete", "two")]
    assert steps_reported(workshop, "skip")[0].reason == "condition"


def test_an_instance_whose_steps_are_all_skipped_has_succeeded(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("exit 9", **{"if": "false"}))

    assert (ended.outcome, workshop.events()) == ("succeeded", [("skip", "work")])


def test_a_field_that_is_one_expression_keeps_its_type(workshop: Workshop) -> None:
    workshop.run(
        a_python_step("return {'rows': 3, 'share': 0.5, 'names': ['a', 'b'], 'none': None}", "first"),
        a_look_at(
            rows="${{ steps.first.outputs.rows + inputs.more }}",
            share="${{ steps.first.outputs.share }}",
            names="${{ steps.first.outputs.names }}",
            none="${{ steps.first.outputs.none }}",
            deep={"all": ["${{ inputs.more > 1 }}"]},
            text="${{ steps.first.outputs.rows }} rows of ${{ steps.first.outputs.names }}",
        ),
        context={"inputs": {"more": 2}},
    )

    assert outputs(workshop, "look") == {
        "seen": {
            "more": 2,
            "rows": 5,
            "share": 0.5,
            "names": ["a", "b"],
            "none": None,
            "deep": {"all": [True]},
            "text": '3 rows of ["a", "b"]',
        }
    }


def test_the_fields_of_a_program_become_text(workshop: Workshop) -> None:
    argv = ["printf", "%s\\n", "${{ slot.date }}.csv", "${{ inputs.rows }}", "${{ inputs.full }}"]
    context = {"slot": {"date": "2026-11-21"}, "inputs": {"rows": 3, "full": True}}
    ended = workshop.run({"name": "work", "kind": "shell", "action": {"argv": argv}}, context=context)

    assert ended.outcome == "succeeded"
    assert workshop.lines() == ["2026-11-21.csv", "3", "true"]


def test_what_a_skipped_step_would_have_handed_on_is_null(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("return {'rows': 3}", "first", **{"if": "false"}),
        a_shell_step("true", "second", **{"if": "steps.first.outputs.rows == null"}),
        a_shell_step("exit 9", "third", **{"if": "steps.first.outputs.rows == 3"}),
        a_look_at(rows="${{ steps.first.outputs.rows }}"),
    )

    assert ended.outcome == "succeeded"
    assert ("complete", "second") in workshop.events()
    assert ("skip", "third") in workshop.events()
    assert outputs(workshop, "look") == {"seen": {"rows": None}}


def test_outputs_of_an_earlier_attempt_are_seen(workshop: Workshop) -> None:
    workshop.run(
        a_shell_step("exit 9", "first"),
        a_look_at(rows="${{ steps.first.outputs.rows }}"),
        done={"first": {"rows": 4}},
    )

    assert outputs(workshop, "look") == {"seen": {"rows": 4}}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            a_look_at(x="${{ 1 / inputs.zero }}"),
            "with.x: '1 / inputs.zero': division by zero in CEL expression",
        ),
        (
            {**a_look_at(), "if": "inputs.zero"},
            "if: 'inputs.zero' is 0, not true or false",
        ),
        (
            {**a_look_at(), "if": "steps.first.outputs.rows > 3"},
            "if: 'steps.first.outputs.rows > 3': an operation does not fit the types of its values "
            "(what a skipped step hands on is null)",
        ),
    ],
)
def test_an_expression_that_fails_fails_its_step(workshop: Workshop, step: dict[str, Any], said: str) -> None:
    ended = workshop.run(
        a_shell_step("true", "first", **{"if": "false"}), step, context={"inputs": {"zero": 0}}
    )

    assert ended.outcome == "failed"
    assert workshop.events() == [("skip", "first"), ("start", "look"), ("fail", "look")]
    assert ended.error is not None
    assert (ended.error.code, ended.error.step, ended.error.retryable) == ("expression", "look", False)
    assert ended.error.description == said


def test_a_failed_condition_may_be_declared_not_to_matter(workshop: Workshop) -> None:
    ended = workshop.run(
        a_shell_step("true", "one", onFailure="continue", **{"if": "1 / 0 > 1"}), a_shell_step("true", "two")
    )

    assert ended.outcome == "succeeded"
    assert workshop.events() == [("start", "one"), ("fail", "one"), ("start", "two"), ("complete", "two")]


def test_a_failed_step_that_does_not_matter_hands_on_null(workshop: Workshop) -> None:
    ended = workshop.run(
        a_shell_step("exit 1", "one", onFailure="continue"),
        a_look_at(rows="${{ steps.one.outputs.rows }}"),
    )

    assert ended.outcome == "succeeded"
    assert outputs(workshop, "look") == {"seen": {"rows": None}}


def test_code_is_never_rendered(workshop: Workshop) -> None:
    ended = workshop.run(
        a_shell_step("printf '%s\\n' '${{ inputs.name }}'"),
        a_python_step("print('${{ inputs.name }}')", "two"),
        context={"inputs": {"name": "x'; rm -rf /; '"}},
    )

    assert ended.outcome == "succeeded"
    assert workshop.lines() == ["${{ inputs.name }}"] * 2


def test_the_outputs_of_a_job_are_expressions(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("return {'rows': 3}", "load"),
        a_python_step("return {'rows': 9}", "export", **{"if": "false"}),
        outputs={
            "rows": "${{ steps.load.outputs.rows }}",
            "exported": "${{ steps.export.outputs.rows }}",
            "text": "${{ steps.load.outputs.rows }} of ${{ inputs.all }}",
            "fixed": 7,
            "day": "${{ timestamp(slot.time) }}",
        },
        context={"inputs": {"all": 4}, "slot": {"time": "2026-11-21T10:00:00Z"}},
    )

    assert ended.outcome == "succeeded"
    assert ended.outputs == {
        "rows": 3,
        "exported": None,
        "text": "3 of 4",
        "fixed": 7,
        "day": "2026-11-21T10:00:00+00:00",
    }


def test_outputs_that_cannot_be_computed_fail_the_instance(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("return {'rows': 0}", "load"), outputs={"share": "${{ 1 / steps.load.outputs.rows }}"}
    )

    assert ended.outcome == "failed"
    assert workshop.events() == [("start", "load"), ("complete", "load")]
    assert ended.error is not None
    assert ended.error.code == "expression"
    assert ended.error.description == (
        "outputs.share: '1 / steps.load.outputs.rows': division by zero in CEL expression"
    )
