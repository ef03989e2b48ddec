"""What is recorded comes back as it was, or is refused with its path."""

from __future__ import annotations

import collections
import decimal
import enum
import json
import pathlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sdk.failures import JobCodeError
from runner.sdk.values import DEPTH, decoded, encoded, for_people, text_for_people
from tests.searching import examples

MIB = 1 << 20
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)
anything = st.recursive(
    scalars
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.datetimes()
    | st.decimals()
    | st.complex_numbers()
    | st.sets(st.integers()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4).map(collections.OrderedDict)
    ),
    max_leaves=20,
)


def refusal(value: Any, limit: int = MIB) -> str:
    with pytest.raises(JobCodeError) as raised:
        encoded(value, "state", limit)
    return f"{raised.value.code}: {raised.value.description}"


def same(value: Any, other: Any) -> bool:
    """Equal, and of equal types throughout."""
    if type(value) is not type(other):
        return False
    if isinstance(value, dict):
        return list(value) == list(other) and all(same(value[key], other[key]) for key in value)
    if isinstance(value, list):
        return len(value) == len(other) and all(map(same, value, other))
    return repr(value) == repr(other)


@given(json_values)
def test_what_is_accepted_comes_back_exactly(value: Any) -> None:
    assert same(decoded(encoded(value, "state", MIB), "state"), value)


@given(anything)
@examples(300)
def test_anything_else_is_refused_and_never_changed(value: Any) -> None:
    try:
        text = encoded(value, "state", MIB)
    except JobCodeError as refused:
        assert refused.code == "state-not-json"
        assert refused.description.startswith("state")
        refused.description.encode()
    else:
        assert same(json.loads(text), value)


@given(anything)
def test_what_is_for_people_is_always_json(value: Any) -> None:
    json.dumps(for_people({"value": value}), allow_nan=False, ensure_ascii=False).encode()
    text_for_people(value).encode()


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime is not JSON; store its isoformat()"),
        (timedelta(1), "timedelta is not JSON; store its total_seconds()"),
        (decimal.Decimal("1.1"), "Decimal is not JSON; store its str()"),
        (uuid.UUID(int=1), "UUID is not JSON; store its str()"),
        (pathlib.Path("/"), "PosixPath is not JSON; store its str()"),
        (b"x", "bytes is not JSON; store text, for example base64"),
        ({1}, "set is not JSON; store a sorted list"),
        ((1, 2), "tuple is not JSON; store a list"),
        (object(), "object is not JSON"),
        (float("nan"), "nan is no JSON number; store None or text"),
        (float("-inf"), "-inf is no JSON number; store None or text"),
        (2**63, "the integer has more than 64 bits, which other readers cut; store text"),
        (-(2**63) - 1, "the integer has more than 64 bits, which other readers cut; store text"),
        ({3: "x"}, "the key 3 is an int; keys are texts"),
        ({None: "x"}, "the key None is a NoneType; keys are texts"),
        (collections.defaultdict(int), "defaultdict would come back as dict; store dict(…) of it"),
        (Colour.RED, "Colour would come back as str; store str(…) of it"),
        ("\ud800", "the text has half a character (a lone surrogate), which UTF-8 cannot hold"),
        ({"\udfff": 1}, "the text has half a character (a lone surrogate), which UTF-8 cannot hold"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_refusal_names_the_path_and_what_to_store(value: Any, reason: str) -> None:
    state = {"items": [1, "two", {"fine": None}, {"when": value}]}
    assert refusal(state) == f"state-not-json: state.items[3].when: {reason}"


def test_the_ends_of_64_bits_are_accepted() -> None:
    assert encoded([2**63 - 1, -(2**63)], "state", MIB) == "[9223372036854775807,-9223372036854775808]"


def test_a_key_that_is_no_name_is_quoted_in_the_path() -> None:
    assert refusal({"a b": {"": {"x.y": {1}}}}).startswith('state-not-json: state["a b"][""]["x.y"]: set')


def test_a_long_key_is_cut_in_the_path() -> None:
    assert len(refusal({"k" * 5000: {1}})) < 200


def test_the_depth_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(DEPTH):
        deep = [deep]
    encoded(deep, "state", MIB)
    assert refusal([deep]) == ("state-not-json: state[0][0][0][0][0]…: it is nested deeper than 100 levels")


def test_what_contains_itself_is_told_from_what_is_deep() -> None:
    state: dict[str, Any] = {"a": {"b": [0, {}]}}
    state["a"]["b"][1]["up"] = state["a"]
    assert refusal(state) == "state-not-json: state.a.b[1].up: it contains itself (it is state.a again)"


def test_the_same_value_twice_is_no_circle() -> None:
    shared = [1]
    assert encoded({"a": shared, "b": shared}, "state", MIB) == '{"a":[1],"b":[1]}'


def test_what_is_too_large_names_what_makes_it_large() -> None:
    state = {"cursor": 5, "seen": {"ids": ["x" * 10] * 100, "other": [1, 2, 3]}}
    assert refusal(state, limit=1000) == (
        "state-too-large: state: 1,345 bytes of JSON, of at most 1,000; state.seen.ids alone has 1,301; "
        "keep data in a file or a table, and here how far it has been read"
    )


def test_the_size_is_counted_in_bytes_of_utf8() -> None:
    assert encoded("é" * 10, "state", 22) == '"' + "é" * 10 + '"'
    assert "22 bytes of JSON, of at most 21" in refusal("é" * 10, limit=21)


def test_exactly_a_mebibyte_is_accepted() -> None:
    encoded("x" * (MIB - 2), "state", MIB)
    assert refusal("x" * (MIB - 1)).startswith("state-too-large: state: 1,048,577 bytes")


def test_a_refusal_does_not_show_values() -> None:
    assert "hunter2" not in refusal({"password": ("hunter2",)}) + refusal({"p": "hunter2" * 99}, limit=10)


def test_what_is_for_people_is_shortened_and_said_so() -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    assert for_people({"when": datetime(2026, 1, 1), 3: 4}) == {"when": "2026-01-01 00:00:00", "3": 4}
    assert for_people({"\ud800": ("\udfff",)}) == {"?": ["?"]}
    assert "contains itself" in for_people(circle)["left_out"]
    assert "bytes of JSON, of at most" in for_people({"x": "y" * 100_000})["left_out"]
    assert text_for_people("x" * 20, 10) == "xxxxxxxxx…"
