"""What a move of an instance means for its tasks and steps: the machines that move together."""

from __future__ import annotations

_ABANDON = {"SCHEDULED": "cancel", "RESCHEDULED": "cancel", "RUNNING": "cancel"}
_EXPIRE = {"SCHEDULED": "expire", "RESCHEDULED": "expire", "RUNNING": "fail"}
_FAIL = {"SCHEDULED": "cancel", "RESCHEDULED": "cancel", "RUNNING": "fail"}
_INTERRUPT = {"RUNNING": "interrupt"}

_TASKS: dict[str, dict[str, str]] = {
    "late": _ABANDON,
    "skip": _ABANDON,
    "cancel": _ABANDON,
    "replace": _ABANDON,
    "stopped_cancelled": _ABANDON,
    "stopped_replaced": _ABANDON,
    "resolve_cancelled": _ABANDON,
    "expire": _EXPIRE,
    "expire_partially": _EXPIRE,
    "stopped_failed": _EXPIRE,
    "stopped_partially": _EXPIRE,
    "fail": _FAIL,
    "crash_fail": _FAIL,
    "succeed": {"RUNNING": "succeed"},
    "retry": {"RUNNING": "reschedule"},
    "crash_resume": _INTERRUPT,
    "pause_done": _INTERRUPT,
    "stopped_bounce": _INTERRUPT,
    "stopped_paused": _INTERRUPT,
    "sleep": _INTERRUPT,
}

_STEPS: dict[str, dict[str, str]] = {
    "retry": {"FAILED": "reopen", "STARTED": "interrupt"},
    "fail": {"STARTED": "fail"},
    "crash_fail": {"STARTED": "fail"},
    "stopped_failed": {"STARTED": "fail"},
    "stopped_partially": {"STARTED": "fail"},
    "expire": {"STARTED": "fail"},
    "crash_resume": {"STARTED": "interrupt", "FAILED": "reopen"},
    "pause_done": {"STARTED": "interrupt"},
    "stopped_bounce": {"STARTED": "interrupt", "FAILED": "reopen"},
    "stopped_paused": {"STARTED": "interrupt"},
    "sleep": {"STARTED": "interrupt"},
    "stopped_cancelled": {"STARTED": "interrupt"},
    "stopped_replaced": {"STARTED": "interrupt"},
    "resolve_cancelled": {"STARTED": "interrupt"},
}


def task_event(instance_event: str, task_state: str) -> str | None:
    """The event for a task in `task_state` when its instance moves by `instance_event`; None: it stays."""
    return _TASKS.get(instance_event, {}).get(task_state)


def step_event(instance_event: str, step_state: str) -> str | None:
    """The event for a step in `step_state` when its instance moves by `instance_event`; None: it stays."""
    return _STEPS.get(instance_event, {}).get(step_state)
