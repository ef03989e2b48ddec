"""One prebuilt JSON Schema validator per kind: building one costs more than a hundred documents."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, ValidationError, validators
from referencing import Registry

from runner.declaration.json_schema import schema_of
from runner.declaration.texts import MAX_INTEGER


def _is_integer(_checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER


def _is_number(checker: Any, value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return _is_integer(checker, value)


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """As ECMA 262 reads it: `$` is the end of the text, not also before a last line break."""
    if isinstance(value, str) and _compiled(pattern).match(value) is None:
        yield ValidationError(f"does not match {pattern}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern.startswith("^") and pattern.endswith("$"):
        return re.compile(f"(?:{pattern[1:-1]})\\Z")
    return re.compile(f"(?s:.*?)(?:{pattern})" if not pattern.startswith("^") else pattern)


@cache
def validator_of(kind: str) -> Draft7Validator:
    """The validator of a kind. NaN, infinities and integers beyond 2^53 are no numbers for it."""
    types = Draft7Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    made = validators.extend(Draft7Validator, {"pattern": _pattern}, type_checker=types)
    schema = schema_of(kind)
    inlined = _inlined(schema, schema["definitions"])
    return made(inlined, registry=Registry())


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references (there is no recursion in it): resolving them is half of the time."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].removeprefix("#/definitions/")], definitions)
    unwrapped = schema.get("allOf")
    if isinstance(unwrapped, list) and len(unwrapped) == 1:
        return _inlined(unwrapped[0], definitions)
    annotations = ("definitions", "description", "default", "examples", "$schema")
    return {
        key: value
        if key in ("enum", "const", "required")
        else {name: _inlined(each, definitions) for name, each in value.items()}
        if key == "properties"
        else _inlined(value, definitions)
        for key, value in schema.items()
        if key not in annotations
    }
