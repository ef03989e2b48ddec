"""Where our starts differ from cron's, and where lines would wait."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from runner.crontab.comparison import Line, compare
from runner.crontab.days import resolved
from runner.crontab.times import as_ours, read_time
from runner.schedules.kinds import schedule_from

BERLIN = ZoneInfo("Europe/Berlin")
AFTER, UNTIL = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)


def a_line(number: int, cron: str) -> Line:
    time = read_time(cron.split())
    ours = schedule_from(resolved(as_ours(time, cron), BERLIN.key))
    return Line(number, f"job-{number}", time, BERLIN, ours)


def test_a_nightly_line_differs_nowhere():
    found = compare([a_line(1, "30 2 * * *")], AFTER, UNTIL, parallel=5)

    assert (found.starts, found.deviations, found.pile_ups) == (212, (), ())


def test_a_star_in_the_minutes_differs_at_both_changes_of_the_clocks():
    found = compare([a_line(1, "*/30 2 * * *")], AFTER, UNTIL, parallel=5)

    assert [(d.local, d.cron, d.ours, d.mark) for d in found.deviations] == [
        ("2026-03-29T03:00+02:00", 0, 1, "gap, merged"),
        ("2026-10-25T02:00+01:00", 1, 0, ""),
        ("2026-10-25T02:30+01:00", 1, 0, ""),
    ]


def test_slots_that_cron_starts_twice_at_one_instant_are_one_start_here():
    found = compare([a_line(1, "0,30 2 * * *")], AFTER, UNTIL, parallel=5)

    assert [(d.local, d.cron, d.ours) for d in found.deviations] == [("2026-03-29T03:00+02:00", 2, 1)]


def test_a_line_that_wants_both_days_differs_nowhere():
    found = compare([a_line(1, "30 2 */3 * mon-fri")], AFTER, UNTIL, parallel=5)

    assert (found.starts, found.deviations) == (53, ())


def test_lines_beyond_the_limit_wait():
    lines = [a_line(number, "0 3 1 * *") for number in range(1, 8)]
    found = compare(lines, AFTER, UNTIL, parallel=5)

    assert found.times_piled_up == 7
    [pile] = found.pile_ups
    assert (pile.local, pile.waiting, len(pile.names)) == ("2026-04-01T03:00+02:00", 2, 7)
