"""One invalid object does not keep the rest from being applied, when the installation says so."""

from __future__ import annotations

import pytest
from declared_projects import ANA, NOW, Project, lines

from runner.operations.apply import carry_out
from runner.operations.plan import make_plan_for
from runner.operations.reconcile import reconcile
from runner.reconcile.agreed import left_out
from runner.vocabulary.errors import InvalidDeclarations

BROKEN = """
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: NAME}
    spec: {shcedule: x, steps: [{name: a, shell: "true"}]}
    """


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    for name in ("a", "b"):
        project.job(name)
    project.apply()
    yield project
    project.store.close()


def planned(project, on_invalid="isolate"):
    return make_plan_for(None, project.folder, project.store, NOW, on_invalid=on_invalid)


def apply(project):
    return carry_out(planned(project), project.store, ANA, NOW)


def broken(project, name):
    return project.write(f"jobs.d/{name}.yaml", BROKEN.replace("NAME", name))


def left(plan):
    return {each["address"]: each["why"] for each in left_out(plan)}


def test_without_it_nothing_is_applied(project):
    broken(project, "a")
    project.job("b", shell="echo bonjour")
    with pytest.raises(InvalidDeclarations):
        planned(project, None)


def test_the_rest_is_applied_and_the_last_good_version_stays(project):
    broken(project, "a")
    project.job("b", shell="echo bonjour")
    project.job("c")
    before = project.record("a")
    plan = planned(project).plan
    assert [line for line in lines(planned(project)) if not line.startswith("note")] == [
        "install Job/c",
        "enable Job/c",
        "update Job/b",
    ]
    assert left(plan) == {"Job/a": "invalid: jobs.d/a.yaml:4:8: Unknown field"}
    assert not plan.is_all
    assert apply(project).changed
    after = project.record("a")
    assert (after.digest, after.revision, after.file) == (before.digest, before.revision, before.file)
    assert planned(project).plan.is_empty
    project.job("a", shell="echo bonjour")
    assert lines(project.plan()) == ["update Job/a"]


def test_what_cannot_be_parsed_is_not_taken_for_removed(project):
    project.write("jobs.d/a.yaml", "kind: [\n")
    plan = planned(project).plan
    assert plan.is_empty and set(left(plan)) == {"Job/a"}


def test_nothing_is_removed_while_something_is_invalid(project):
    project.remove("b")  # it may have moved into the file that cannot be read
    project.write("jobs.d/a.yaml", "kind: [\n")
    plan = planned(project).plan
    assert plan.is_empty
    assert left(plan)["Job/b"] == "nothing is removed while something is invalid"


def test_what_is_new_and_invalid_is_not_installed_and_said(project):
    broken(project, "new")
    plan = planned(project).plan
    assert [change.reason for change in plan.changes] == [
        "not installed: invalid: jobs.d/new.yaml:4:8: Unknown field"
    ]


def test_of_a_file_with_several_objects_only_the_invalid_one_is_left_out(project):
    project.write(
        "jobs.d/several.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Group
        metadata: {name: one}
        ---
        apiVersion: jobs.runner/v1
        kind: Group
        metadata: {name: two}
        spec: {enabled: perhaps}
        ---
        apiVersion: jobs.runner/v1
        kind: Group
        metadata: {name: three}
        """,
    )
    plan = planned(project).plan
    assert [line for line in lines(planned(project)) if line.startswith("install")] == [
        "install Group/one",
        "install Group/three",
    ]
    assert set(left(plan)) == {"Group/two"}
    assert [str(change.place) for change in plan.changes if change.action == "install"] == [
        "jobs.d/several.yaml:1",
        "jobs.d/several.yaml:10",
    ]


def test_what_needs_something_invalid_is_left_out_too(project):
    project.write(
        "jobs.d/c.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Connection
        metadata: {name: warehouse}
        spec: {uri: "sqlite:///w.db"}
        """,
    )
    project.write(
        "jobs.d/sum.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: sum}
        spec: {steps: [{name: sum, sql: {connection: warehouse, statement: "select 1"}}]}
        """,
    )
    project.job("fine")
    plan = planned(project).plan
    assert set(left(plan)) == {"Connection/warehouse", "Job/sum"}
    assert [line for line in lines(planned(project)) if not line.startswith("note")] == [
        "install Job/fine",
        "enable Job/fine",
    ]


def test_what_needs_something_that_was_good_goes_on_with_that(project):
    connection = """
        apiVersion: jobs.runner/v1
        kind: Connection
        metadata: {name: warehouse}
        spec: {KEY: "sqlite:///w.db"}
        """
    sum_ = """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: sum}
        spec: {steps: [{name: sum, sql: {connection: warehouse, statement: "select NUMBER"}}]}
        """
    project.write("jobs.d/c.yaml", connection.replace("KEY", "url"))
    project.write("jobs.d/sum.yaml", sum_.replace("NUMBER", "1"))
    project.apply()
    project.write("jobs.d/c.yaml", connection.replace("KEY", "uri"))
    project.write("jobs.d/sum.yaml", sum_.replace("NUMBER", "2"))
    plan = planned(project).plan
    assert [f"{c.action} {c.address}" for c in plan.changes if c.counts] == ["update Job/sum"]
    assert set(left(plan)) == {"Connection/warehouse"}


def test_the_files_of_what_is_kept_are_kept(project):
    project.write("jobs.d/sum.sql", "select 1")
    text = """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: sum}
        spec: {KEY: [{name: sum, shell: {file: sum.sql}}]}
        """
    project.write("jobs.d/sub/sum.yaml", text.replace("KEY", "steps"))
    project.write("jobs.d/sub/sum.sql", "true")
    project.apply()
    project.write("jobs.d/sub/sum.yaml", text.replace("KEY", "stepps"))
    project.write("jobs.d/sub/sum.sql", "false")
    plan = planned(project).plan
    assert plan.is_empty and set(left(plan)) == {"Job/sum"}


def test_the_installed_runner_says_whether(project):
    runner = """
        apiVersion: jobs.runner/v1
        kind: Runner
        metadata: {name: settings}
        spec: {onInvalid: isolate}
        """
    broken(project, "a")
    project.write("jobs.d/runner.yaml", runner)
    with pytest.raises(InvalidDeclarations):  # declared is not installed
        planned(project, None)
    project.job("a")
    project.apply()
    broken(project, "a")
    project.job("c")
    applied = reconcile(None, project.folder, project.store, ANA, NOW)[1]
    assert applied.changed and set(left(applied.plan)) == {"Job/a"}
    with project.store.read() as reader:
        assert reader.applies.list()[0].left[0]["address"] == "Job/a"
    assert [path.name for path in project.state.iterdir() if path.name.startswith("isolated-")] == []


def test_one_file_alone_is_never_isolated(project):
    broken(project, "a")
    with pytest.raises(InvalidDeclarations):
        make_plan_for(
            project.folder / "jobs.d" / "a.yaml", project.folder, project.store, NOW, on_invalid="isolate"
        )


def test_a_folder_that_kustomize_must_build_has_no_valid_part(project):
    kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamePrefix: north-\n"
    project.write("jobs.d/kustomization.yaml", kustomization)
    project.job("c")
    with pytest.raises(InvalidDeclarations):
        planned(project)
