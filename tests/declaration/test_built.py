"""What a building tool noted is carried out and taken away."""

from __future__ import annotations

from typing import Any

import pytest

from runner.declaration.built import NAME_PREFIX, NAME_SUFFIX, NOTES, ORIGIN, settle_notes


def built(kind: str, name: str, notes: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "annotations": dict(notes)}, "spec": spec}


NORTH = {NAME_PREFIX: "north-", NAME_SUFFIX: "-x"}


def test_a_name_that_kustomize_could_not_reach_is_completed() -> None:
    job = built(
        "Job",
        "north-report-x",
        NORTH,
        schedule="nightly",
        env={"P": {"authorization": "db", "key": "password"}},
        groups=["north-night-x"],
    )
    others = [built("Schedule", "north-nightly-x", NORTH), built("Authorization", "north-db-x", NORTH)]
    settle_notes([job, *others, built("Group", "north-night-x", NORTH)])
    assert job["spec"]["schedule"] == "north-nightly-x"
    assert job["spec"]["env"]["P"] == {"authorization": "north-db-x", "key": "password"}
    assert job["spec"]["groups"] == ["north-night-x"]


def test_the_keys_of_an_after_are_completed_in_their_order() -> None:
    trigger = {"after": {"all": {"b": "any", "a": "failed", "other": "any"}}}
    job = built("Job", "north-c-x", NORTH, schedule={"trigger": trigger})
    settle_notes([job, built("Job", "north-a-x", NORTH), built("Job", "north-b-x", NORTH)])
    assert list(trigger["after"]["all"].items()) == [
        ("north-b-x", "any"),
        ("north-a-x", "failed"),
        ("other", "any"),
    ]


def test_what_is_not_of_the_build_keeps_its_name() -> None:
    job = built("Job", "north-report-x", NORTH, schedule="shared", type="standard")
    settle_notes([job, built("Schedule", "shared", {}), built("Schedule", "north-shared-x", NORTH)])
    assert job["spec"] == {"schedule": "shared", "type": "standard"}
    alone = built("Job", "north-report-x", NORTH, schedule="elsewhere")
    settle_notes([alone])
    assert alone["spec"] == {"schedule": "elsewhere"}


def test_notes_go_and_other_annotations_stay() -> None:
    job = built("Job", "a", dict.fromkeys(NOTES, "x") | {"example.org/owner": "bi"})
    group = built("Group", "g", {ORIGIN: "path: base/g.yaml\n"})
    settle_notes([job, group])
    assert job["metadata"] == {"name": "a", "annotations": {"example.org/owner": "bi"}}
    assert group["metadata"] == {"name": "g"}


@pytest.mark.parametrize("part", ["North", "../", "a" * 63, 7, None, ["a"], {"a": 1}])
def test_what_can_be_no_part_of_a_name_renames_nothing(part: Any) -> None:
    job = built("Job", "report", {NAME_PREFIX: part}, schedule="nightly")
    settle_notes([job, built("Schedule", f"{part}nightly", {})])
    assert job["spec"] == {"schedule": "nightly"}


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        [],
        {},
        {"metadata": []},
        {"metadata": {"annotations": []}},
        {"metadata": {"annotations": {**NORTH}}},
        {"kind": ["Job"], "metadata": {"annotations": {**NORTH}}, "spec": {}},
        {"kind": "Job", "metadata": {"annotations": {**NORTH}}, "spec": [1]},
        {
            "kind": "Job",
            "metadata": {"annotations": {**NORTH}},
            "spec": {"schedules": 1, "env": [], "steps": 2},
        },
    ],
)
def test_whatever_a_document_is_nothing_is_raised(document: Any) -> None:
    settle_notes([document, document])
