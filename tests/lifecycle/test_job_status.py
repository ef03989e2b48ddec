"""A job's status is derived from its holds and its live instances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.lifecycle.holds import (
    BLOCKING,
    OTHER,
    Hold,
    active,
    is_blocking,
)
from runner.lifecycle.job import STATUSES, job_status, why_it_waits

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


class Start(NamedTuple):
    reason: str
    epoch: int
    due_at: datetime


@pytest.mark.parametrize(
    ("reason", "epoch", "in_minutes", "word"),
    [
        ("slot", 0, 5, ""), ("slot", 0, 0, "waiting"), ("retry", 1, 5, "backoff"), ("retry", 1, 0, "waiting"),
        ("sleeping", 2, 5, "sleeping"), ("sleeping", 2, 0, "waiting"), ("crash", 1, 0, "waiting"),
    ],
)  # fmt: skip
def test_what_a_start_waits_for_is_told_by_its_time_and_its_reason(
    reason: str, epoch: int, in_minutes: int, word: str
) -> None:
    waits = why_it_waits([Start(reason, epoch, NOW + timedelta(minutes=in_minutes))], NOW)
    assert job_status([], 0, **waits).detail == word


def test_a_job_that_waits_for_its_retry_says_so() -> None:
    assert job_status([], 0, backoff=True).detail == "backoff"
    assert job_status([], 0, sleeping=True).detail == "sleeping"


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
