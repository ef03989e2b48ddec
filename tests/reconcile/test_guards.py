"""What is refused until somebody says that it is meant?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from reconcile_builders import a_job, installed_from, plan_of

from runner.reconcile.guards import Budget, deletion_refusal, protected_changes
from runner.reconcile.sides import Alive


class AllAlive(dict):
    def get(self, uid, default=None):
        return Alive(41, True)


def removing(count: int, of: int):
    things = [a_job(f"job-{n:03}") for n in range(of)]
    return plan_of(*things[count:], installed=installed_from(*things))


@pytest.mark.parametrize(
    ("count", "of", "refused"),
    [
        (0, 5, False),
        (1, 1, True),  # everything
        (3, 3, True),
        (3, 4, False),  # three are few
        (4, 19, True),  # more than a fifth
        (4, 20, False),  # exactly a fifth
        (20, 100, False),
        (21, 100, True),
    ],
)
def test_removing_everything_or_much_is_refused(count, of, refused):
    assert (deletion_refusal(removing(count, of)) is not None) == refused


def test_the_refusal_names_the_number_that_allows_it():
    assert deletion_refusal(removing(4, 10)) == (
        "the plan removes 4 of 10 installed objects of jobs.d: Job/job-000, Job/job-001, Job/job-002, "
        "Job/job-003. If that is meant, say so with --allow-delete 4"
    )
    assert deletion_refusal(removing(4, 10), allow_delete=4) is None
    assert "(--allow-delete 3 is not enough)" in (deletion_refusal(removing(4, 10), allow_delete=3) or "")


def test_the_installation_may_set_its_own_budget():
    assert deletion_refusal(removing(4, 10), budget=Budget(few=5)) is None
    assert deletion_refusal(removing(3, 10), budget=Budget(few=0, share=0.1)) is not None


def test_jobs_that_are_alive_count_for_several():
    things = [a_job(f"job-{n:03}") for n in range(10)]
    side = replace(installed_from(*things), alive=AllAlive())
    assert deletion_refusal(plan_of(*things[1:], installed=side)) is None  # one is always few
    assert deletion_refusal(plan_of(*things[2:], installed=side)) == (
        "the plan removes 2 of 10 installed objects of jobs.d: "
        "Job/job-000 (41 runs in 30 days, saved state), Job/job-001 (41 runs in 30 days, saved state); "
        "jobs that are alive count 3 times, so that is 6. "
        "If that is meant, say so with --allow-delete 2"
    )
    assert deletion_refusal(plan_of(*things[2:], installed=side), allow_delete=2) is None


def test_a_plan_says_how_alive_is_what_it_removes():
    side = replace(installed_from(a_job("a"), a_job("b")), alive=AllAlive())
    [change] = [c for c in plan_of(a_job("b"), installed=side).changes if c.action == "uninstall"]
    assert change.impact["note"] == "41 runs in 30 days; has saved state; history is kept"


def test_an_empty_source_with_nothing_installed_removes_nothing():
    assert deletion_refusal(plan_of()) is None


def test_installing_a_protected_job_is_no_protected_change_but_changing_it_is():
    assert protected_changes(plan_of(a_job(protected=True))) == ()
    side = installed_from(a_job(protected=True), a_job("b"))
    changed = plan_of(a_job(protected=True, spec={"timeout": "1m"}), a_job("b"), installed=side)
    assert [change.action for change in protected_changes(changed)] == ["update"]
    assert [change.action for change in protected_changes(plan_of(a_job("b"), installed=side))] == [
        "uninstall"
    ]
