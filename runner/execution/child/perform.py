"""How is one action performed, and what does each way out of it mean?"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from os import F_OK, access
from sys import modules
from typing import Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.child.context import StepContext
from runner.execution.child.interruption import INTERRUPTION, StepTimeout, StopRequested

Perform = Callable[[Mapping[str, Any], StepContext], dict[str, Any] | None]


def perform_action(kind: str, action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    """The step's outputs; ActionFailed for every failure of it, StopRequested when it was stopped."""
    perform = _action(kind)
    outputs: dict[str, Any] | None = None
    try:
        outputs = _interruptibly(perform, action, step) or {}
    except StopRequested:
        raise
    except StepTimeout:
        text = f"the step took longer than its timeout of {_seconds(step.timeout_s)}"
        raise ActionFailed("timeout", text, True) from None
    except ActionFailed:
        _prefer_the_stop()
        raise
    except SystemExit as left:
        _prefer_the_stop()
        return _left(left)
    except MemoryError:
        raise ActionFailed("out-of-memory", "the step needed more memory than it may use") from None
    except Exception as error:
        _prefer_the_stop()
        import traceback

        with contextlib.suppress(OSError, ValueError, AttributeError):
            traceback.print_exc()
            sys.stderr.flush()
        raise ActionFailed("exception", f"{type(error).__name__}: {error}"[:2000], True) from None
    finally:
        INTERRUPTION.timed_out = False
    return outputs


def _interruptibly(perform: Perform, action: Mapping[str, Any], step: StepContext) -> dict[str, Any] | None:
    outputs: dict[str, Any] | None = None
    finished = False
    if step.timeout_s is not None:
        INTERRUPTION.start_timer(step.timeout_s)
    try:
        INTERRUPTION.armed = True
        INTERRUPTION.check()
        outputs = perform(action, step)
        finished = True
        INTERRUPTION.armed = False
    except (StopRequested, StepTimeout):
        if not finished:
            raise  # else the result came first, and wins
    finally:
        INTERRUPTION.armed = False
        if step.timeout_s is not None:
            INTERRUPTION.stop_timer()
        if not step.ran_program:
            _flush()
        elif access(step.output_path, F_OK):
            from os import unlink

            with contextlib.suppress(OSError):
                unlink(step.output_path)  # noqa: PTH108 -- pathlib is not lean
        if step.unsaid is not None:
            step.flush_progress()
    return outputs


def _flush() -> None:
    """What code of this process has written is in the log before the step's end is told."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # the job may have closed them


def _action(kind: str) -> Perform:
    module = f"runner.execution.actions.{kind}"
    if module not in modules:
        if not kind.isalpha():
            raise ActionFailed("unknown-kind", f"{kind!r} is no kind of step")
        try:
            __import__(module)
        except ModuleNotFoundError as error:
            raise ActionFailed("unknown-kind", f"steps of kind {kind} cannot run here: {error}") from None
    perform: Perform = modules[module].__dict__["perform"]
    return perform


def _prefer_the_stop() -> None:
    """What fails while it is being stopped has been stopped: a connection that TERM cut is no error."""
    if INTERRUPTION.stopping:
        raise StopRequested from None


def _left(left: SystemExit) -> dict[str, Any]:
    code = left.code if isinstance(left.code, int | None) else 1
    if code:
        raise ActionFailed("exit-code", f"the step ended itself with exit code {code}", True, code) from None
    return {}


def _seconds(seconds: float | None) -> str:
    from datetime import timedelta

    from runner.vocabulary.duration import format_duration

    return format_duration(timedelta(seconds=seconds or 0))
