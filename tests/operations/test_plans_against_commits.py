"""Git against git: the same changes, with the same digests, and no database."""

from __future__ import annotations

import subprocess

import pytest
from declared_projects import NOW, Project, lines

from runner.operations.plan_against import make_plan_against
from runner.vocabulary.errors import InvalidDeclarations


def git(project, *words):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, cwd=project.folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    git(project, "init", "-q", "-b", "main")
    project.write("jobs.d/sum.py", "def run():\n    return {}\n")
    for name in ("a", "b", "c"):
        project.job(name)
    project.job("off", enabled=False)
    git(project, "add", "jobs.d")
    git(project, "commit", "-q", "-m", "one")
    yield project
    project.store.close()


def against(project, ref="main", path=None):
    return make_plan_against(path, project.folder, ref, NOW)


def test_nothing_changed_is_no_change(project):
    assert against(project).plan.changes == ()


def test_a_review_binds_what_is_done_where_the_base_is_installed(project):
    project.apply()
    project.job("a", shell="echo bonjour")
    project.job("off")
    project.job("new")
    project.remove("b")
    reviewed, planned = against(project), project.plan()
    assert (
        lines(reviewed)
        == lines(planned)
        == [
            "install Job/new",
            "enable Job/new",
            "enable Job/off",
            "update Job/a",
            "uninstall Job/b",
        ]
    )
    assert [c.digest for c in reviewed.plan.changes] == [c.digest for c in planned.plan.changes]
    assert reviewed.plan.digest == planned.plan.digest
    assert reviewed.plan.against.startswith("main @ ")


def test_a_part_removes_nothing(project):
    project.job("a", shell="echo bonjour")
    project.remove("b")
    assert lines(against(project, path=project.folder / "jobs.d" / "a.yaml")) == ["update Job/a"]


def test_a_protected_job_is_protected_by_what_the_base_says(project):
    project.job("a", more="type: system")
    git(project, "commit", "-qam", "two")
    project.job("a", more="timeout: 5m")
    [change] = against(project).plan.changes
    assert change.protected


def test_a_base_that_is_invalid_is_said_with_its_place(project):
    project.write("jobs.d/a.yaml", "kind: [\n")
    git(project, "commit", "-qam", "broken")
    project.job("a")
    with pytest.raises(InvalidDeclarations) as invalid:
        against(project)
    assert invalid.value.diagnostics[0].file == "main:jobs.d/a.yaml"


def test_a_base_without_the_folder_is_told_and_not_taken_for_an_empty_one_in_silence(project):
    project.write("etc/x.yaml", (project.folder / "jobs.d" / "a.yaml").read_text())
    planned = against(project, path=project.folder / "etc")
    assert lines(planned) == ["install Job/a", "enable Job/a"]
    assert [each.rule for each in planned.diagnostics] == ["nothing-there"]
