"""The file of an inventory: read as CSV, JSON or YAML, pinned by its content, and never trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading_builders import Project, a_job, an_object

from runner.loading.inventory import read_inventory
from runner.vocabulary.identity import Address

CSV = "name,region,host\nedge-1,north,192.0.2.1\nedge-2,south,192.0.2.2\n"
TARGETS = {
    "edge-1": {"region": "north", "host": "192.0.2.1"},
    "edge-2": {"region": "south", "host": "192.0.2.2"},
}


def wrong(raw: str | bytes, form: str = "csv", **options: Any) -> list[tuple[int, str]]:
    """Line and rule of each problem."""
    read = read_inventory(raw.encode() if isinstance(raw, str) else raw, form, **options)
    return [(line, problem.rule) for line, problem in read.problems]


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("csv", CSV),
        ("csv", "\ufeff" + CSV.replace("\n", "\r\n\r\n")),
        ("csv", '"name","region","host"\n"edge-1"," north ","192.0.2.1"\nedge-2,south,192.0.2.2'),
        ("json", json.dumps(TARGETS)),
        ("json", json.dumps([{"name": name, **values} for name, values in TARGETS.items()])),
        ("yaml", "edge-1: {region: north, host: 192.0.2.1}\nedge-2: {region: south, host: 192.0.2.2}\n"),
        (
            "yaml",
            "- {name: edge-1, region: north, host: 192.0.2.1}\n"
            "- {name: edge-2, region: south, host: 192.0.2.2}\n",
        ),
    ],
)
def test_the_same_targets_in_every_form(form: str, raw: str) -> None:
    read = read_inventory(raw.encode(), form)
    assert (read.targets, read.problems) == (TARGETS, [])


def test_a_column_of_any_name_may_hold_the_name() -> None:
    read = read_inventory(b"device;region\nedge-1;north\n", "csv", name_column="device", delimiter=";")
    assert read.targets == {"edge-1": {"region": "north"}}


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        ("", [(1, "missing-column")]),
        ("host,region\na,b\n", [(1, "missing-column")]),
        ("name,region,region\n", [(1, "duplicate-column")]),
        ("name,Region\na,b\n", [(1, "bad-name")]),
        ("name,region\nedge-1\n", [(2, "missing-column")]),
        ("name,region\nedge-1,north,more\n", [(2, "missing-column")]),
        ("name,region\nedge-1,north\nedge-1,south\n", [(3, "duplicate-target")]),
        ("name,region\n../x,north\n,south\nb c,east\n", [(2, "bad-name"), (3, "bad-name"), (4, "bad-name")]),
        (
            "name,cmd\na,=cmd|'/C calc'!A0\nb,@SUM(A1)\nc,+1+cmd|x\nd,-2+3+cmd(1)\n",
            [(n, "formula") for n in (2, 3, 4, 5)],
        ),
        ('name,x\na,"two\nlines"\n', [(3, "bad-value")]),
        ('name,x\na,"never closed\n', [(2, "csv-syntax")]),
        ("name,x\na," + "x" * 5000 + "\n", [(2, "too-long")]),
        (b"name,x\na,\xff\n", [(2, "encoding")]),
        (b"\x00\x01\x02", [(1, "encoding")]),
        ("\n".join(["name", *(f"e{n}" for n in range(50_001))]), [(50_002, "too-many-targets")]),
    ],
)
def test_a_hostile_table_ends_in_a_diagnostic(raw: str | bytes, problems: list[tuple[int, str]]) -> None:
    assert wrong(raw) == problems


def test_signs_in_front_of_numbers_are_no_formulas() -> None:
    assert wrong("name,phone,offset\na,+41 44 123 45 67,-1\nb,+1.5,-\n") == []


@pytest.mark.parametrize(
    ("form", "raw", "rule"),
    [
        ("json", "{", "json-syntax"),
        ("json", "[" * 100_000, "json-syntax"),
        ("json", '{"a": {}, "a": {}}', "duplicate-target"),
        ("json", '{"a": {"x": NaN}}', "bad-value"),
        ("json", '{"a": {"x": [1]}}', "bad-value"),
        ("json", '{"a": 1}', "bad-value"),
        ("json", '[{"host": "x"}]', "missing-column"),
        ("json", '[{"name": 1}]', "bad-name"),
        ("json", "3", "bad-value"),
        ("json", '{"a": {"name": "b"}}', "reserved-name"),
        ("yaml", "a: {}\na: {}\n", "duplicate-key"),
        ("yaml", "a: &a {x: 1}\nb: !!python/object {}\n", "yaml-tag"),
        ("yaml", "--- {}\n--- {}\n", "bad-value"),
    ],
)
def test_hostile_json_and_yaml_end_in_a_diagnostic(form: str, raw: str, rule: str) -> None:
    assert [problem for _, problem in wrong(raw, form)] == [rule]


@given(st.binary(max_size=300) | st.text(alphabet='name,\n"=a1;{}[]: ', max_size=200).map(str.encode))
def test_no_bytes_raise(raw: bytes) -> None:
    for form in ("csv", "json", "yaml"):
        read_inventory(raw, form)


TASKS = "  tasks: {inventory: routers}\n"


@pytest.fixture
def fleet(project: Project) -> Project:
    project.write("fleet/routers.yaml", an_object("Inventory", "routers", "  file: list.csv\n"))
    project.write("fleet/list.csv", CSV)
    project.write("restart.yaml", a_job("restart", spec=TASKS))
    return project


def test_a_changed_file_changes_the_inventory_and_the_job(fleet: Project) -> None:
    before = fleet.load()
    assert before.diagnostics == ()
    fleet.write("fleet/list.csv", CSV + "edge-3,north,192.0.2.3\n")
    after = fleet.load()
    changed = {a for a in before.objects if before.objects[a].digest != after.objects[a].digest}
    assert changed == {Address("Inventory", "routers"), Address("Job", "restart")}
    job = after.document(Address("Job", "restart"))
    assert list(job.files) == ["fleet/list.csv"]
    assert after.blob(job.files["fleet/list.csv"]).decode().endswith("192.0.2.3\n")


def test_what_is_wrong_in_the_file_is_told_where_it_is_named(fleet: Project) -> None:
    fleet.write("fleet/list.csv", "name,region\nedge-1\n")
    (problem,) = fleet.load().diagnostics
    assert (problem.place, problem.rule) == ("jobs.d/fleet/routers.yaml:6:9", "missing-column")
    assert problem.detail == "'fleet/list.csv' line 2: 1 cell, and the header has 2 columns"
    fleet.write("fleet/list.csv", CSV)
    assert fleet.load().diagnostics == ()


def test_all_that_is_wrong_in_the_file_is_told_in_the_order_of_its_lines(fleet: Project) -> None:
    lines = ["name,region", "edge-1,north", "edge-1", "!,north", "edge-1,south", *["edge-2"] * 7]
    fleet.write("fleet/list.csv", "\n".join(lines))
    told = [problem.detail.split(": ")[0] for problem in fleet.load().diagnostics]
    assert told == [f"'fleet/list.csv' line {n}" for n in range(3, 13)]


def test_how_the_file_is_read_is_checked_again_when_only_that_changed(fleet: Project) -> None:
    fleet.load()
    fleet.write(
        "fleet/routers.yaml", an_object("Inventory", "routers", "  file: list.csv\n  nameColumn: device\n")
    )
    assert [rule for _, rule in fleet.rules()] == ["missing-column"]


def test_an_inventory_in_yaml_is_no_declaration(fleet: Project) -> None:
    fleet.write("fleet/routers.yaml", an_object("Inventory", "routers", "  file: list.yaml\n"))
    fleet.write("fleet/list.yaml", "edge-1: {region: north}\n")
    assert fleet.load().diagnostics == ()
    fleet.write("fleet/list.yaml", "edge-1: {region: [north]}\n")
    assert [rule for _, rule in fleet.rules()] == ["bad-value"]


def test_a_declaration_is_no_inventory(fleet: Project) -> None:
    fleet.write("fleet/routers.yaml", an_object("Inventory", "routers", "  file: ../broken.yaml\n"))
    fleet.write("broken.yaml", a_job("broken", spec="  shcedule: x\n"))
    assert {rule for _, rule in fleet.rules()} == {"unknown-field", "bad-value"}


def test_a_job_over_an_inventory_that_nobody_declares(project: Project) -> None:
    project.write("restart.yaml", a_job("restart", spec=TASKS))
    assert [rule for _, rule in project.rules()] == ["unknown-reference"]


@pytest.mark.parametrize("form", ["file", "inline"])
def test_a_value_that_no_target_has_is_misspelt(fleet: Project, form: str) -> None:
    if form == "inline":
        inline = "  targets: {edge-1: {region: north, host: x}, edge-2: {}}\n"
        fleet.write("fleet/routers.yaml", an_object("Inventory", "routers", inline))
    where = "  tasks: {inventory: routers, where: target.regoin == 'north'}\n"
    fleet.write("restart.yaml", a_job("restart", spec=where))
    (problem,) = fleet.load().diagnostics
    assert (problem.place.partition(":")[0], problem.rule) == ("jobs.d/restart.yaml", "unknown-name")
    assert problem.detail == "no target of Inventory/routers has 'regoin'; known: host, name, region"
    assert problem.hint == "did you mean 'target.region'?"
    fleet.write("restart.yaml", a_job("restart", spec=where.replace("regoin", "region")))
    assert fleet.load().diagnostics == ()


def test_a_column_that_goes_away_is_missed_by_the_job_that_reads_it(fleet: Project) -> None:
    body = "  steps:\n    - name: say\n      http: {method: GET, url: 'https://${{ target.host }}/'}\n"
    fleet.write("restart.yaml", a_job("restart", spec=TASKS, body=body))
    assert fleet.load().diagnostics == ()
    fleet.write("fleet/list.csv", "name,region\nedge-1,north\n")
    assert [rule for _, rule in fleet.rules()] == ["unknown-name"]


def test_a_value_that_is_asked_about_need_not_be_there(fleet: Project) -> None:
    where = "  tasks: {inventory: routers, where: 'has(target.rack) && target.rack == 4'}\n"
    fleet.write("restart.yaml", a_job("restart", spec=where))
    assert fleet.load().diagnostics == ()
