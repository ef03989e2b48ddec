"""Inventories, and the fan-out of a job over one: what is refused, and what the defaults are."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_job, an_object

from runner.declaration.decode import problems_of
from runner.declaration.facts import facts_of
from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings

FLEET = {"edge-1": {"host": "192.0.2.1", "port": 22}, "edge-2": {}}


def an_inventory(name: str = "routers", **spec: Any) -> dict[str, Any]:
    return an_object("Inventory", name, spec)


def a_fan_out(**tasks: Any) -> dict[str, Any]:
    return a_job(tasks={"inventory": "routers", **tasks})


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(p.rule, ".".join(map(str, p.path))) for p in problems_of(document)]


def resolved(job: dict[str, Any], inventory: dict[str, Any], **files: str) -> dict[str, Any]:
    around = Surroundings(
        inventories={"routers": inventory}, folders={"Inventory/routers": "fleet"}, files=files
    )
    return resolve(job, "Job", around)


@pytest.mark.parametrize(
    "document",
    [
        an_inventory(targets=FLEET),
        an_inventory(file="routers.csv"),
        an_inventory(file="routers.txt", format="csv", nameColumn="device", delimiter=";"),
        a_job(
            inputs={"region": {"default": "north"}},
            tasks={"inventory": "routers", "where": "target.region == inputs.region"},
        ),
        a_fan_out(parallel=10, waves=[1, 10, "25%", "100%"], waveMinSuccess="95%", minSuccess="90%"),
        a_fan_out(
            minSuccess=3, maxFailures=5, retryEvery="5m", expiresIn="30m", timeout="10m", onPause="interrupt"
        ),
    ],
)
def test_what_the_page_shows_is_valid(document: dict[str, Any]) -> None:
    assert told(document) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, ("one-of", "spec")),
        ({"targets": FLEET, "file": "x.csv"}, ("both-given", "spec.file")),
        ({"file": "routers"}, ("missing-field", "spec.format")),
        ({"targets": FLEET, "nameColumn": "x"}, ("no-effect", "spec.nameColumn")),
        ({"file": "x.json", "delimiter": ";"}, ("no-effect", "spec.delimiter")),
        ({"targets": {"a": {"name": "b"}}}, ("reserved-name", "spec.targets.a.name")),
        ({"targets": {"a": {"x": "tab\there"}}}, ("bad-value", "spec.targets.a.x")),
        ({"targets": {"a": {"x": "x" * 5000}}}, ("too-long", "spec.targets.a.x")),
    ],
)
def test_an_inventory_that_means_nothing_is_refused(spec: dict[str, Any], problem: tuple[str, str]) -> None:
    assert told(an_inventory(**spec)) == [problem]


@pytest.mark.parametrize("name", ["-", "../up", ".hidden", "a b", "a/b", "", "x" * 200, "a\nb", "é"])
def test_a_target_that_could_not_name_a_log_is_refused(name: str) -> None:
    assert {path for _, path in told(an_inventory(targets={name: {}}))} == {f"spec.targets.{name}"}


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ({"retryEvery": "0s"}, "spec.tasks.retryEvery"),
        ({"waveMinSuccess": "50%"}, "spec.tasks.waveMinSuccess"),
        ({"where": "target.x =="}, "spec.tasks.where"),
        ({"where": "targett.x == 1"}, "spec.tasks.where"),
        ({"where": "${{ target.x }}"}, "spec.tasks.where"),
        ({"parallel": 0}, "spec.tasks.parallel"),
        ({"minSuccess": "110%"}, "spec.tasks.minSuccess"),
    ],
)
def test_a_fan_out_that_means_nothing_is_refused(tasks: dict[str, Any], problem: str) -> None:
    assert [path for _, path in told(a_fan_out(**tasks))] == [problem]


def test_the_inventory_becomes_part_of_the_job() -> None:
    assert "Inventory/routers" in facts_of(a_fan_out(), "Job")["folds"]
    tasks = resolved(a_fan_out(), an_inventory(targets=FLEET))["tasks"]
    assert tasks["targets"] == FLEET
    assert {
        k: tasks[k] for k in ("parallel", "waves", "minSuccess", "retryEvery", "expiresIn", "onPause")
    } == {
        "parallel": 1,
        "waves": [],
        "minSuccess": "100%",
        "retryEvery": "5m",
        "expiresIn": "30m",
        "onPause": "finish",
    }


def test_the_file_of_an_inventory_is_pinned_by_its_content() -> None:
    tasks = resolved(a_fan_out(), an_inventory(file="routers.csv"), **{"fleet/routers.csv": "ab" * 32})[
        "tasks"
    ]
    assert (tasks["targets"], tasks["files"], tasks["format"]) == (
        None,
        {"fleet/routers.csv": "ab" * 32},
        "csv",
    )


def test_a_target_that_crashes_goes_on_unless_the_job_says_fail() -> None:
    assert resolved(a_fan_out(), an_inventory(targets=FLEET))["onCrash"] == "resume"
    stubborn = a_job(onCrash="fail", tasks={"inventory": "routers"})
    assert resolved(stubborn, an_inventory(targets=FLEET))["onCrash"] == "fail"


def test_a_job_without_targets_is_what_it_was() -> None:
    assert "tasks" not in resolve(a_job(), "Job", Surroundings())
