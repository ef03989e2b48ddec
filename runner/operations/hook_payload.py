"""What does a signed request bring? JSON that fits the hook's schema and the job's inputs, or where not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.declaration.inputs import check_inputs
from runner.operations.request_refused import RETRY_AFTER_S, RequestRefused

DEEPEST = 100
"""Objects within each other in a payload."""


def payload_of(body: bytes) -> Any:
    """The JSON in it; RequestRefused when it is none, or more than can be kept."""
    try:
        payload = json.loads(
            body.decode(), parse_constant=_no_constant, parse_int=_whole, object_pairs_hook=_object
        )
        _check_depth(payload)
        json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()  # nor half a character
    except RecursionError:
        raise RequestRefused("not-json", 400, "the body is nested too deeply") from None
    except (ValueError, UnicodeError) as error:
        raise RequestRefused("not-json", 400, f"the body is not JSON: {str(error)[:200]}") from None
    return payload


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _whole(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:  # what expressions can read
        raise ValueError(f"{text[:21]} does not fit into 64 bits with a sign; send it as a text")
    return int(text)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number in JSON")


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(each, depth + 1)


def inputs_of(spec: Mapping[str, Any], validator: Any, payload: Any) -> dict[str, Any]:
    """Values for the job's inputs; without a schema the payload is these and nothing else."""
    declared = spec["inputs"]
    if validator is not None:
        _fits_schema(validator, payload)
        given = {name: value for name, value in _fields(payload).items() if name in declared}
    elif not isinstance(payload, dict):
        raise RequestRefused("bad-payload", 422, "the payload is no object: its fields are the job's inputs")
    else:
        given = payload
    _, problems = check_inputs(declared, {**spec["with"], **given})
    if problems:
        raise _misfit([(str(p.path[0]) if p.path else "", p.detail) for p in problems])
    return given


def _fields(payload: Any) -> dict[str, Any]:
    return payload if isinstance(payload, dict) else {}


def validator_of(schema: Mapping[str, Any]) -> Any:
    """Checks payloads against it; made once for many."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing import Registry

    return validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())


def _fits_schema(validator: Any, payload: Any) -> None:
    from jsonschema.exceptions import ValidationError

    found: list[tuple[str, str]] = []
    try:
        error: ValidationError
        for error in validator.iter_errors(payload):
            found.append(("/".join(map(str, error.absolute_path)), error.message[:200]))
            if len(found) == 20:
                break
    except Exception as problem:  # a reference that leads nowhere, a pattern of another dialect
        text = f"the schema of this hook cannot be used: {str(problem)[:200]}"
        raise RequestRefused("bad-schema", 503, text, retry_after_s=RETRY_AFTER_S) from None
    if found:
        raise _misfit(found)


def _misfit(problems: list[tuple[str, str]]) -> RequestRefused:
    listed = tuple({"at": at[:200], "problem": text[:300]} for at, text in problems[:20])
    told = "; ".join(f"{each['at'] or 'the payload'}: {each['problem']}" for each in listed)
    return RequestRefused("bad-payload", 422, f"the payload does not fit: {told}"[:2000], problems=listed)
