"""Items are fed when something has changed, when their time has come, and now and then regardless."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from runner.daemon.due_feeds import REGARDLESS, DueFeeds
from runner.store.holds import HoldRecord

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
A, B = ("uid-a", "files"), ("uid-b", "hook")
HELD = {"uid-a": [HoldRecord("uid-a", "paused", "ana", "", NOW)]}


def seen(
    feeds: DueFeeds,
    *keys: tuple[str, str],
    after: timedelta = timedelta(0),
    waiting: int = 1,
    ended: Collection[tuple[str, str]] = (),
    held: bool = False,
    serial: int = 1,
) -> list[tuple[str, str]]:
    """What is to be fed after a look at these triggers, each with so many items."""
    open_items = {key: {"WAITING": waiting} for key in keys}
    feeds.see(open_items, ended, HELD if held else {}, serial, NOW + after)
    return feeds.take(20)


@pytest.fixture
def feeds() -> DueFeeds:
    """Both triggers have an item, and were fed."""
    feeds = DueFeeds()
    assert seen(feeds, A, B) == [A, B]
    for key in (A, B):
        feeds.fed(key, NOW, again_at=None, more=False)
    return feeds


def test_what_has_not_changed_is_not_fed_again(feeds: DueFeeds) -> None:
    assert seen(feeds, A, B) == []
    assert not feeds.are_any


@pytest.mark.parametrize("changed", [{"waiting": 2}, {"held": True}, {"serial": 2}, {"ended": {A}}])
def test_each_change_is_a_reason_to_feed(feeds: DueFeeds, changed: dict[str, object]) -> None:
    assert A in seen(feeds, A, B, **changed)  # type: ignore[arg-type]
    assert seen(feeds, A, B, **{**changed, "ended": ()}) == []  # type: ignore[arg-type]


def test_a_job_that_was_touched_is_fed_once(feeds: DueFeeds) -> None:
    feeds.touch("uid-a")
    assert seen(feeds, A, B) == [A]
    assert seen(feeds, A, B) == []


def test_what_is_open_for_long_is_fed_although_nothing_has_changed(feeds: DueFeeds) -> None:
    assert seen(feeds, A, B, after=REGARDLESS - timedelta(seconds=1)) == []
    assert seen(feeds, A, B, after=REGARDLESS) == [A, B]


def test_what_is_due_later_is_fed_then(feeds: DueFeeds) -> None:
    feeds.fed(A, NOW, again_at=NOW + timedelta(seconds=5), more=False)
    feeds.put_off(B, NOW + timedelta(seconds=3))
    assert feeds.next_at() == NOW + timedelta(seconds=3)
    assert seen(feeds, A, B, after=timedelta(seconds=4)) == [B]
    assert seen(feeds, A, B, after=timedelta(seconds=5)) == [A, B]


def test_what_has_more_is_fed_again_at_once(feeds: DueFeeds) -> None:
    feeds.fed(A, NOW, again_at=None, more=True)
    assert feeds.take(20) == [A]


def test_what_is_taken_is_not_taken_twice_and_the_rest_stays(feeds: DueFeeds) -> None:
    feeds.add([B, A])
    assert (feeds.take(1), feeds.take(1), feeds.take(1)) == ([A], [B], [])


def test_what_is_not_open_any_more_is_forgotten(feeds: DueFeeds) -> None:
    feeds.put_off(A, NOW + timedelta(seconds=3))
    assert seen(feeds, B) == []
    assert feeds.next_at() is None
    assert seen(feeds, A, B) == [A]
    assert feeds.has_seen_any
