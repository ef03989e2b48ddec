"""Expressions against the official conformance cases of the Common Expression Language (see their JSON)."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.declaration.expressions import ExpressionError, evaluate

CASES = json.loads((Path(__file__).parent / "cel" / "conformance.json").read_text())["cases"]

# docs/decisions/0009-where-expressions-deviate.md says what each group means for an author.
DEVIATIONS = {
    "a key of another kind of number": {
        "comparisons/eq_literal/eq_map_mixed_type_numbers",
        "fields/map_fields/map_key_mixed_numbers_double_key",
        "fields/map_fields/map_key_mixed_numbers_uint_key",
        "fields/map_fields/map_key_mixed_numbers_int_key",
        "fields/in/mixed_numbers_and_keys_present",
        "fields/in/mixed_numbers_and_keys_absent",
        "lists/index/zero_based_double",
    },
    "times from and to numbers, and their text": {
        "comparisons/eq_literal/not_eq_dyn_timestamp_null",
        "conversions/int/timestamp",
        "conversions/identity/timestamp",
        "timestamps/timestamp_conversions/toInt_timestamp",
        "timestamps/timestamp_conversions/toString_timestamp",
        "timestamps/timestamp_conversions/toString_timestamp_nanos",
        "timestamps/duration_conversions/toString_duration",
        "timestamps/timestamp_arithmetic/add_time_to_duration",
    },
    "beyond the range of durations and integers": {
        "integer_math/int64_math/int64_min_negate",
        "timestamps/timestamp_range/sub_time_duration_over",
        "timestamps/timestamp_range/sub_time_duration_under",
        "timestamps/duration_range/from_string_under",
        "timestamps/duration_range/from_string_over",
        "timestamps/duration_range/add_under",
        "timestamps/duration_range/add_over",
        "timestamps/duration_range/sub_under",
        "timestamps/duration_range/sub_over",
    },
    "names in backquotes": {
        "fields/quoted_map_fields/field_access_slash",
        "fields/quoted_map_fields/field_access_dash",
        "fields/quoted_map_fields/field_access_dot",
        "fields/quoted_map_fields/has_field_slash",
        "fields/quoted_map_fields/has_field_dash",
        "fields/quoted_map_fields/has_field_dot",
    },
    "variables whose names have dots": {
        "fields/qualified_identifier_resolution/qualified_ident",
        "fields/qualified_identifier_resolution/map_field_select",
        "fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked",
        "fields/qualified_identifier_resolution/ident_with_longest_prefix_check",
    },
    "size of text": {"string/size/one_unicode", "string/size/unicode"},
    "an error that is none": {
        "conversions/string/bytes_invalid",
        "fields/qualified_identifier_resolution/map_value_repeat_key",
        "integer_math/int64_math/unary_minus_not_bool",
    },
    "an error among the elements of all()": {"macros/all/list_elem_error_shortcircuit"},
}
KNOWN = frozenset().union(*DEVIATIONS.values())


def title(case: Mapping[str, Any]) -> str:
    return f"{case['suite']}/{case['name']}"


def value_of(written: Mapping[str, Any]) -> Any:
    """A `cel.expr.Value` in the JSON form of Protocol Buffers."""
    ((kind, value),) = written.items()
    match kind:
        case "int64Value" | "uint64Value":
            return int(value)
        case "doubleValue":
            return float(value)
        case "bytesValue":
            return base64.b64decode(value)
        case "nullValue":
            return None
        case "listValue":
            return [value_of(each) for each in value.get("values", ())]
        case "mapValue":
            return {value_of(e["key"]): value_of(e["value"]) for e in value.get("entries", ())}
    return value


def is_same(found: Any, expected: Any) -> bool:
    """Of the same type, too: 1 is not true, and not 1.0."""
    if type(found) is not type(expected):
        return False
    if isinstance(found, float):
        return found == expected or (math.isnan(found) and math.isnan(expected))
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(is_same, found, expected))
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(is_same(found[key], expected[key]) for key in found)
    return bool(found == expected)


def conforms(case: Mapping[str, Any]) -> bool:
    variables = {name: value_of(value) for name, value in case.get("bindings", {}).items()}
    try:
        found = evaluate(case["expr"], variables)
    except ExpressionError:
        return "error" in case
    return "error" not in case and is_same(found, value_of(case["value"]))


@pytest.mark.parametrize("suite", sorted({case["suite"].partition("/")[0] for case in CASES}))
def test_the_language_is_the_one_that_is_specified_but_for_what_is_listed(suite: str) -> None:
    cases = [case for case in CASES if case["suite"].partition("/")[0] == suite]
    assert cases
    deviating = {title(case) for case in cases if not conforms(case)}
    assert deviating == {name for name in KNOWN if name.startswith(f"{suite}/")}


def test_every_listed_deviation_is_a_case() -> None:
    assert {title(case) for case in CASES} >= KNOWN
    assert sum(map(len, DEVIATIONS.values())) == len(KNOWN)
