"""One document by itself: what the schema says about it, in words."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_job, a_job_with_step, an_object

from runner.declaration.decode import problems_of
from runner.declaration.kinds.table import MODELS
from runner.declaration.problem import Problem


def only_problem(document: Any) -> Problem:
    (problem,) = problems_of(document)
    return problem


def test_a_small_job_is_valid():
    assert problems_of(a_job()) == []


def test_a_valid_document_becomes_a_frozen_model():
    job = MODELS["Job"].model_validate(a_job(name="report"))

    assert job.metadata.name == "report"
    with pytest.raises(ValueError, match="frozen"):
        job.metadata.name = "other"


def test_the_value_of_an_option_that_is_a_secret_is_not_told():
    """Neither by the problem nor by its hint: they end up in logs of pipelines."""
    argv = ["psql", "--port", 4711, "--password", 7734443, "--token", {"a": "hunter2"}]
    port, *secrets = problems_of(a_job_with_step(shell={"argv": argv}))
    assert "4711" in port.detail and "4711" in port.hint
    assert [each.detail.partition(";")[0] for each in secrets] == [
        "'(masked)' is a number",
        "the value is a mapping",
    ]
    assert not any("7734443" in f"{each.detail}{each.hint}" or "hunter2" in each.detail for each in secrets)


def test_an_unknown_field_is_told_with_the_nearest_known_one():
    problem = only_problem(a_job(shcedule="0 2 * * *"))

    assert problem.rule == "unknown-field"
    assert problem.path == ("spec", "shcedule")
    assert problem.at == "key"
    assert problem.detail.startswith("'shcedule' is not a field of Job.spec; known: schedule, ")
    assert problem.hint == "did you mean 'schedule'?"


def test_an_unknown_field_of_an_action_names_the_fields_of_that_action():
    problem = only_problem(a_job_with_step(python={"file": "a.py", "functoin": "go"}))

    assert problem.path == ("spec", "steps", 0, "python", "functoin")
    assert problem.detail == (
        "'functoin' is not a field of Job.spec.steps[0].python; known: function, file, source, with"
    )


@pytest.mark.parametrize(
    ("spec", "path", "detail", "hint"),
    [
        (
            {"version": 1.4},
            ("spec", "version"),
            "'1.4' is a number; expected a text",
            'quote it: "1.4"',
        ),
        (
            {"enabled": "yes"},
            ("spec", "enabled"),
            "'yes' is a text; expected true or false",
            "write true or false, without quotes",
        ),
        (
            {"groups": "nightly"},
            ("spec", "groups"),
            "'nightly' is a text; expected a list",
            "write it as a list: [nightly]",
        ),
        (
            {"concurrency": {"limit": "2"}},
            ("spec", "concurrency", "limit"),
            "'2' is a text; expected a whole number",
            "take the quotes away",
        ),
        (
            {"concurrency": "skip"},
            ("spec", "concurrency"),
            "'skip' is a text; expected a mapping",
            "write {policy: skip}",
        ),
        (
            {"missed": "latest"},
            ("spec", "missed"),
            "'latest' is a text; expected a mapping",
            "",
        ),
        (
            {"description": None},
            ("spec", "description"),
            "the value is empty; expected a text",
            "leave the field out, or give it a value",
        ),
    ],
)
def test_a_wrong_type_says_what_it_is_what_was_expected_and_what_to_do(spec, path, detail, hint):
    problem = only_problem(a_job(**spec))

    assert (problem.rule, problem.path) == ("wrong-type", path)
    assert (problem.detail, problem.hint) == (detail, hint)


@pytest.mark.parametrize(
    ("field", "value", "rule", "hint"),
    [
        ("timeout", 10, "bad-duration", "add a unit: 10s, 10m, 10h or 10d"),
        ("timeout", "10", "bad-duration", "add a unit: 10s, 10m, 10h or 10d"),
        ("timeout", 1.5, "bad-duration", ""),
        ("timeout", "9999999d", "bad-duration", "that is too long; 999999d is the most"),
        ("timeout", True, "wrong-type", 'quote it: "true"'),
        ("limits", {"memory": 1048576}, "wrong-type", 'quote it: "1048576"'),
    ],
)
def test_a_number_without_a_unit_is_no_text_that_wants_quotes(field, value, rule, hint):
    problem = only_problem(a_job(**{field: value}))

    assert (problem.rule, problem.hint) == (rule, hint)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400, 2**53 + 1])
def test_a_number_that_is_none_or_huge_is_told_as_such(number):
    problem = only_problem(a_job(concurrency={"limit": number}))

    assert problem.rule == "bad-number"
    assert problem.path == ("spec", "concurrency", "limit")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_value_of_an_input_is_a_finite_number(number):
    rules = {p.rule for p in problems_of(a_job(inputs={"n": {"type": "number"}}, with_={"n": number}))}

    assert "bad-number" in rules


def test_an_enum_value_is_told_with_the_nearest_accepted_one():
    problem = only_problem(a_job(retry="backof"))

    assert problem.rule == "unknown-value"
    assert problem.detail == "'backof' is not accepted here; expected none | once | backoff | until-expiry"
    assert problem.hint == "did you mean 'backoff'?"


@pytest.mark.parametrize(("name", "hint"), [("Rows Read", "for example 'rows_read'"), ("9", "")])
def test_the_example_for_a_name_is_one(name, hint):
    problem = only_problem(a_job(inputs={name: {"type": "string"}}))

    assert (problem.rule, problem.hint) == ("bad-name", hint)


def test_of_a_union_only_the_branch_is_told_that_was_meant():
    problem = only_problem(a_job(retry={"initial": "1m", "factr": 2}))

    assert (problem.rule, problem.path) == ("unknown-field", ("spec", "retry", "factr"))


def test_a_missing_field_is_named():
    document = a_job()
    del document["metadata"]["name"]
    problem = only_problem(document)

    assert problem.rule == "missing-field"
    assert problem.path == ("metadata", "name")
    assert problem.detail == "Job.metadata needs 'name'"


@pytest.mark.parametrize(
    ("duration", "hint"),
    [("30 min", "did you mean '30m'?"), ("90", "add a unit: 90s, 90m, 90h or 90d"), ("5m\n", None)],
)
def test_a_bad_duration_is_told_with_what_was_probably_meant(duration, hint):
    problem = only_problem(a_job(timeout=duration))

    assert (problem.rule, problem.path) == ("bad-duration", ("spec", "timeout"))
    if hint is not None:
        assert problem.hint == hint


@pytest.mark.parametrize("name", ["Report", "a_b", "-a", "a-", "a" * 64, "../x", "a/b", "", "é"])
def test_a_name_of_an_object_is_a_dns_label(name):
    assert {p.rule for p in problems_of(a_job(name=name))} == {"bad-name"}


@pytest.mark.parametrize("name", ["Load", "1st", "a-b", ""])
def test_a_name_of_a_step_is_usable_in_expressions(name):
    problems = problems_of(a_job(steps=[{"name": name, "shell": "true"}]))

    assert [(p.rule, p.path) for p in problems] == [("bad-name", ("spec", "steps", 0, "name"))]


def test_a_bad_name_of_an_input_points_at_the_key():
    problem = only_problem(a_job(inputs={"Region": {}}))

    assert (problem.rule, problem.path, problem.at) == ("bad-name", ("spec", "inputs", "Region"), "key")


def test_an_if_that_yaml_reads_as_a_mapping_gets_the_hint_to_quote():
    problem = only_problem(a_job_with_step(shell="true", if_={"a": "b"}))

    assert problem.rule == "wrong-type"
    assert problem.hint == "YAML reads this as more than a text: put the whole expression in quotes"


def test_null_clears_a_timeout_and_nothing_else():
    assert problems_of(a_job(timeout=None, deadline=None)) == []
    assert only_problem(a_job(onDisable=None)).rule == "wrong-type"


@pytest.mark.parametrize("document", [None, [], "text", 5])
def test_a_document_that_is_no_mapping_is_told(document):
    assert only_problem(document).rule == "not-an-object"


def test_an_unknown_kind_is_told_with_the_nearest_one():
    problem = only_problem(an_object("Jbo", "x", {}))

    assert problem.detail == (
        "kind is 'Jbo'; known: Job, Schedule, JobType, Library, Group, Inventory, Calendar, "
        "Connection, Authorization, Runner"
    )
    assert problem.hint == "did you mean 'Job'?"


def test_a_kind_of_a_later_release_is_not_called_unknown():
    assert only_problem(an_object("Alert", "x", {})).rule == "not-yet"


def test_all_problems_are_told_at_once():
    problems = problems_of(a_job(name="X", timeout="x", enabled="no", extra=1, retry=5))

    assert {p.path[-1] for p in problems} == {"name", "timeout", "enabled", "extra", "retry"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"env": {"API_TOKEN": 1234567890}}, "'(masked)' is a number; expected a text or a mapping"),
        ({"env": {"MODE": 1234567890}}, "'1234567890' is a number; expected a text or a mapping"),
        ({"env": {"DB_PASSWORD": ["hunter2"]}}, "'(masked)' is a list; expected a text or a mapping"),
        ({"env": {"OPTIONS": ["--token", "hunter2"]}}, "the value is a list; expected a text or a mapping"),
    ],
)
def test_a_secret_of_the_wrong_type_is_told_without_its_value(spec, said):
    problem = only_problem(a_job(**spec))
    assert problem.detail == said
    assert ("1234567890" in problem.hint) == ("MODE" in spec["env"])


def test_the_hint_on_a_secret_does_not_say_it() -> None:
    trigger = {"webhook": {"path": "a", "secret": "hunter2"}}
    problems = problems_of(a_job(schedule={"trigger": trigger}))
    assert [each.hint for each in problems if each.rule == "wrong-type"] == ["write it as a list"]
    assert "hunter2" not in str(problems)
