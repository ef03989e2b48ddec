"""Does a plan against a real database tell what it means for starts and runs?"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from declared_projects import NOW, Project

from runner.lifecycle.instance import INSTANCE
from runner.operations.plan import make_plan_for
from runner.reconcile.plan import Plan

NIGHTLY = 'schedule: {cron: "0 2 * * *", timezone: Europe/Zurich}'


@pytest.fixture
def project(tmp_path: Path):
    project = Project(tmp_path)
    yield project
    project.store.close()


def outlook(project: Project) -> Plan:
    return make_plan_for(None, project.folder, project.store, NOW, outlook=True).plan


def ended(project: Project, id_: int, after: timedelta, event: str = "succeed") -> None:
    def work(tx):
        before = tx.instances.get(id_)
        move = INSTANCE.move(before.state, event)
        tx.instances.move(id_, move, epoch=before.epoch, at=NOW + after, who="system")

    project.store.transact(work)


def test_a_shorter_timeout_is_tested_on_the_runs_in_the_database(project: Project):
    project.job("report", more="timeout: 10m")
    project.apply()
    ended(project, project.starts("report"), timedelta(minutes=7))
    project.job("report", more="timeout: 5m")
    [change] = outlook(project).changes
    assert change.impact["back_tests"] == [
        {
            "field": "spec.timeout",
            "affected": 1,
            "of": 1,
            "sentence": "spec.timeout: 1 of 1 recorded run would have been ended",
        }
    ]


def test_the_jobs_that_are_installed_crowd_an_instant(project: Project):
    for name in ("a", "b", "c", "d", "e"):
        project.job(name, more=NIGHTLY)
    project.job("off", enabled=False, more=NIGHTLY)
    project.apply()
    project.job("late", more=NIGHTLY)
    plan = outlook(project)
    assert {(each.before, each.after, each.parallel) for each in plan.pile_ups} == {(5, 6, 5)}
    assert len(plan.pile_ups) == 7


def test_a_run_under_way_is_named_with_what_the_revision_means_to_it(project: Project):
    project.job("report", more="timeout: 10m")
    project.apply()
    id_ = project.starts("report")
    project.job("report", more="timeout: 20m")
    [change] = outlook(project).changes
    assert change.impact["runs"] == [{"id": id_, "state": "RUNNING", "means": "pinned"}]


def test_state_that_a_failed_run_left_is_told(project: Project):
    project.job("report")
    project.apply()
    id_ = project.starts("report")
    uid = project.record("report").uid

    def saves(tx):
        tx.instances.get(id_)
        tx.state.checkpoint(
            id_, "", epoch=1, at=NOW, step="greet", n=1, cursor="{}", data='{"row": 4}', wake_at=None
        )

    project.store.transact(saves)
    ended(project, id_, timedelta(minutes=1), "fail")
    project.job("report", more="timeout: 20m")
    [change] = outlook(project).changes
    assert change.uid == uid
    assert change.impact["state"] == {"run": id_, "means": "kept", "steps": ["greet"]}


@pytest.mark.parametrize(("user", "told"), [(0, True), (1000, False)])
def test_a_limit_that_would_not_bind_is_told_beside_the_change(
    project: Project, monkeypatch: pytest.MonkeyPatch, user: int, told: bool
):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    project.job("greedy", more="limits: {processes: 5}")
    project.job("modest")
    remarks = {
        str(change.address): list(change.impact.get("remarks", ()))
        for change in outlook(project).changes
        if change.action == "install"
    }
    said = ["limits.processes does not bind root, as whom the job would run here"]
    assert remarks == {"Job/greedy": said if told else [], "Job/modest": []}


def test_a_plan_without_the_outlook_tells_none(project: Project):
    project.job("report", more=NIGHTLY)
    project.apply()
    project.job("report", more='schedule: "0 3 * * *"')
    [change] = project.plan().plan.changes
    assert "starts" not in change.impact
