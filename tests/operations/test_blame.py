"""Who has set a field: file, line, default, commit, author, and the revision that brought it."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from declared_projects import ANA, NOW, Project

from runner.declaration.origins import origin_of_field
from runner.loading.tree import load_tree
from runner.operations.apply import carry_out
from runner.operations.blame import _levels, _path_of, blame
from runner.vocabulary.diagnostic import has_errors
from runner.vocabulary.errors import InvalidDeclarations, UnknownName
from runner.vocabulary.identity import Address

REPORT = Address("Job", "report")


def git(project, author, *words):
    command = ["git", "-c", f"user.name={author}", "-c", f"user.email={author}@b.c", *words]
    subprocess.run(command, cwd=project.folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    git(project, "ana", "init", "-q", "-b", "main")
    project.write(
        "jobs.d/all.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Runner
        metadata: {name: settings}
        spec:
          defaults:
            timeout: 30m
            env: {MODE: full, API_TOKEN: hidden}
        ---
        apiVersion: jobs.runner/v1
        kind: Schedule
        metadata: {name: nightly}
        spec:
          cron: "0 2 * * *"
        ---
        apiVersion: jobs.runner/v1
        kind: JobType
        metadata: {name: report}
        spec:
          defaults:
            retry: backoff
        """,
    )
    project.write(
        "jobs.d/report.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata:
          name: report
          labels: {team: bi}
        spec:
          type: report
          enabled: true
          schedule: nightly
          steps:
            - name: load
              shell: "true"
        """,
    )
    git(project, "ana", "add", "jobs.d")
    git(project, "ana", "commit", "-q", "-m", "First jobs")
    yield project
    project.store.close()


def blamed(project, field=None, installed=False):
    if not installed:
        return blame(REPORT, field, None, project.folder, None)
    with project.store.read() as reader:
        return blame(REPORT, field, None, project.folder, reader)


def one(project, field, installed=False):
    [found] = blamed(project, field, installed)
    return found


@pytest.mark.parametrize(
    ("field", "value", "set_by", "said_as", "place"),
    [
        ("spec.type", "report", "Job/report", "spec.type", "jobs.d/report.yaml:7"),
        ("metadata.labels.team", "bi", "Job/report", "metadata.labels.team", "jobs.d/report.yaml:5"),
        ("timeout", "30m", "Runner/settings", "spec.defaults.timeout", "jobs.d/all.yaml:6"),
        ("spec.env.MODE", "full", "Runner/settings", "spec.defaults.env.MODE", "jobs.d/all.yaml:7"),
        (
            "spec.env.API_TOKEN",
            "(masked)",
            "Runner/settings",
            "spec.defaults.env.API_TOKEN",
            "jobs.d/all.yaml:7",
        ),
        ("spec.retry", "backoff", "JobType/report", "spec.defaults.retry", "jobs.d/all.yaml:20"),
        ("spec.schedule.cron", "0 2 * * *", "Schedule/nightly", "spec.cron", "jobs.d/all.yaml:13"),
        ("spec.steps.load.shell", "true", "Job/report", "spec.steps.load.shell", "jobs.d/report.yaml:12"),
        ("spec.onDisable", "finish", "built in", "", "None"),
    ],
)
def test_a_field_is_said_by_the_nearest(project, field, value, set_by, said_as, place):
    found = one(project, field)
    assert (found.value, found.set_by, found.said_as, str(found.place)) == (value, set_by, said_as, place)


def test_the_commit_is_of_the_line(project):
    path = project.folder / "jobs.d" / "report.yaml"
    path.write_text(path.read_text().replace("  enabled: true\n", "  enabled: true\n  timeout: 5m\n"))
    git(project, "ben", "commit", "-qam", "Reports hang")
    timeout, enabled = one(project, "timeout").author, one(project, "enabled").author
    assert (timeout.name, timeout.mail, timeout.summary) == ("ben", "ben@b.c", "Reports hang")
    assert enabled.name == "ana" and enabled.sha != timeout.sha
    path.write_text(path.read_text().replace("5m", "6m"))
    assert one(project, "timeout").author.sha == ""


def test_what_is_declared_empty_says_so(project):
    path = project.folder / "jobs.d" / "report.yaml"
    path.write_text(path.read_text().replace("  enabled: true\n", "  enabled: true\n  env: {}\n"))
    found = one(project, "env.MODE")
    assert (found.value, found.set_by, found.said_as) == (None, "Job/report", "spec.env")


def test_the_revision_that_brought_it_is_told(project):
    carry_out(project.plan(), project.store, ANA, NOW)
    path = project.folder / "jobs.d" / "report.yaml"
    path.write_text(path.read_text().replace("  enabled: true\n", "  enabled: true\n  deadline: 2h\n"))
    later = NOW + timedelta(hours=1)
    carry_out(project.plan(), project.store, ANA, later)
    assert (
        one(project, "deadline", True).installed.revision,
        one(project, "timeout", True).installed.revision,
    ) == (2, 1)
    assert one(project, "deadline", True).installed.at == later


def test_without_a_field_all_that_anybody_has_set_is_listed(project):
    assert [each.field for each in blamed(project)] == [
        "spec.type",
        "spec.enabled",
        "spec.schedule",
        "spec.steps.load",
        "metadata.labels.team",
        "spec.retry",
        "spec.timeout",
        "spec.env.MODE",
        "spec.env.API_TOKEN",
    ]


def test_what_is_not_there_is_told_with_the_nearest(project):
    with pytest.raises(UnknownName, match=r"no field 'spec\.timout'; did you mean 'spec\.timeout'\?"):
        blamed(project, "timout")
    with pytest.raises(UnknownName, match="did you mean 'report'"):
        blame(Address("Job", "reprt"), None, None, project.folder, None)
    project.write("jobs.d/bad.yaml", "kind: [\n")
    with pytest.raises(InvalidDeclarations):
        blamed(project)


EXAMPLES = sorted(each.parent for each in (Path(__file__).parents[2] / "examples").glob("*/jobs.d"))


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda each: each.name)
def test_every_field_of_every_kind_has_an_answer(folder):
    tree = load_tree(None, project=folder)
    assert not has_errors(tree.diagnostics)
    for address in tree.objects:
        document = tree.document(address)
        levels, schedules = _levels(tree, address)
        said = {key: document.declared[key] for key in ("spec", "metadata")}
        for path in {*paths_in(said), *paths_in({"spec": document.resolved})}:
            field = _path_of(".".join(path), levels, document.resolved)
            assert origin_of_field(field, levels, document.resolved, schedules) is not None, (address, path)


def paths_in(value, at=()):
    """Of everything below the first two keys; elements of lists by their names."""
    if len(at) > 1:
        yield at
    if isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value):
        value = {each["name"]: each for each in value}
    for key, each in value.items() if isinstance(value, dict) else ():
        yield from paths_in(each, (*at, str(key)))


def test_a_key_with_dots_is_one_field(project):
    project.write(
        "jobs.d/kept.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata:
          name: kept
          annotations:
            jobs.runner/prune: disabled
        spec: {enabled: true, steps: [{name: a, shell: "true"}]}
        """,
    )
    field = "metadata.annotations.jobs.runner/prune"
    [found] = blame(Address("Job", "kept"), field, None, project.folder, None)
    assert (found.value, str(found.place)) == ("disabled", "jobs.d/kept.yaml:6")
