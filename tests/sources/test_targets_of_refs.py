"""What is followed, and which commit that is now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.sources.outcome import Before, is_to_be_tried
from runner.sources.polling import SAME_COMMIT_AGAIN, until_next
from runner.sources.target import NoTarget, Target, decide_target, patterns_of
from runner.sources.wanted import Wanted, wanted, wanted_from, wanted_of

A, B, C = "a" * 40, "b" * 40, "c" * 40
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_without_a_ref_the_branch_main_is_followed() -> None:
    assert wanted_of(None) == Wanted("branch", "main")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("main", Wanted("branch", "main")),
        ("refs/heads/team/x", Wanted("branch", "team/x")),
        ("refs/tags/v1", Wanted("tag", "v1")),
        ("tag:v1", Wanted("tag", "v1")),
        ("semver:>=1 <2", Wanted("semver", ">=1 <2")),
        (A, Wanted("commit", A)),
        (f"commit:{A}", Wanted("commit", A)),
    ],
)
def test_a_ref_on_the_command_line_says_what_it_is(text: str, means: Wanted) -> None:
    assert wanted_from(text) == means


@pytest.mark.parametrize(
    "name",
    [
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a\nb",
        "a~1",
        "a^",
        "a:b",
        "a*",
        "x.lock",
        "/a",
        "a//b",
        ".a",
        "",
        "a\udcff",
        "a\x85b",
        "a\u202eb",
    ],
)
def test_names_that_git_could_misread_are_refused(name: str) -> None:
    for kind in ("branch", "tag"):
        with pytest.raises(ValueError):
            wanted(kind, name)  # type: ignore[arg-type]


def test_a_commit_is_named_in_full() -> None:
    with pytest.raises(ValueError, match="in full"):
        wanted("commit", "abc1234")


def test_a_branch_is_where_the_remote_has_it() -> None:
    main = Wanted("branch", "main")
    assert decide_target(main, {"refs/heads/main": A}) == Target(A, "main", "refs/heads/main")
    assert patterns_of(main) == ("refs/heads/main",)


def test_a_branch_that_is_gone_is_no_target_and_not_an_empty_one() -> None:
    found = decide_target(Wanted("branch", "main"), {"refs/heads/other": A})
    assert found == NoTarget("the remote has no branch main; what is installed stays")


def test_an_annotated_tag_is_the_commit_that_it_names() -> None:
    found = decide_target(Wanted("tag", "v1"), {"refs/tags/v1": A, "refs/tags/v1^{}": B})
    assert found == Target(B, "v1", "refs/tags/v1", "v1")


def test_of_a_range_the_newest_tag_is_followed() -> None:
    tags = {"refs/tags/v1.2.0": A, "refs/tags/v1.10.0": B, "refs/tags/v1.10.0^{}": C, "refs/tags/x": A}
    assert decide_target(Wanted("semver", "1.x"), tags) == Target(
        C, "v1.10.0", "refs/tags/v1.10.0", "v1.10.0"
    )
    assert isinstance(decide_target(Wanted("semver", "2.x"), tags), NoTarget)


MAIN = Target(B, "main", "refs/heads/main")


def tried(before: Before, *, asked: bool = False, now: datetime = NOW) -> bool:
    return is_to_be_tried(MAIN, before, asked=asked, now=now)


def test_what_is_applied_is_left_alone_until_something_differs() -> None:
    applied = Before(B, "Applied", NOW)
    assert not tried(applied)
    assert tried(applied, asked=True)


def test_a_newer_commit_overtakes_one_that_fails() -> None:
    assert tried(Before(A, "InvalidDeclarations", NOW))


def test_a_commit_that_is_invalid_is_tried_seldom_and_what_may_pass_at_each_look() -> None:
    invalid = Before(B, "InvalidDeclarations", NOW)
    assert not tried(invalid, now=NOW + MINUTE)
    assert tried(invalid, now=NOW + SAME_COMMIT_AGAIN)
    assert tried(Before(B, "Unsigned", NOW), now=NOW + MINUTE)
    assert tried(Before(B, "RemoteUnreachable", NOW), now=NOW + MINUTE)


def test_the_remote_is_asked_in_the_interval_and_sooner_after_a_failure() -> None:
    assert until_next(MINUTE, 0, 0.5) == MINUTE
    assert until_next(MINUTE, 0, 0.0) == MINUTE * 0.9
    assert [until_next(MINUTE, n, 0.5).total_seconds() for n in (1, 2, 3, 4, 5, 60)] == [
        5,
        10,
        20,
        40,
        60,
        60,
    ]
