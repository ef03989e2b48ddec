"""Which values do documents hold, and what is refused with which words?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.loading.places import find_places
from runner.loading.reader import read_documents


def values(text: str) -> Any:
    reading = read_documents(text.encode(), "f.yaml")
    assert reading.diagnostics == []
    return reading.documents[0].content


def the_problem(raw: bytes | str) -> tuple[str, str, str]:
    """Place, rule and detail of the only diagnostic."""
    raw = raw.encode() if isinstance(raw, str) else raw
    (only,) = read_documents(raw, "f.yaml").diagnostics
    return only.place, only.rule, only.detail


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("22:00", "22:00"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01T02:00:00Z", "2026-12-01T02:00:00Z"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("-3", -3),
        ("1.5e3", 1500.0),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("~", None),
        ("", None),
        ("null", None),
        ('"true"', "true"),
        ("'12'", "12"),
        ("1.2.3", "1.2.3"),
        ("9007199254740991", 2**53 - 1),
        ("+", "+"),
        (".", "."),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(written: str, value: Any) -> None:
    assert values(f"k: {written}\n") == {"k": value}
    assert type(values(f"k: {written}\n")["k"]) is type(value)


def test_every_document_of_a_file_is_read_with_its_line() -> None:
    reading = read_documents(b"a: 1\n---\nb: 2\n--- \n# comment\nc: 3\n", "f.yaml")
    assert [(d.index, d.line, d.content) for d in reading.documents] == [
        (0, 1, {"a": 1}),
        (1, 3, {"b": 2}),
        (2, 6, {"c": 3}),
    ]


def test_anchors_and_aliases_within_bounds_are_read() -> None:
    assert values("a: &x {y: 1}\nb: *x\nc: [*x, *x]\n") == {
        "a": {"y": 1},
        "b": {"y": 1},
        "c": [{"y": 1}, {"y": 1}],
    }


def test_duplicate_keys_name_both_places() -> None:
    reading = read_documents(b"a: 1\nb: {c: 2, c: 3}\na: 5\n", "f.yaml")
    assert [(d.place, d.rule, d.detail, d.source) for d in reading.diagnostics] == [
        ("f.yaml:2:11", "duplicate-key", "'c' stands first in line 2, column 5", "b: {c: 2, c: 3}"),
        ("f.yaml:3:1", "duplicate-key", "'a' stands first in line 1, column 1", "a: 5"),
    ]


def test_keys_below_a_key_that_stands_twice_are_compared_with_their_own_map_alone() -> None:
    reading = read_documents(b"a: {h: 1}\na: {h: 2, i: 3, i: 4}\n", "f.yaml")
    assert [(d.place, d.detail) for d in reading.diagnostics] == [
        ("f.yaml:2:1", "'a' stands first in line 1, column 1"),
        ("f.yaml:2:17", "'i' stands first in line 2, column 11"),
    ]


@pytest.mark.parametrize(
    ("raw", "place", "rule", "detail"),
    [
        ("", "f.yaml:1:1", "empty-document", "there is no object in it"),
        ("# only a comment\n", "f.yaml:1:1", "empty-document", "there is no object in it"),
        ("---\n---\n", "f.yaml:1:1", "empty-document", "there is no object in it"),
        ("%YAML 1.1\n---\na: 1\n", "f.yaml:1:1", "yaml-version", "%YAML 1.1; expected 1.2 or nothing"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "f.yaml:1:1", "yaml-tag", "a %TAG directive"),
        ("a: {1: x}\n", "f.yaml:1:5", "key-not-text", "1 is a number"),
        ("true: x\n", "f.yaml:1:1", "key-not-text", "true is a boolean"),
        ("~: x\n", "f.yaml:1:1", "key-not-text", "null is null"),
        ("[a]: x\n", "f.yaml:1:1", "key-not-text", "a map or list stands as a key"),
        ("a: &x b\n*x : c\n? {d: e}\n", "f.yaml:3:3", "key-not-text", "a map or list stands as a key"),
        ("a: .nan\n", "f.yaml:1:4", "number", ".nan is not a finite number"),
        ("a: -.inf\n", "f.yaml:1:4", "number", "-.inf is not a finite number"),
        ("a: 1e999\n", "f.yaml:1:4", "number", "1e999 is beyond 1e+300"),
        ("a: 9007199254740992\n", "f.yaml:1:4", "number", "9007199254740992 is beyond 9007199254740991"),
        ("a: &x [*x]\n", "f.yaml:1:8", "alias", "anchor 'x' is used inside itself"),
        ("a: *x\n", "f.yaml:1:4", "alias", "anchor 'x' is not defined"),
        ("a: &x {}\nb: {<<: *x}\n", "f.yaml:2:5", "merge-key", "'<<' is not a field"),
        (b"\xef\xbb\xbfa: 1\n", "f.yaml:1:1", "encoding",
         "the file is UTF-8 with a byte-order mark; expected UTF-8 without a byte-order mark"),
        ("a: 1\n".encode("utf-16"), "f.yaml:1:1", "encoding",
         "the file is UTF-16; expected UTF-8 without a byte-order mark"),
        ("a: 1\n".encode("utf-16-be"), "f.yaml:1:1", "encoding",
         "the file is UTF-16 or binary; expected UTF-8 without a byte-order mark"),
        (b"a: 1\nb: caf\xe9\n", "f.yaml:2:7", "encoding", "byte 0xe9 at offset 11 is not UTF-8"),
        (b"a: 1\nb: \x07\n", "f.yaml:2:4", "control-character",
         "U+0007 at offset 8; control characters are written as escapes"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_with_its_place(
    raw: bytes | str, place: str, rule: str, detail: str
) -> None:
    assert the_problem(raw) == (place, rule, detail)


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (b"\xef\xbb\xbfa: 1\n", "without the mark; `sed -i '1s/^\\xef\\xbb\\xbf//' FILE` takes it away"),
        ("a: 1\n".encode("utf-16"), "for example with `iconv -f UTF-16 -t UTF-8`"),
        ("a: 1\n".encode("utf-32"), "for example with `iconv -f UTF-32 -t UTF-8`"),
    ],
)
def test_a_file_in_another_encoding_comes_with_the_command_that_mends_it(raw: bytes, hint: str) -> None:
    (only,) = read_documents(raw, "f.yaml").diagnostics
    assert only.hint == f"save it as plain UTF-8, {hint}"


def test_a_time_without_quotes_in_brackets_gets_the_hint_to_quote_it() -> None:
    (only,) = read_documents(b"w: {start: 22:00, end: 04:00}\n", "f.yaml").diagnostics
    assert (only.place, only.rule) == ("f.yaml:1:14", "yaml-syntax")
    assert only.hint == "put the value in quotes when it contains ':', such as a time: \"22:00\""


@pytest.mark.parametrize("raw", ["a: 1\nb: [", "a: 1\nb: [\n\n"])
def test_what_is_never_closed_is_told_behind_the_last_text(raw: str) -> None:
    (only,) = read_documents(raw.encode(), "f.yaml").diagnostics
    assert (only.place, only.rule, only.source) == ("f.yaml:2:5", "yaml-syntax", "b: [")
    assert only.hint == "a '[' or '{' is not closed, or a comma is missing"


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!!str", "!own", "!", "!<tag:x,2000:y>"])
def test_every_tag_is_refused(tag: str) -> None:
    assert the_problem(f"a: {tag} b\n")[:2] == ("f.yaml:1:4", "yaml-tag")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("if: !steps.a.ok", "put the value in quotes if it begins with '!'"),
        ('if: "a" == "b"', "put the whole expression in quotes: YAML reads some of its characters itself"),
        ("description: now: this", "put the value of 'description' in quotes: it contains ': '"),
        ("run: @daily", "put the value in quotes: '@', '`' and '%' have a meaning of their own in YAML"),
        ("\ta: 1", "indent with spaces; YAML does not allow tabs there"),
    ],
)
def test_a_value_that_yaml_breaks_gets_the_hint_to_quote_it(line: str, hint: str) -> None:
    (only,) = read_documents(line.encode(), "f.yaml").diagnostics
    expected = "quote the value if it begins with '!'" if only.rule == "yaml-tag" else hint
    assert only.hint == expected


def test_an_empty_document_among_others_is_a_warning() -> None:
    reading = read_documents(b"a: 1\n---\n---\nb: 2\n", "f.yaml")
    assert [(d.severity, d.rule) for d in reading.diagnostics] == [("warning", "empty-document")]
    assert len(reading.documents) == 2


def test_places_are_those_of_the_key_or_the_value() -> None:
    places = find_places(
        b"x: 0\n---\nspec:\n  steps:\n    - name: a\n      shell:\n        argv: [b, c]\n", 1
    )
    assert places.of_key(("spec", "steps", 0, "shell")) == (6, 7)
    assert places.of_value(("spec", "steps", 0, "name")) == (5, 13)
    assert places.of_value(("spec", "steps", 0, "shell", "argv", 1)) == (7, 19)
    assert places.of_value(("spec", "schedule", "cron")) == (3, 1)


@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b"? ")
@example(b"- - ? -")
@example(b"&a *a")
@example(b"!<")
@example(b"%YAML 99.99\n---")
@example(b"\xc2\x85")
def test_no_bytes_make_the_reader_raise(raw: bytes) -> None:
    reading = read_documents(raw, "f.yaml")
    assert reading.documents or reading.diagnostics


@given(st.text(alphabet="ab:-?[]{}&*!|>'\"%@`#,~ \n\t01.", max_size=80))
def test_no_text_of_yamls_own_characters_makes_the_reader_raise(text: str) -> None:
    reading = read_documents(text.encode(), "f.yaml")
    assert reading.documents or reading.diagnostics
    for document in reading.documents:
        find_places(text.encode(), document.index)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda k: k != "<<"), _json, min_size=1, max_size=4
    )
)
def test_json_text_is_read_as_json_reads_it(content: dict[str, Any]) -> None:
    import json

    reading = read_documents(json.dumps(content).encode(), "f.yaml")
    if not any(d.rule in ("merge-key", "yaml-syntax") for d in reading.diagnostics):
        assert reading.diagnostics == []
        assert reading.documents[0].content == content


def test_an_alias_of_nothing_may_have_been_meant_as_text() -> None:
    [problem] = read_documents(b"if: *x\n", "f.yaml").diagnostics
    assert problem.hint == "quote the value if it begins with '*'"
