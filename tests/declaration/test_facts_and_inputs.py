"""Facts for whole-tree checks, and values for inputs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from builders import a_job

from runner.declaration.facts import addresses_in, facts_of
from runner.declaration.inputs import check_inputs


def test_facts_are_json_and_name_what_is_referred_to_and_where():
    job = a_job(
        labels={"team": "bi"},
        annotations={"jobs.runner/prune": "disabled", "jobs.runner/moved-from": "old"},
        schedules={"a": "nightly", "b": "0 2 * * *"},
        steps=[{"name": "it", "sql": {"connection": "w", "file": "a.sql"}}],
    )
    facts = facts_of(job, "Job")

    assert json.loads(json.dumps(facts)) == facts
    assert facts["address"] == "Job/report"
    assert facts["labels"] == {"team": "bi"}
    assert (facts["pruneDisabled"], facts["reconcileDisabled"], facts["movedFrom"]) == (True, False, "old")
    assert facts["files"] == [["a.sql", ["spec", "steps", 0, "sql", "file"]]]
    assert facts["references"] == [
        ["Schedule/nightly", ["spec", "schedules", "a"]],
        ["Connection/w", ["spec", "steps", 0, "sql", "connection"]],
    ]
    assert addresses_in(facts) == ("Connection/w", "Schedule/nightly")


@pytest.mark.parametrize(("enabled", "fact"), [({"enabled": True}, True), ({"enabled": False}, False)])
def test_enabled_is_as_declared(enabled, fact):
    assert facts_of(a_job(**enabled), "Job")["enabled"] is fact


def test_enabled_that_is_omitted_is_none():
    assert facts_of(a_job(without="enabled"), "Job")["enabled"] is None


@pytest.mark.parametrize("spec", [None, [], 5, {"steps": 5}, {"steps": [5]}, {"env": {"a": 1}}, {"code": []}])
def test_facts_of_an_invalid_document_are_what_can_be_seen(spec):
    assert facts_of({**a_job(), "spec": spec}, "Job")["address"] == "Job/report"


INPUTS = {
    "region": {"type": "string", "default": "north", "choices": ["north", "south"]},
    "n": {"type": "integer", "minimum": 1, "maximum": 9},
    "ratio": {"type": "number"},
    "fast": {"type": "boolean"},
    "day": {"type": "date"},
}


def test_values_from_texts_get_the_declared_type():
    given = {"n": "5", "ratio": "1.5", "fast": "true", "day": "2026-11-21", "region": "south"}
    values, problems = check_inputs(INPUTS, given, from_text=True)

    assert problems == []
    assert values == {"region": "south", "n": 5, "ratio": 1.5, "fast": True, "day": "2026-11-21"}


def test_what_is_not_given_has_its_default_or_null():
    values, _ = check_inputs(INPUTS, {})

    assert values == {"region": "north", "n": None, "ratio": None, "fast": None, "day": None}


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"region": "sout"}, "'region': 'sout' is not one of north, south; did you mean 'south'?"),
        ({"n": "five"}, "'n': 'five' is not of type integer"),
        ({"n": "0"}, "'n': 0 is below the minimum 1"),
        ({"n": "10"}, "'n': 10 is above the maximum 9"),
        ({"n": str(2**63)}, "'n': a number of 64 bits does not fit into 64 with a sign"),
        ({"ratio": 10**400}, "'ratio': a number of 1329 bits does not fit into 64 with a sign"),
        ({"ratio": "nan"}, "'ratio': 'nan' is not of type number"),
        ({"fast": "yes"}, "'fast': 'yes' is not of type boolean"),
        ({"day": "2026-02-30"}, "'day': '2026-02-30' is not of type date"),
        (
            {"regoin": "south"},
            "'regoin' is not an input of this job; known: region, n, ratio, fast, day",
        ),
    ],
)
def test_a_value_that_does_not_fit_says_why(given, detail):
    _, problems = check_inputs(INPUTS, given, from_text=True)

    assert [p.detail for p in problems] == [detail]


def test_a_required_input_without_a_value_is_missing():
    _, problems = check_inputs({"table": {"required": True}}, {})

    assert [(p.rule, p.detail) for p in problems] == [
        ("missing-input", "'table' is required and has no default")
    ]


def test_true_is_no_number_and_one_is_no_truth():
    assert check_inputs(INPUTS, {"n": True})[1] != []
    assert check_inputs(INPUTS, {"fast": 1})[1] != []


@pytest.mark.parametrize(
    "module", ["declared", "facts", "inputs", "expressions", "cross_checks", "digest", "resolve", "problem"]
)
def test_what_others_import_is_lean(module):
    heavy = "pydantic, jsonschema, jsonschema_rs, ruamel, cel, click"
    code = (
        f"import sys, runner.declaration.{module}\n"
        f"print(*[m for m in {heavy.split(', ')!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
