"""The last slot before a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from runner.schedules.every import Every
from runner.schedules.kinds import schedule_from
from runner.schedules.look_back import slot_before, slot_until
from runner.schedules.slot import Slot

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("resolved", "before", "until"),
    [
        ({"every": "1s"}, "2026-11-21T11:59:59Z", "2026-11-21T12:00:00Z"),
        ({"cron": "0 12 * * *"}, "2026-11-20T12:00[UTC]", "2026-11-21T12:00[UTC]"),
        ({"cron": "0 0 29 2 *"}, "2024-02-29T00:00[UTC]", "2024-02-29T00:00[UTC]"),
        ({"at": "2026-11-21T12:00Z"}, None, "2026-11-21T12:00:00Z"),
    ],
)
def test_the_last_slot_before_and_until_a_moment(resolved, before, until) -> None:
    schedule = schedule_from(resolved)
    assert key(slot_before(schedule, NOON)) == before
    assert key(slot_until(schedule, NOON)) == until


def test_the_last_slot_of_every_second_is_found_among_few(monkeypatch) -> None:
    seen = []
    between = Every.between

    def counted(self: Every, after: datetime, until: datetime) -> Iterator[Slot]:
        for slot in between(self, after, until):
            seen.append(slot)
            yield slot

    monkeypatch.setattr(Every, "between", counted)
    assert key(slot_before(schedule_from({"every": "1s"}), NOON)) == "2026-11-21T11:59:59Z"
    assert len(seen) <= 15


def key(slot: Slot | None) -> str | None:
    return slot and slot.key
