"""What is told of starts to come, of runs under way, and of the runs that are recorded?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconcile_builders import (
    NOW,
    a_group,
    a_hold,
    a_job,
    a_tree,
    installed_from,
    the,
    with_holds,
)

from runner.reconcile.back_tests import PastRun, back_tests
from runner.reconcile.fail_on import REASONS_TO_FAIL, reasons_to_fail
from runner.reconcile.make_plan import make_plan
from runner.reconcile.outlook import LOOKED_AT, OpenRun, Recorded, with_outlook
from runner.reconcile.pile_ups import is_due
from runner.reconcile.plan import Plan
from runner.reconcile.sides import DeclaredSide, InstalledSide
from runner.reconcile.start_changes import clock_changes, start_changes

BERLIN = "Europe/Berlin"


def at(cron: str, **more: Any) -> dict[str, Any]:
    return {"schedules": {"default": {"cron": cron, "timezone": BERLIN, **more}}}


def recorded(
    *, past: Any = (), runs: Any = (), kept: Any = None, crowd: Any = None, parallel: int = 5
) -> Recorded:
    crowded = {str(n): (each["schedules"]["default"], count) for n, (each, count) in enumerate(crowd or ())}
    return Recorded(lambda _: past, lambda _: runs, lambda _: kept, lambda: crowded, parallel)


def looked_at(declared: DeclaredSide, installed: InstalledSide, **known: Any) -> Plan:
    plan = make_plan(declared, installed, NOW)
    return with_outlook(plan, declared, installed, recorded(**known), NOW)


def runs_of(minutes: float, count: int) -> list[PastRun]:
    return [PastRun(NOW, NOW, NOW + timedelta(minutes=minutes))] * count


def test_a_changed_schedule_tells_the_starts_of_the_next_seven_days_that_it_gains_and_loses():
    before, after = a_job(resolved=at("0 2 * * *")), a_job(resolved=at("0 2,3 * * mon-fri"))
    plan = looked_at(a_tree(after), installed_from(before))
    impact = the(plan, "update").impact
    assert impact["starts"]["lost"] == 2 and impact["starts"]["gained"] == 5
    assert impact["starts"]["first_lost"] == ["2026-11-28T01:00:00.000Z", "2026-11-29T01:00:00.000Z"]
    assert impact["remarks"][0] == (
        "next 7 days: 2 starts lost (Sat 02:00, Sun 02:00), "
        "5 starts gained (Tue 03:00, Wed 03:00, Thu 03:00, …)"
    )


def test_a_schedule_for_every_minute_is_compared_as_far_as_is_looked():
    changes = start_changes(at("* * * * *"), at("*/2 * * * *"), NOW)
    assert not changes.is_whole and changes.until < NOW + timedelta(hours=9)
    assert not changes.gained and len(changes.lost) == 250


def test_the_next_changes_of_the_clocks_are_told_when_they_move_a_start():
    [gap, fold] = clock_changes(at("0 4 * * *"), at("30 2 * * *"), NOW)
    assert gap.startswith("2027-03-28 02:30: the clocks of Europe/Berlin leave this time out")
    assert fold.startswith("2027-10-31 02:30: this time comes twice")
    assert clock_changes(at("30 2 * * *"), at("30 2 * * *", jitter="1m"), NOW) == ()


def test_a_disabled_job_loses_its_starts_and_a_held_one_has_none_to_lose():
    job, off = a_job(resolved=at("0 2 * * *")), a_job(enabled=False, resolved=at("0 2 * * *"))
    installed = installed_from(job)
    assert the(looked_at(a_tree(off), installed), "disable").impact["starts"]["lost"] == 7
    held = with_holds(installed, "nightly-report", a_hold("operator"))
    assert "starts" not in the(looked_at(a_tree(off), held), "disable").impact


def test_a_removed_job_loses_its_starts():
    [gone, stays] = a_job("gone", resolved=at("0 2 * * *")), a_job("stays")
    plan = looked_at(a_tree(stays), installed_from(gone, stays))
    assert the(plan, "uninstall").impact["remarks"][0].startswith("next 7 days: 7 starts lost (Tue 02:00")


def test_more_starts_at_one_instant_than_may_run_are_a_new_pile_up():
    others = [(at("0 2 * * *"), 4)]
    before, after = a_job("x", resolved=at("0 5 * * *")), a_job("x", resolved=at("0 2 * * mon"))
    plan = looked_at(a_tree(after), installed_from(before), crowd=others, parallel=4)
    [pile_up] = plan.pile_ups
    assert (pile_up.at, pile_up.before, pile_up.after) == (datetime(2026, 11, 30, 1, tzinfo=UTC), 4, 5)
    assert plan.as_json()["pile_ups"][0]["gained"] == ["Job/x"]
    assert looked_at(a_tree(after), installed_from(before), crowd=others, parallel=5).pile_ups == ()


def test_what_was_a_pile_up_before_is_none_of_this_plan_and_neither_is_what_jitter_spreads():
    before = a_job("x", resolved=at("0 5 * * *"))
    after = a_job("x", resolved=at("0 2 * * *"))
    full = [(at("0 2 * * *"), 9)]
    assert looked_at(a_tree(after), installed_from(before), crowd=full).pile_ups == ()
    spread = a_job("x", resolved=at("0 2 * * *", jitter="10m"))
    crowd = [(at("0 2 * * *"), 5)]
    assert looked_at(a_tree(spread), installed_from(before), crowd=crowd).pile_ups == ()
    assert not is_due(
        at("0 2 * * *", jitter="1m")["schedules"]["default"], datetime(2026, 11, 30, 1, tzinfo=UTC)
    )


def test_a_job_that_leaves_an_instant_makes_room_for_one_that_comes():
    a, b = a_job("a", resolved=at("0 2 * * *")), a_job("b", resolved=at("0 3 * * *"))
    a_now, b_now = a_job("a", resolved=at("0 3 * * *")), a_job("b", resolved=at("0 2 * * *"))
    crowd = [(at("0 2 * * *"), 5), (at("0 3 * * *"), 5)]
    assert looked_at(a_tree(a_now, b_now), installed_from(a, b), crowd=crowd).pile_ups == ()


def test_a_lower_limit_is_tested_on_the_runs_that_are_recorded():
    past = [*runs_of(3, 94), *runs_of(7, 6)]
    tests = back_tests({"timeout": "10m"}, {"timeout": "5m", "deadline": "6m"}, past, NOW)
    assert [(each.field, each.affected, each.of) for each in tests] == [
        ("spec.timeout", 6, 100),
        ("spec.deadline", 6, 100),
    ]
    assert tests[0].sentence == "spec.timeout: 6 of the last 100 runs would have been ended"
    assert back_tests({"timeout": "5m"}, {"timeout": "10m"}, past, NOW) == ()
    assert back_tests({"timeout": "5m"}, {"timeout": "1s"}, (), NOW) == ()


def test_starts_that_come_closer_are_tested_for_runs_that_would_have_met_the_next():
    past = [*runs_of(3, 7), *runs_of(20, 3)]
    [test] = back_tests(at("0 * * * *"), at("*/15 * * * *"), past, NOW)
    assert test.sentence == (
        "spec.schedule: 3 of the last 10 runs would have made the next be skipped (starts are 15m apart)"
    )
    assert back_tests(at("*/15 * * * *"), at("0 * * * *"), past, NOW) == ()


def test_what_is_under_way_goes_on_with_the_revision_that_it_began_with():
    before, after = a_job(resolved={"timeout": "1h"}), a_job(resolved={"timeout": "2h"})
    runs = [OpenRun(7, "RUNNING", True), OpenRun(8, "PAUSED", True), OpenRun(9, "SCHEDULED", True)]
    impact = the(looked_at(a_tree(after), installed_from(before), runs=runs), "update").impact
    assert [each["means"] for each in impact["runs"]] == ["pinned", "state-kept", "state-kept"]
    assert impact["remarks"] == [
        "run 7 (RUNNING) goes on with the revision that it began with",
        "run 8 (PAUSED) goes on with the revision that it began with, from its state",
        "run 9 (SCHEDULED) goes on with the revision that it began with, from its state",
    ]


def test_a_paused_run_of_a_job_that_goes_is_blocked():
    job, other = a_job("gone"), a_job("stays")
    plan = looked_at(a_tree(other), installed_from(job, other), runs=[OpenRun(8, "PAUSED", True)])
    assert the(plan, "uninstall").impact["remarks"] == [
        "run 8 (PAUSED) waits until somebody resumes or cancels it"
    ]


def test_state_that_a_failed_run_left_is_gone_on_from_when_its_step_is_still_there():
    def with_step(name: str, timeout: str) -> dict[str, Any]:
        return {"timeout": timeout, "steps": [{"name": name}]}

    before = a_job(resolved=with_step("load", "1h"))
    kept = looked_at(
        a_tree(a_job(resolved=with_step("load", "2h"))), installed_from(before), kept=(4, ["load"])
    )
    assert the(kept, "update").impact["state"] == {"run": 4, "means": "kept", "steps": ["load"]}
    dropped = looked_at(
        a_tree(a_job(resolved=with_step("fetch", "2h"))), installed_from(before), kept=(4, ["load"])
    )
    assert the(dropped, "update").impact["remarks"] == [
        "what run 4 saved in step load is not gone on from: there is no such step now"
    ]


def test_the_switch_of_a_group_tells_how_far_it_reaches():
    jobs = [a_job(name, groups=["night"], resolved=at("0 2 * * *")) for name in ("a", "b")]
    installed = installed_from(a_group("night"), *jobs)
    plan = looked_at(a_tree(a_group("night", enabled=False), *jobs), installed)
    assert the(plan, "disable").impact["remarks"] == ["14 starts of the next 7 days will not come"]


def test_a_plan_of_very_many_jobs_says_that_their_starts_are_not_compared():
    jobs = [a_job(f"j{n}", resolved=at("0 2 * * *")) for n in range(LOOKED_AT + 1)]
    plan = looked_at(a_tree(*jobs), InstalledSide())
    assert plan.remarks == ("more than 200 jobs change: their starts are not compared",)


def test_what_is_told_is_no_part_of_the_digest():
    before, after = a_job(resolved=at("0 5 * * *")), a_job(resolved=at("0 2 * * *"))
    declared, installed = a_tree(after), installed_from(before)
    plan = make_plan(declared, installed, NOW)
    told = looked_at(declared, installed, crowd=[(at("0 2 * * *"), 9)], past=runs_of(1, 3))
    assert told.digest == plan.digest
    assert Plan.from_json(told.as_json()).digest == plan.digest


def test_a_reader_may_be_stopped_at_what_the_plan_means():
    before = a_job(resolved={**at("0 5 * * *"), "timeout": "1h"})
    after = a_job(resolved={**at("0 2 * * *"), "timeout": "1m"}, protected=True)
    plan = looked_at(a_tree(after), installed_from(before), crowd=[(at("0 2 * * *"), 5)], past=runs_of(2, 4))
    backtest, pileup, protected = reasons_to_fail(plan, REASONS_TO_FAIL)
    assert backtest == "Job/nightly-report: spec.timeout: 4 of the last 4 runs would have been ended"
    assert pileup == "6 starts at 2026-11-24 01:00 UTC and 6 more, where 5 may run at the same time"
    assert protected == "Job/nightly-report: protected"
    assert reasons_to_fail(plan, ()) == ()
