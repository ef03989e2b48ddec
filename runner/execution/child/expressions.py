"""What do the expressions of a step and of a job say, now that their values are known?

Imported by the child that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.declaration.expressions import ExpressionError, is_true, render
from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.values import to_json

_CODE = frozenset({("script",), ("source",), ("statement",), ("from", "query")})
"""Never evaluated, whatever it holds: text pasted into code is how injections happen."""

Path = tuple[str, ...]


def condition_holds(condition: str | bool, variables: Mapping[str, Any]) -> bool:
    """Whether the step is to run; ActionFailed when that cannot be said."""
    try:
        return is_true(condition, variables)
    except ExpressionError as problem:
        raise _failed(("if",), problem) from None


def evaluated_action(action: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an action with every `${{ }}` outside of code evaluated; ActionFailed names the field."""
    return {name: _evaluated(value, (name,), variables) for name, value in action.items()}


def evaluated_outputs(declared: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """A job's own outputs as JSON values (a time is text in ISO 8601); ActionFailed names the output."""
    return {
        name: to_json(_evaluated(value, ("outputs", name), variables)) for name, value in declared.items()
    }


def _evaluated(value: Any, path: Path, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        if path in _CODE:
            return value
        try:
            return render(value, variables)
        except ExpressionError as problem:
            raise _failed(path, problem) from None
    if isinstance(value, Mapping):
        return {key: _evaluated(each, (*path, str(key)), variables) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_evaluated(each, (*path, str(at)), variables) for at, each in enumerate(value)]
    return value


def _failed(path: Path, problem: ExpressionError) -> ActionFailed:
    return ActionFailed("expression", f"{'.'.join(path)}: {problem}"[:2000])
