"""Every apply is written down: who, what, from where, and who had agreed."""

from __future__ import annotations

import pytest
from declared_projects import ANA, NOW, Project

from runner.access.permission import Actor
from runner.operations.apply import carry_out
from runner.operations.audit import Approval
from runner.operations.reconcile import reconcile
from runner.reconcile.agreed import Agreed


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    yield project
    project.store.close()


def applies(project):
    with project.store.read() as reader:
        return reader.applies.list()


def test_an_apply_has_a_row(project):
    project.job("hello")
    planned = project.plan()
    approval = Approval("apply", "agreed to on a terminal")
    carry_out(planned, project.store, Actor("ana", "ana@example.org"), NOW, approval=approval, allow_delete=4)

    [row] = applies(project)
    assert (row.serial, row.who, row.verb, row.approval) == (
        1,
        "ana@example.org (ana)",
        "apply",
        "agreed to on a terminal",
    )
    assert (row.source, row.plan_digest, row.allowed) == ("jobs.d", planned.plan.digest, {"delete": 4})
    assert [(c["action"], c["address"], c["uid"]) for c in row.changes] == [
        ("install", "Job/hello", project.record("hello").uid),
        ("enable", "Job/hello", project.record("hello").uid),
    ]


def test_what_changes_nothing_has_none(project):
    project.job("hello")
    project.apply()
    project.apply()
    assert len(applies(project)) == 1


def test_secrets_are_masked_and_changed_fields_are_kept(project):
    project.job("hello", more="env: {API_TOKEN: one, MODE: a}")
    project.apply()
    project.job("hello", more="env: {API_TOKEN: two, MODE: b}")
    project.apply()

    fields = {
        each["path"]: (each["before"], each["now"]) for each in applies(project)[0].changes[0]["fields"]
    }
    assert fields == {"spec.env.API_TOKEN": ("(masked)", "(masked)"), "spec.env.MODE": ("a", "b")}


def test_what_was_left_out_is_written_down_too(project):
    project.job("hello")
    plan = project.plan().plan
    project.job("other")
    agreed = Agreed({each.digest: (each.action, str(each.address)) for each in plan.changes})
    reconcile(None, project.folder, project.store, ANA, NOW, expect=agreed)

    [row] = applies(project)
    assert [(each["action"], each["address"], each["why"]) for each in row.left] == [
        ("install", "Job/other", "not in the reviewed plan"),
        ("enable", "Job/other", "not in the reviewed plan"),
    ]
