"""Which tag is the newest version of a range."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sources.versions import newest_of, parse_range, parse_version


def lies_in(version: str, wanted: str) -> bool:
    found = parse_version(version)
    assert found is not None
    return parse_range(wanted)(found)


# From the table of npm's semver: ranges and what lies in them.
@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ("1.2.3", ["1.2.3", "v1.2.3", "1.2.3+build.5"], ["1.2.4", "1.2.3-rc.1"]),
        ("1.2.x", ["1.2.0", "1.2.9"], ["1.3.0", "1.3.0-rc.1"]),
        ("1", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.9"]),
        ("*", ["0.0.1", "9.9.9"], ["1.0.0-rc.1"]),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["2.0.0", "1.2.2", "2.0.0-rc.1"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0.x", ["0.0.1", "0.9.0"], ["1.0.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        (">=1.2 <2", ["1.2.0", "1.9.9"], ["2.0.0", "1.1.9"]),
        (">=1.2, <2", ["1.2.0"], ["2.0.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("1.x || 3.x", ["1.0.0", "3.4.5"], ["2.0.0"]),
        (">=1.0.0-0", ["1.0.0-rc.1", "2.0.0-beta"], ["0.9.0"]),
    ],
)
def test_ranges_hold_what_npm_says_that_they_hold(wanted: str, inside: list[str], outside: list[str]) -> None:
    assert [each for each in inside if not lies_in(each, wanted)] == []
    assert [each for each in outside if lies_in(each, wanted)] == []


def test_versions_are_ordered_as_the_specification_orders_them() -> None:
    # Section 11 of Semantic Versioning 2.0.0.
    rising = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
              "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "2.1.1"]  # fmt: skip
    versions = [parse_version(each) for each in rising]
    assert versions == sorted(versions)  # type: ignore[type-var]


def test_the_newest_is_found_among_other_tags() -> None:
    tags = ["v1.2.0", "v1.10.0", "nightly", "v2.0.0-rc.1", "release-3", "v1.9.9"]
    assert newest_of(tags, "1.x") == "v1.10.0"
    assert newest_of(tags, "3.x") is None


@pytest.mark.parametrize("text", ["", "latest", ">=", "1.2.3.4", "1.2.3 ||", "=>1", "x" * 300])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_range(text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    parse_version(text)
    with suppress(ValueError):
        parse_range(text)
