"""Which job is tried, and what of the declarations goes into the scratch database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from declared_projects import ANA, NOW, Project

from runner.operations.prepare_trial import Trial, find_trial, install_trial
from runner.operations.tried_items import Given, items_in, opened
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


SHIP = """
    apiVersion: jobs.runner/v1
    kind: Runner
    metadata: {name: runner}
    spec: {web: {}, roots: {incoming: {path: incoming, access: read}}}
    ---
    apiVersion: jobs.runner/v1
    kind: Authorization
    metadata: {name: shop}
    spec: {config: {secret: {from: {env: SHOP}}}}
    ---
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: ship}
    spec:
      enabled: true
      schedule:
        trigger:
          webhook:
            path: orders
            secret: {authorization: shop, key: secret}
            schema: {type: object, required: [number], properties: {number: {type: integer}}}
      inputs: {number: {type: integer, default: 1}, note: {type: string, default: none}}
      steps: [{name: run, shell: "true"}]
    ---
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: read}
    spec:
      enabled: true
      schedule:
        trigger:
          file: {root: incoming, match: "*.txt"}
          consume: {linger: 1h}
      steps: [{name: run, shell: "cat $RUNNER_ITEMS"}]
    ---
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: follow}
    spec:
      enabled: true
      schedule: {trigger: {after: {all: {ship: succeeded, read: succeeded}}}}
      inputs: {rows: {type: integer, default: 0}}
      steps: [{name: run, shell: "true"}]
    """


@pytest.fixture
def fed(project: Project) -> Project:
    project.write("jobs.d/ship.yaml", SHIP)
    project.write("incoming/a.txt", "a")
    project.write("incoming/b.txt", "b")
    return project


def the_run(scratch: Store, start: Triggered) -> Any:
    with scratch.read() as reader:
        return reader.instances.get(start.id)


def test_a_payload_is_what_a_request_would_bring(fed: Project, scratch: Store) -> None:
    arrived = Given(payloads=(b'{"number": 17}',))
    run = the_run(scratch, install(fed, scratch, "ship", arrived=arrived, given={"note": "hi"}))
    assert (run.origin, run.inputs) == ("webhook", {"number": 17, "note": "hi"})
    assert run.trigger["payload"] == {"number": 17}
    assert run.trigger["by"] == "a trial"


@pytest.mark.parametrize(
    ("name", "arrived", "said"),
    [
        (
            "ship",
            Given(payloads=(b'{"number": "x"}',)),
            "a request with that payload would be answered with 422: the payload does not fit: number: 'x'",
        ),
        ("ship", Given(payloads=(b"{",)), "would be answered with 400: the body is not JSON"),
        ("ship", Given(payloads=(b'{"number": 1}',) * 2), "each item starts a run of Job/ship of its own"),
        ("ship", Given(files=("a.txt",)), "Job/ship is started by a webhook orders: nothing has arrived for"),
        ("read", Given(files=("c.txt",)), r"c.txt is no file that fits \*.txt below root incoming"),
        ("hello", Given(payloads=(b"{}",)), "Job/hello has no trigger, so nothing arrives for it"),
    ],
)
def test_what_cannot_arrive_is_told_with_what_can(
    fed: Project, scratch: Store, name: str, arrived: Given, said: str
) -> None:
    with pytest.raises(BadInputs, match=said):
        install(fed, scratch, name, arrived=arrived)


def test_files_wait_for_the_run_that_works_through_them_and_it_waits_for_no_more(
    fed: Project, scratch: Store
) -> None:
    start = install(fed, scratch, "read", arrived=Given(files=("a.txt", str(fed.folder / "incoming/b.txt"))))
    assert the_run(scratch, start).trigger["consume"] == {"linger_s": 0.0}
    with scratch.read() as reader:
        record = reader.objects.get(Address("Job", "read"))
        assert record is not None
        items = reader.arrivals.of_job(record.uid)
    assert sorted(item.data["file"]["path"] for item in items) == ["a.txt", "b.txt"]


def test_ends_of_other_jobs_are_given_as_items(fed: Project, scratch: Store) -> None:
    ends = [
        {"job": {"name": name, "state": "SUCCEEDED", "outputs": {"rows": 3}}} for name in ("ship", "read")
    ]
    printed = json.dumps([{"id": 1, "kind": "after", "data": end} for end in ends])
    run = the_run(scratch, install(fed, scratch, "follow", arrived=Given(items=items_in(printed))))
    assert sorted(run.trigger["jobs"]) == ["read", "ship"]
    assert run.inputs == {"rows": 3}


def test_without_anything_it_says_what_could_arrive(fed: Project, scratch: Store) -> None:
    start = install(fed, scratch, "ship", given={"number": "3"})
    assert start.notes == (
        "nothing has arrived for this trial: --payload FILE is what a request brings (- for standard input)",
    )


@pytest.mark.parametrize("text", ["[1]", "no JSON", '{"a": 1}\n{'])
def test_items_that_are_no_objects_are_told(text: str) -> None:
    with pytest.raises(BadInputs, match="--items is lines of JSON"):
        items_in(text)


def test_what_never_ends_is_not_read_to_its_end() -> None:
    with pytest.raises(BadInputs, match=r"^/dev/zero: more than 16MiB have arrived; that is too much$"):
        opened(["/dev/zero"], None)
