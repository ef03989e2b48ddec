"""A job's status is derived from its holds and its live instances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.lifecycle.holds import (
    BLOCKING,
    OTHER,
    Hold,
    active,
    is_blocking,
    is_known,
    may_start_automatically,
)
from runner.lifecycle.job import STATUSES, job_status

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
KINDS = [*sorted((BLOCKING | OTHER) - {"group", "auth"}), "group:nightly", "auth:warehouse"]


def a_hold(kind: str, until: datetime | None = None) -> Hold:
    return Hold(kind, "ana", "", NOW, until)


@pytest.mark.parametrize(
    ("kinds", "live", "expected"),
    [
        ([], 0, ("ASLEEP", "")),
        ([], 1, ("RUNNING", "")),
        (["operator"], 1, ("RUNNING", "draining")),
        (["new"], 0, ("DISABLED", "")),
        (["group:nightly"], 0, ("DISABLED", "")),
        (["failure"], 0, ("FAILED", "")),
        (["failure", "operator"], 0, ("DISABLED", "")),
        (["failure"], 1, ("RUNNING", "")),
        (["paused"], 0, ("ASLEEP", "paused")),
        (["auth:warehouse"], 0, ("ASLEEP", "auth")),
        (["missing_ref"], 0, ("ASLEEP", "missing_ref")),
    ],
)
def test_the_first_match_wins(kinds: list[str], live: int, expected: tuple[str, str]) -> None:
    status = job_status([a_hold(kind) for kind in kinds], live)
    assert (status.status, status.detail) == expected


def test_a_job_that_waits_for_its_retry_says_so() -> None:
    assert job_status([], 0, backoff=True).detail == "backoff"


@given(st.lists(st.sampled_from(KINDS)), st.integers(0, 3))
def test_a_live_instance_always_shows_and_a_blocking_hold_always_wins_over_failure(
    kinds: list[str], live: int
) -> None:
    status = job_status([a_hold(kind) for kind in kinds], live).status
    assert status in STATUSES
    assert (status == "RUNNING") == (live > 0)
    assert (status == "DISABLED") == (live == 0 and any(map(is_blocking, kinds)))


def test_a_hold_with_an_end_ends_by_itself() -> None:
    hold = a_hold("operator", until=NOW + timedelta(hours=2))
    assert active([hold], NOW) == (hold,)
    assert active([hold], NOW + timedelta(hours=2)) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_any_hold_stops_automatic_starts(kind: str) -> None:
    assert is_known(kind)
    assert not may_start_automatically([a_hold(kind)], NOW)
    assert may_start_automatically([], NOW)


@pytest.mark.parametrize("kind", ["group", "auth:", "operator:ana", "nonsense"])
def test_a_kind_that_nobody_knows_is_told_apart(kind: str) -> None:
    assert not is_known(kind)
