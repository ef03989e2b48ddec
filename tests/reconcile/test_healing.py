"""What operators hold is drift until it ends; `--heal` ends it, each by name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reconcile_builders import (
    NIGHTLY,
    NOW,
    a_group,
    a_hold,
    a_job,
    a_tree,
    carried_out,
    installed_from,
    with_holds,
)

from runner.reconcile.make_plan import make_plan


def healed(*things, installed):
    return make_plan(a_tree(*things), installed, NOW, heal=True)


def held(job, *holds):
    return with_holds(installed_from(job), job.declared.address.name, *holds)


def test_healing_ends_each_hold_by_name():
    job = a_job("cleanup", resolved={"schedules": NIGHTLY})
    until = NOW + timedelta(hours=2)
    side = held(job, a_hold("operator", "ana", "INC-123", until), a_hold("paused", "ben"))
    plan = healed(job, installed=side)

    [line] = plan.changes
    assert (line.action, line.impact["note"]) == (
        "enable",
        "ends: held by ana until 14:00 UTC (INC-123), paused by ben",
    )
    assert [(e.verb, e.kind, e.owner) for e in line.holds] == [
        ("clear", "operator", "ana"),
        ("clear", "paused", "ben"),
    ]
    after = carried_out(plan, a_tree(job), side)
    assert make_plan(a_tree(job), after, NOW).changes == ()


def test_what_a_disabled_job_missed_is_not_caught_up_what_a_paused_one_missed_may_be():
    job = a_job("cleanup", resolved={"schedules": NIGHTLY})
    disabled = healed(job, installed=held(job, a_hold("operator")))
    paused = healed(job, installed=held(job, a_hold("paused")))
    assert (disabled.changes[0].watermarks, paused.changes[0].watermarks) == (("default",), ())


@pytest.mark.parametrize("enabled", [None, False])
def test_what_git_does_not_enable_is_an_operators_choice(enabled):
    job = a_job("cleanup", enabled=enabled)
    side = held(job, a_hold("operator"))
    assert not any(change.impact.get("heals") for change in healed(job, installed=side).changes)


def test_a_failure_and_a_maintenance_are_not_healed():
    job = a_job("cleanup")
    side = held(job, a_hold("failure"), a_hold("maintenance"))
    assert healed(job, installed=side).is_empty


def test_a_group_is_healed_with_its_members():
    group, job = a_group("nightly"), a_job("a", groups=["nightly"])
    side = installed_from(group, job)
    side = with_holds(side, "nightly", a_hold("operator", "ana"), kind="Group")
    side = with_holds(side, "a", a_hold("group:nightly", "ana"))
    [line] = healed(group, job, installed=side).changes
    assert (line.action, str(line.address)) == ("enable", "Group/nightly")
    assert sorted((str(e.address), e.kind, e.owner) for e in line.holds) == [
        ("Group/nightly", "operator", "ana"),
        ("Job/a", "group:nightly", "ana"),
    ]


def test_who_agreed_to_enable_a_job_has_not_agreed_to_end_a_hold():
    job = a_job("cleanup")
    [ana] = healed(job, installed=held(job, a_hold("operator", "ana"))).changes
    [ben] = healed(job, installed=held(job, a_hold("operator", "ben"))).changes
    assert ana.digest != ben.digest
