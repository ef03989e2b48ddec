"""Which job is tried, and what of the declarations goes into the scratch database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from declared_projects import ANA, NOW, Project

from runner.operations.prepare_trial import Trial, find_trial, install_trial
from runner.operations.trigger import BadInputs, Triggered
from runner.store.open import open_store
from runner.store.port import Store
from runner.vocabulary.errors import InvalidDeclarations, Refused, UnknownName
from runner.vocabulary.identity import Address

TWO_STEPS = """
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: report}
    spec:
      schedule: "0 2 * * *"
      inputs: {region: {type: string, default: north, choices: [north, south]}}
      outputs: {n: "${{ steps.first.outputs.n }}"}
      steps:
        - {name: first, python: {file: count.py, function: run}}
        - {name: second, if: steps.first.outputs.n > 3, shell: echo second}
    """


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    it = Project(tmp_path)
    it.write("jobs.d/report.yaml", TWO_STEPS)
    it.write("jobs.d/count.py", "def run(): return {'n': 3}")
    it.job("hello")
    yield it
    it.store.close()


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "scratch" / "runner.db", create=True)
    yield store
    store.close()


def trial(project: Project, name: str) -> Trial:
    return find_trial(name, project=project.folder, state=None, now=NOW)


def install(project: Project, scratch: Store, name: str = "report", **different: Any) -> Triggered:
    given: dict[str, Any] = {"step": None, "given": {}, "slot": None, **different}
    return install_trial(
        scratch,
        scratch.path.parent,
        trial(project, name),
        project=project.folder,
        actor=ANA,
        now=NOW,
        **given,
    )


@pytest.mark.parametrize("said", ["report", "jobs.d/report.yaml"])
def test_a_job_is_meant_by_its_name_or_by_its_file(project: Project, said: str) -> None:
    assert trial(project, said).declared.address == Address("Job", "report")


def test_a_job_that_is_not_declared_is_offered_the_nearest(project: Project) -> None:
    with pytest.raises(UnknownName, match=r"there is no job 'reprot'.*did you mean 'report'"):
        trial(project, "reprot")


def test_a_file_must_declare_one_job(project: Project) -> None:
    both = (project.folder / "jobs.d/report.yaml").read_text() + "---\n"
    project.write("jobs.d/report.yaml", both + (project.folder / "jobs.d/hello.yaml").read_text())
    (project.folder / "jobs.d/hello.yaml").unlink()
    with pytest.raises(UnknownName, match="must declare one job to be run; it declares: hello, report"):
        trial(project, "jobs.d/report.yaml")


def test_declarations_with_errors_are_not_tried(project: Project) -> None:
    project.write("jobs.d/bad.yaml", "kind: Job")
    with pytest.raises(InvalidDeclarations):
        trial(project, "report")


def test_it_is_recorded_as_a_start_by_hand_in_the_scratch_database_alone(
    project: Project, scratch: Store
) -> None:
    start = install(project, scratch, given={"region": "south"})
    with scratch.read() as reader:
        run = reader.instances.get(start.id)
        assert run is not None
        assert (run.state, run.origin, run.inputs) == ("SCHEDULED", "manual", {"region": "south"})
        assert [s.name for s in reader.objects.summaries("Job")] == ["report"], "nothing else starts"
    with project.store.read() as reader:
        assert reader.instances.list() == []
        assert reader.objects.summaries() == []


def test_the_files_that_it_names_are_copied_as_they_were_read(project: Project, scratch: Store) -> None:
    install(project, scratch)
    copies = [path for path in (scratch.path.parent / "blobs").rglob("*") if path.is_file()]
    assert [path.read_text() for path in copies] == ["def run(): return {'n': 3}"]
    assert {path.stat().st_mode & 0o777 for path in copies} == {0o600}


def test_one_step_is_tried_without_its_condition_and_without_the_outputs(
    project: Project, scratch: Store
) -> None:
    install(project, scratch, step="second")
    with scratch.read() as reader:
        record = reader.objects.get(Address("Job", "report"))
    assert record is not None
    assert [(s["name"], s["if"]) for s in record.resolved["steps"]] == [("second", None)]
    assert record.resolved["outputs"] == {}


def test_a_step_that_is_not_there_is_offered_the_nearest(project: Project, scratch: Store) -> None:
    with pytest.raises(UnknownName, match="has no step 'secnod'; it has: first, second; did you mean"):
        install(project, scratch, step="secnod")


def test_inputs_and_slots_are_checked_as_for_a_trigger(project: Project, scratch: Store) -> None:
    with pytest.raises(BadInputs):
        install(project, scratch, given={"region": "east"})
    start = install_again(project, scratch.path.parent.parent / "again", slot="2026-11-20")
    assert start.for_slot == "2026-11-20T02:00[UTC]"


def install_again(project: Project, folder: Path, **different: Any) -> Triggered:
    store = open_store(folder / "runner.db", create=True)
    try:
        return install(project, store, **different)
    finally:
        store.close()


def test_a_single_file_brings_the_connections_of_its_tree(project: Project, scratch: Store) -> None:
    project.write(
        "jobs.d/db.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Connection
        metadata: {name: db}
        spec: {url: "sqlite:///x.db"}
        """,
    )
    install(project, scratch, "jobs.d/hello.yaml")
    with scratch.read() as reader:
        assert reader.objects.get(Address("Connection", "db")) is not None


def test_a_job_of_another_system_is_not_tried_because_that_would_take_it_for_real(project: Project) -> None:
    project.write(
        "jobs.d/invoices.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: invoices}
        spec: {type: external}
        """,
    )
    with pytest.raises(Refused) as refused:
        find_trial("invoices", project=project.folder, state=None, now=NOW)
    assert str(refused.value) == (
        "Job/invoices is executed by another system, which would not know that this is a trial; "
        "`runner jobs trigger invoices` starts it under `runner up`"
    )
