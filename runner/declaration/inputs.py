"""Do given values fit the declared inputs?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from runner.declaration.problem import Problem, listed, quoted
from runner.vocabulary.names import nearest

ENOUGH = 100
"""Unknown names that are told: looking for the nearest known one takes time."""


def check_inputs(
    inputs: Mapping[str, Any], given: Mapping[str, Any], *, from_text: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """Every input's value (given, else its default, else null), and what is wrong with the given ones.

    `inputs` is the schema as declared or resolved. Problems have the input's name as path. With `from_text`
    (`trigger -p k=v`) texts are read as the declared type: `5` for an integer, `true` for a boolean.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in given:
        if len(problems) == ENOUGH:
            break
        if name not in inputs:
            close = nearest(name, inputs)
            problems.append(
                Problem(
                    (name,),
                    "unknown-input",
                    "Unknown input",
                    f"{quoted(name)} is not an input of this job; known: {listed(inputs)}",
                    f"did you mean '{close}'?" if close else "",
                    at="key",
                )
            )
    for name, declared in inputs.items():
        schema = declared if isinstance(declared, Mapping) else {}
        if name not in given:
            values[name] = schema.get("default")
            if schema.get("required") and values[name] is None:
                problems.append(
                    Problem(
                        (name,), "missing-input", "Missing input", f"'{name}' is required and has no default"
                    )
                )
            continue
        value = given[name]
        if from_text and isinstance(value, str):
            value = _read(value, schema.get("type", "string"))
        values[name] = value
        if reason := misfit(value, schema):
            problems.append(Problem((name,), "bad-input", "Bad value for an input", f"'{name}': {reason}"))
    return values, problems


def misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value does not fit one input's schema, or None when it fits."""
    kind = schema.get("type")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:  # what expressions can read
        return f"a number of {value.bit_length()} bits does not fit into 64 with a sign"
    if kind is not None and not _is(value, kind):
        return f"{quoted(value)} is not of type {kind}"
    choices = schema.get("choices")
    if choices and value not in choices:
        close = nearest(str(value), map(str, choices))
        return f"{quoted(value)} is not one of {listed(choices)}" + (
            f"; did you mean '{close}'?" if close else ""
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        if (low := schema.get("minimum")) is not None and value < low:
            return f"{value} is below the minimum {low}"
        if (high := schema.get("maximum")) is not None and value > high:
            return f"{value} is above the maximum {high}"
    if isinstance(value, str):
        longest = schema.get("maxLength", 4096)
        if len(value) > longest:
            return f"it is longer than {longest} characters"
    return None


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_date(value)
        case _:
            return isinstance(value, str)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _read(text: str, kind: str) -> Any:
    """The value that a text names, or the text itself when it names none of that type."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        match kind:
            case "integer":
                return int(text) if len(text) < 30 else text
            case "number":
                return int(text) if re.fullmatch(r"-?\d{1,18}", text) else float(text)
    except ValueError:
        pass
    return text
