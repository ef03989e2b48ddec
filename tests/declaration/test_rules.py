"""What must hold in one document beyond its schema."""

from __future__ import annotations

from typing import Any

import pytest
from builders import (
    HELLO,
    a_connection,
    a_job,
    a_job_with_step,
    a_library,
    a_runner,
    a_schedule,
    an_authorization,
    an_object,
)

from runner.declaration.decode import problems_of

OAUTH = {"tokenUrl": "https://t", "clientId": "c", "clientSecret": {"from": {"env": "S"}}}
TABLE = {"connection": "w", "table": "t"}
FILE = {"root": "r", "path": "a.csv"}
POST = {"url": "https://x", "method": "POST"}
CRONS = ["61 2 * * *", "0 2 * *", "0 2 * * * *", "0 2 31 2 *", "5-1 * * * *", "@never"]
SECRETS = ["password", "PGPASSWORD", "apiKey", "api_key", "token", "clientSecret", "key"]


def told(document: Any) -> list[tuple[str, str]]:
    return [(p.rule, ".".join(map(str, p.path))) for p in problems_of(document)]


def test_a_job_has_one_thing_to_run():
    both = a_job(code={"file": "a.py"})

    assert told(both) == [("both-given", "spec.code")]
    assert told(a_job(without="steps")) == [("nothing-to-run", "spec")]
    assert told(a_job(without="steps", code={"file": "a.py", "function": "go"})) == []


def test_a_job_of_an_own_type_may_have_nothing_to_run_because_its_type_may():
    assert told(a_job(without="steps", type="import")) == []


def test_automatic_needs_a_schedule():
    assert told(a_job(mode="automatic")) == [("automatic-without-schedule", "spec.mode")]
    assert told(a_job(mode="automatic", schedule="0 2 * * *")) == []
    assert told(a_job(mode="manual")) == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"schedule": "nightly", "schedules": {"a": "nightly"}}, "spec.schedules"),
        ({"singleInstance": True, "concurrency": {"policy": "skip"}}, "spec.singleInstance"),
        ({"runSkipped": True, "missed": {"policy": "all"}}, "spec.runSkipped"),
    ],
)
def test_two_ways_of_saying_the_same_exclude_each_other(fields, path):
    assert told(a_job(**fields)) == [("both-given", path)]


def test_a_job_class_stands_in_a_file_and_beside_no_function():
    assert told(a_job(without="steps", code={"file": "a.py", "class": "A"})) == []
    code = {"file": "a.py", "class": "A", "function": "run"}
    assert told(a_job(without="steps", code=code)) == [("both-given", "spec.code.function")]
    assert told(a_job(without="steps", code={"source": "x = 1", "class": "A"})) == [
        ("both-given", "spec.code.source")
    ]


def test_the_time_between_two_checkpoints_is_longer_than_nothing():
    assert told(a_job(performTimeout="0s")) == [("out-of-range", "spec.performTimeout")]


def test_retry_beside_a_window_is_an_error():
    window = {"window": {"start": "22:00", "end": "04:00"}}

    assert ("both-given", "spec.retry") in told(a_job(schedule=window, retry="once"))


NIGHT = {"from": "2026-12-01", "to": "2026-12-20", "start": "22:00", "end": "04:00"}


def test_windows_fire_and_forget_and_calendars_are_sound():
    assert told(a_schedule(window=NIGHT)) == []
    assert told(a_schedule(window=[NIGHT, {**NIGHT, "weekdays": ["sat", "sun"], "start": "00:00"}])) == []
    assert told(a_schedule(window={"start": "22:00", "end": "24:00", "repeat": "each"})) == []
    assert told(a_schedule(fireAndForget={})) == []
    assert told(a_schedule(cron="0 2 * * *", calendars=["holidays"])) == []


@pytest.mark.parametrize(
    ("window", "path"),
    [
        ({**NIGHT, "to": "2026-11-30"}, "spec.window.to"),
        ({**NIGHT, "from": "2026-02-30"}, "spec.window.from"),
        ({**NIGHT, "weekdays": ["mon-fry"]}, "spec.window.weekdays"),
        ({**NIGHT, "lastStart": "6h"}, "spec.window.lastStart"),
        ({**NIGHT, "start": "24:00"}, "spec.window.start"),
        ({"start": "22:00", "end": "04:00"}, "spec.window.from"),
        ([NIGHT, {**NIGHT, "retryEvery": "0s"}], "spec.window.1.retryEvery"),
        ([NIGHT, {**NIGHT, "retryEvery": "7m"}], "spec.window"),
        ([], "spec.window"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_windows_that_mean_nothing_are_told_where(window, path):
    assert told(a_schedule(window=window)) == [("bad-window", path)] or told(a_schedule(window=window)) == [
        ("bad-instant", path)
    ]


def test_a_calendar_has_dates_that_exist():
    dates = {"eve": "12-24", "freeze": {"from": "2026-12-18T18:00", "to": "2026-12-21T06:00"}}
    assert told(an_object("Calendar", "c", {"dates": dates})) == []
    assert told(an_object("Calendar", "c", {"dates": {"d": "2026-02-30"}})) == [("bad-date", "spec.dates.d")]
    backwards = {"from": "2026-12-26", "to": "2026-12-24"}
    assert told(an_object("Calendar", "c", {"dates": {"d": backwards}})) == [("bad-date", "spec.dates.d.to")]


def test_a_date_that_stands_where_its_name_belongs_is_told_how_to_write_it() -> None:
    document = an_object("Calendar", "c", {"dates": {"2027-01-16": "Inventory day"}})
    hints = [problem.hint for problem in problems_of(document) if problem.rule == "bad-date"]
    assert hints == ['the name comes first: {inventory-day: "2027-01-16"}']
    assert told(an_object("Calendar", "c", {"dates": {}})) == [("no-effect", "spec.dates")]


def test_what_is_due_at_once_leaves_out_no_dates():
    assert told(a_schedule(fireAndForget={}, calendars=["c"])) == [("no-effect", "spec.calendars")]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (
            an_object(
                "Authorization",
                "a",
                {
                    "oauth2": {
                        "tokenUrl": "https://t",
                        "clientId": "c",
                        "clientSecret": {"from": {"env": "S"}},
                    }
                },
            ),
            "spec.oauth2",
        ),
    ],
)
def test_what_this_release_does_not_run_is_said_and_never_ignored(document, path):
    assert told(document) == [("not-yet", path)]
    (problem,) = problems_of(document)
    assert problem.hint  # what works instead


@pytest.mark.parametrize(
    "cron", ["61 2 * * *", "0 2 * *", "0 2 * * * *", "0 2 31 2 *", "5-1 * * * *", "@never"]
)
def test_a_bad_cron_expression_is_told_where_it_stands(cron):
    assert told(a_job(schedule=cron)) == [("bad-cron", "spec.schedule")]
    assert told(a_schedule(cron=cron)) == [("bad-cron", "spec.cron")]


def test_of_cron_by_fields_the_wrong_field_is_the_place():
    assert told(a_schedule(cron={"minute": 0, "hour": 25})) == [("bad-cron", "spec.cron.hour")]


def test_a_schedule_by_name_or_cron_is_neither_when_it_is_something_else():
    assert told(a_job(schedule="Nightly")) == [("bad-schedule", "spec.schedule")]


def test_an_unknown_zone_is_told():
    assert told(a_schedule(cron="0 2 * * *", timezone="Europe/Zurch")) == [("bad-zone", "spec.timezone")]
    assert told(a_runner(timezone="Mars")) == [("bad-zone", "spec.timezone")]


def test_a_schedule_is_exactly_one_kind():
    assert told(a_schedule(every="5m", cron="* * * * *")) == [("both-given", "spec.every")]
    assert told(a_schedule(timezone="UTC")) == [("one-of", "spec")]


@pytest.mark.parametrize(
    "at",
    [
        "2026-13-01T02:00",
        "2026-02-30T02:00",
        "2026-12-01",
        "tomorrow",
        "9999-12-31T23:59",
        "0001-01-01T00:00+14:00",
    ],
)
def test_an_instant_is_one_that_the_calendar_has(at):
    assert told(a_schedule(at=at)) == [("bad-instant", "spec.at")]


def test_no_time_at_all_is_no_interval():
    assert told(a_schedule(every="0s")) == [("out-of-range", "spec.every")]
    assert told(a_job(timeout="0s")) == [("out-of-range", "spec.timeout")]


def test_steps_have_different_names():
    problems = problems_of(a_job(steps=[*HELLO, *HELLO]))

    assert [(p.rule, p.path) for p in problems] == [("duplicate-name", ("spec", "steps", 1, "name"))]
    assert problems[0].detail == "'hello' is already the name of step 1"


def test_a_step_does_exactly_one_thing():
    assert told(a_job_with_step(shell="true", python={"file": "a.py"})) == [
        ("both-given", "spec.steps.0.python")
    ]
    assert told(a_job_with_step()) == [("one-of", "spec.steps.0")]


@pytest.mark.parametrize(
    ("step", "rule", "path"),
    [
        ({"shell": {"script": "true", "file": "a.sh"}}, "both-given", "shell.file"),
        ({"shell": {"workdir": "x"}}, "one-of", "shell"),
        ({"python": {}}, "one-of", "python"),
        ({"sql": {"connection": "w"}}, "one-of", "sql"),
        ({"prune": {"root": "exports"}}, "one-of", "prune"),
        ({"http": {"method": "GET"}}, "one-of", "http"),
        ({"http": {"url": "https://x", "body": "b"}}, "no-effect", "http.body"),
        ({"http": {"url": "ftp://x"}}, "bad-url", "http.url"),
        (
            {"http": {**POST, "body": {"a": [float("nan")]}}},
            "bad-number",
            "http.body.a.0",
        ),
        (
            {"copy": {"from": {"connection": "w"}, "to": FILE}},
            "one-of",
            "copy.from",
        ),
        (
            {"copy": {"from": TABLE, "to": {"root": "r", "path": "a"}}},
            "missing-field",
            "copy.format",
        ),
        (
            {
                "copy": {
                    "from": FILE,
                    "to": TABLE,
                    "mode": "upsert",
                }
            },
            "missing-field",
            "copy.mode",
        ),
        (
            {
                "copy": {
                    "from": FILE,
                    "to": {"connection": "w", "query": "select 1"},
                }
            },
            "both-given",
            "copy.to.query",
        ),
        (
            {"copy": {"from": TABLE, "to": {"root": "r", "path": "a\x1b[2J.csv"}}},
            "bad-path",
            "copy.to.path",
        ),
        (
            {"copy": {"from": TABLE, "to": {"root": "r", "path": "a\n.csv"}}},
            "bad-path",
            "copy.to.path",
        ),
    ],
)
def test_each_action_says_what_it_lacks_or_has_too_much(step, rule, path):
    assert (rule, f"spec.steps.0.{path}") in told(a_job_with_step(**step))


@pytest.mark.parametrize(
    ("step", "path", "instead"),
    [
        ({"shell": "echo ${{ inputs.x }}"}, "shell", "env"),
        ({"shell": {"script": "echo ${{ inputs.x }}"}}, "shell.script", "env"),
        ({"python": {"source": "x = '${{ inputs.x }}'"}}, "python.source", "parameter"),
        (
            {"sql": {"connection": "w", "statement": "select ${{ inputs.x }}"}},
            "sql.statement",
            "bind parameter",
        ),
    ],
)
def test_an_expression_inside_code_is_an_error_that_says_what_to_use_instead(step, path, instead):
    (problem,) = problems_of(a_job_with_step(**step))

    assert problem.rule == "expression-in-code"
    assert ".".join(map(str, problem.path)) == f"spec.steps.0.{path}"
    assert instead in problem.hint


def test_arguments_of_a_program_may_hold_expressions():
    job = a_job(inputs={"x": {}}, steps=[{"name": "it", "shell": ["echo", "${{ inputs.x }}"]}])

    assert told(job) == []


def test_an_unknown_name_in_an_expression_is_told_at_its_place():
    job = a_job(inputs={"region": {}}, outputs={"r": "${{ inputs.regoin }}"})
    (problem,) = problems_of(job)

    assert (problem.rule, problem.path) == ("unknown-name", ("spec", "outputs", "r"))
    assert problem.hint == "did you mean 'inputs.region'?"


def test_a_condition_reads_only_steps_before_it():
    steps = [
        {"name": "a", "shell": "true", "if": "steps.b.outputs.rows > 0"},
        {"name": "b", "sql": {"connection": "w", "statement": "select 1"}},
    ]

    assert told(a_job(steps=steps)) == [("unknown-name", "spec.steps.0.if")]


def test_outputs_of_an_action_are_known_by_its_kind():
    sql = {"name": "a", "sql": {"connection": "w", "statement": "select 1"}}
    after = {"name": "b", "shell": "true"}

    assert told(a_job(steps=[sql, {**after, "if": "steps.a.outputs.rows > 0"}])) == []
    assert told(a_job(steps=[sql, {**after, "if": "steps.a.outputs.count > 0"}])) == [
        ("unknown-name", "spec.steps.1.if")
    ]


def test_env_in_an_expression_is_what_the_job_declares():
    step = {"name": "a", "shell": "true", "if": "env.MODE == 'full'"}

    assert told(a_job(env={"MODE": "full"}, steps=[step])) == []
    assert told(a_job(steps=[step])) == [("unknown-name", "spec.steps.0.if")]


def test_a_secret_cannot_be_read_by_an_expression():
    secret = {"PASSWORD": {"authorization": "warehouse-2026", "key": "password"}}
    step = {"name": "a", "shell": ["echo", "${{ env.PASSWORD }}"]}

    assert told(a_job(env=secret, steps=[step])) == [("unknown-name", "spec.steps.0.shell.1")]


def test_names_of_tables_and_files_are_fixed():
    step = {"sql": {"connection": "w", "file": "${{ slot.date }}.sql"}}

    assert told(a_job_with_step(**step)) == [("expression-not-here", "spec.steps.0.sql.file")]


def test_a_value_fits_its_input():
    inputs = {"region": {"choices": ["north", "south"]}, "n": {"type": "integer"}}

    assert told(a_job(inputs=inputs, with_={"region": "south", "n": 5})) == []
    assert told(a_job(inputs=inputs, with_={"region": "sout"})) == [("bad-input", "spec.with.region")]
    assert told(a_job(inputs=inputs, with_={"n": "five"})) == [("bad-input", "spec.with.n")]
    assert told(a_job(inputs=inputs, with_={"regoin": "south"})) == [("unknown-input", "spec.with.regoin")]


def test_a_default_fits_its_own_type():
    assert told(a_job(inputs={"n": {"type": "integer", "default": "x"}})) == [
        ("bad-input", "spec.inputs.n.default")
    ]


def test_a_required_input_needs_a_value_when_a_schedule_starts_the_job():
    inputs = {"region": {"required": True}}

    assert told(a_job(inputs=inputs)) == []
    assert told(a_job(inputs=inputs, schedule="0 2 * * *")) == [("missing-input", "spec.with.region")]


@pytest.mark.parametrize(
    "key", ["password", "PGPASSWORD", "apiKey", "api_key", "token", "clientSecret", "key"]
)
def test_a_literal_secret_is_an_error(key):
    assert told(an_authorization(**{key: "hunter2"})) == [("literal-secret", f"spec.config.{key}")]


def test_what_is_no_secret_may_be_literal():
    assert told(an_authorization(user="etl", database="w", keyspace="k")) == []


def test_a_secret_has_one_source():
    both = {"from": {"env": "A", "file": "b"}}

    assert told(an_authorization(password=both)) == [("both-given", "spec.config.password.from.file")]
    assert told(an_authorization(password={"from": {}})) == [("one-of", "spec.config.password.from")]


@pytest.mark.parametrize(
    "url",
    ["postgresql://etl:hunter2@db/w", "postgresql://db/w?user=a&password=b", "https://x/?api_key=1"],
)
def test_a_url_of_a_connection_holds_no_password(url):
    assert told(a_connection(url=url)) == [("literal-secret", "spec.url")]


def test_an_environment_value_that_looks_like_a_secret_is_a_warning():
    (problem,) = problems_of(a_job(env={"API_TOKEN": "abc"}))

    assert (problem.rule, problem.severity) == ("literal-secret", "warning")


def test_names_of_the_runner_are_reserved():
    assert told(a_job(env={"RUNNER_OUTPUT": "x"})) == [("reserved-name", "spec.env.RUNNER_OUTPUT")]


def test_a_library_is_one_python_file_or_several_modules():
    assert told(a_library()) == []
    assert told(an_object("Library", "x", {})) == [("one-of", "spec")]
    assert told(a_library(file="a.txt")) == [("bad-path", "spec.file")]
    assert told(a_library(modules={"a": "a.py", "b": "b.py"})) == []


def test_our_annotations_are_known_and_those_of_others_are_theirs():
    assert told(a_job(annotations={"config.kubernetes.io/origin": "path: x"})) == []
    assert told(a_job(annotations={"jobs.runner/prune": "disabled"})) == []
    assert told(a_job(annotations={"jobs.runner/prune": "no"})) == [
        ("unknown-value", "metadata.annotations.jobs.runner/prune")
    ]
    (problem,) = problems_of(a_job(annotations={"jobs.runner/moved-form": "x"}))
    assert problem.hint == "did you mean 'jobs.runner/moved-from'?"


def test_rules_survive_every_wrong_shape():
    for value in (None, 5, "x", [], [[]], {"a": {"b": 1}}, [{"a": 1}], True):
        for key in (
            "steps",
            "schedule",
            "schedules",
            "inputs",
            "with",
            "env",
            "code",
            "outputs",
            "concurrency",
        ):
            problems_of(a_job(**{key: value}))
        problems_of({**a_job(), "spec": value})
        problems_of({**a_job(), "metadata": value})
        for kind in ("Schedule", "JobType", "Library", "Connection", "Authorization", "Runner", "Group"):
            problems_of(an_object(kind, "x", value))


@pytest.mark.parametrize("rest", ["== 2", "> 1", "&& true"])
def test_an_if_of_which_yaml_took_the_beginning_is_to_be_quoted(rest):
    """`if: &x == 2` names the rest of the text `x`, and gives `== 2`."""
    (problem,) = problems_of(a_job_with_step(shell="true", **{"if": rest}))
    assert problem.rule == "bad-expression"
    assert "put the whole expression in quotes" in problem.hint
