"""Tasks and steps follow their instance, and only by moves that their own tables have."""

from __future__ import annotations

import pytest

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.lifecycle.together import _STEPS, _TASKS, step_event, task_event

# With these two the targets' own results come before the instance's.
BY_RESULT = {"succeed", "succeed_partially"}
ENDINGS = sorted({m.event for m in INSTANCE.moves if m.after in INSTANCE.terminal} - BY_RESULT)


def test_every_event_named_is_one_of_the_instance() -> None:
    assert set(_TASKS) | set(_STEPS) <= INSTANCE.events


@pytest.mark.parametrize("event", sorted(INSTANCE.events))
def test_what_follows_is_allowed_by_the_tables_of_tasks_and_steps(event: str) -> None:
    for state in TASK.states:
        follows = task_event(event, state)
        assert follows is None or TASK.accepts(state, follows)
    for state in STEP.states:
        follows = step_event(event, state)
        assert follows is None or STEP.accepts(state, follows)


@pytest.mark.parametrize("state", ["SCHEDULED", "RESCHEDULED", "RUNNING"])
@pytest.mark.parametrize("event", ENDINGS)
def test_no_task_stays_open_when_its_instance_has_ended(event: str, state: str) -> None:
    follows = task_event(event, state)
    assert follows is not None
    assert TASK.move(state, follows).after in TASK.terminal
