"""A declaration with every default filled in."""

from __future__ import annotations

from typing import Any

import pytest
from builders import (
    HELLO,
    a_job,
    a_job_type,
    a_job_with_step,
    a_library,
    a_runner,
    a_schedule,
    an_object,
)

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.decode import problems_of
from runner.declaration.resolve import resolve
from runner.declaration.shipped_types import shipped_type
from runner.declaration.surroundings import Surroundings

FIELDS = {
    "version", "description", "type", "executor", "protected", "hidden", "enabled", "mode",
    "schedules", "groups", "libraries", "inputs", "with", "concurrency", "missed", "retry",
    "failAfter", "onCrash", "timeout", "deadline", "validUntil", "onExpiry", "onDisable", "keepWorkdir",
    "env", "locks", "limits", "history", "flow", "steps", "outputs", "files", "runAs",
}  # fmt: skip


def resolved(
    document: dict[str, Any], *others: dict[str, Any], files: tuple[str, ...] = (), **around: Any
) -> Any:
    by_kind: dict[str, dict[str, Any]] = {"JobType": {}, "Schedule": {}, "Library": {}, "Calendar": {}}
    for each in others:
        if each["kind"] == "Runner":
            around["runner"] = each
        else:
            by_kind[each["kind"]][each["metadata"]["name"]] = each
    surroundings = Surroundings(
        job_types=by_kind["JobType"],
        schedules=by_kind["Schedule"],
        libraries=by_kind["Library"],
        calendars=by_kind["Calendar"],
        files={path: f"sha-of-{path}" for path in files},
        **around,
    )
    return resolve(document, document["kind"], surroundings)


def test_every_field_of_a_job_is_explicit():
    job = resolved(a_job(steps=[{"name": "a", "shell": "true"}]))

    assert set(job) == FIELDS
    assert job["concurrency"] == {"policy": "skip", "limit": 1}
    assert job["missed"] == {"policy": "last", "maxAge": "24h", "maxRuns": 10}
    assert job["mode"] == "manual"
    assert job["steps"] == [
        {
            "name": "a",
            "kind": "shell",
            "action": {
                "script": "true",
                "argv": None,
                "file": None,
                "arguments": [],
                "env": {},
                "workdir": None,
                "successCodes": [0],
            },
            "if": None,
            "timeout": None,
            "retry": None,
            "onFailure": "fail",
            "remedy": None,
            "interruptible": True,
        }
    ]


def test_the_job_comes_before_its_type_and_the_type_before_the_runner():
    own_type = a_job_type(defaults={"timeout": "20m", "deadline": "2h"})
    settings = a_runner(defaults={"timeout": "10m", "deadline": "1h", "onCrash": "resume"})
    job = resolved(a_job(type="import", timeout="30m"), own_type, settings)

    assert (job["timeout"], job["deadline"], job["onCrash"], job["onExpiry"]) == (
        "30m",
        "2h",
        "resume",
        "finish",
    )


def test_what_is_declared_empty_clears_what_lies_below():
    settings = a_runner(defaults={"timeout": "10m", "env": {"A": "1"}})

    assert resolved(a_job(), settings)["env"] == {"A": "1"}
    assert resolved(a_job(env={"B": "2"}), settings)["env"] == {"A": "1", "B": "2"}
    assert resolved(a_job(env={}), settings)["env"] == {}
    assert resolved(a_job(timeout=None), settings)["timeout"] is None


def test_mappings_of_policies_are_put_together_field_by_field():
    settings = a_runner(defaults={"missed": {"maxAge": "1h"}, "limits": {"memory": "1GiB"}})
    job = resolved(a_job(missed={"policy": "all"}, limits={"output": "1MiB"}), settings)

    assert job["missed"] == {"policy": "all", "maxAge": "1h", "maxRuns": 10}
    assert job["limits"] == {"memory": "1GiB", "cpuTime": None, "output": "1MiB"}


@pytest.mark.parametrize(
    ("short", "field", "long"),
    [
        ({"singleInstance": True}, "concurrency", {"policy": "skip", "limit": 1}),
        ({"singleInstance": False}, "concurrency", {"policy": "allow", "limit": None}),
        ({"runSkipped": True}, "missed", {"policy": "last", "maxAge": "24h", "maxRuns": 10}),
        ({"runSkipped": False}, "missed", {"policy": "none", "maxAge": "24h", "maxRuns": 10}),
    ],
)
def test_short_forms_become_their_long_forms(short, field, long):
    assert resolved(a_job(**short))[field] == long


@pytest.mark.parametrize(
    ("retry", "initial", "attempts", "elapsed", "fail_after"),
    [
        ("none", "0s", 1, None, 3),
        ("once", "0s", 2, None, 3),
        ("backoff", "1m", None, "2h", 1),
        ("until-expiry", "5m", None, "30m", 1),
        ({"initial": "10s", "maxAttempts": 4}, "10s", 4, None, 3),
        ({"initial": "10s"}, "10s", None, "2h", 3),
    ],
)
def test_retries_become_numbers_that_the_retry_policy_reads(retry, initial, attempts, elapsed, fail_after):
    from runner.retries import RetryPolicy

    job = resolved(a_job(retry=retry))
    policy = RetryPolicy.from_resolved(job["retry"])

    assert job["retry"]["initial"] == initial
    assert (policy.max_attempts, job["retry"]["maxElapsed"]) == (attempts, elapsed)
    assert job["failAfter"] == fail_after


def test_until_expiry_lasts_until_the_deadline():
    assert resolved(a_job(retry="until-expiry", deadline="6h"))["retry"]["maxElapsed"] == "6h"


@pytest.mark.parametrize(
    ("step", "on_crash"),
    [
        ({"shell": "true"}, "fail"),
        ({"python": {"source": "x = 1"}}, "fail"),
        ({"sql": {"connection": "w", "statement": "select 1"}}, "resume"),
        ({"prune": {"root": "r", "keep": 3}}, "resume"),
    ],
)
def test_after_a_crash_only_work_that_may_be_repeated_is_resumed(step, on_crash):
    assert resolved(a_job_with_step(**step))["onCrash"] == on_crash


def test_a_job_class_is_one_step_that_is_resumed_after_a_crash():
    job = resolved(
        a_job(without="steps", code={"file": "a.py", "class": "A"}, performTimeout="5m"), files=("a.py",)
    )
    (step,) = job["steps"]

    assert (step["name"], step["action"]["class"], step["action"]["function"]) == ("run", "A", None)
    assert (job["onCrash"], job["performTimeout"]) == ("resume", "5m")


def test_a_named_schedule_is_copied_in_with_its_zone():
    job = resolved(
        a_job(schedule="nightly"), a_schedule(cron={"hour": 2, "minute": 0}, timezone="Europe/Zurich")
    )

    assert job["mode"] == "automatic"
    assert job["schedules"] == {
        "default": {"cron": "0 2 * * *", "timezone": "Europe/Zurich", "jitter": None, "startDeadline": None}
    }


def test_an_omitted_zone_is_the_runners():
    assert resolved(a_job(schedule="0 2 * * *"))["schedules"]["default"]["timezone"] == "UTC"
    settings = a_runner(timezone="Asia/Tokyo")
    assert (
        resolved(a_job(schedule="0  2 * * *"), settings)["schedules"]["default"]["timezone"] == "Asia/Tokyo"
    )


def test_every_schedule_is_one_that_the_schedules_room_reads():
    from runner.schedules.kinds import schedule_from

    several = {
        "a": "0 2 * * *",
        "b": {"every": "15m"},
        "c": {"at": "2026-12-01T02:00"},
        "d": {"cron": {"minute": 5}},
    }
    for each in resolved(a_job(schedules=several))["schedules"].values():
        schedule_from(each)


def test_code_becomes_one_step_called_run():
    job = resolved(a_job(without="steps", code={"file": "a.py"}), files=("a.py",))

    (step,) = job["steps"]
    assert (step["name"], step["kind"]) == ("run", "python")
    assert step["action"] == {"file": "a.py", "function": "run", "source": None, "with": {}}
    assert job["files"] == {"a.py": "sha-of-a.py"}


def test_paths_are_relative_to_the_declaring_file():
    step = {"sql": {"connection": "w", "file": "../sql/a.sql"}}
    job = resolved(a_job_with_step(**step), files=("team/sql/a.sql",), folders={"Job/report": "team/jobs"})

    assert job["steps"][0]["action"]["file"] == "team/sql/a.sql"
    assert job["files"] == {"team/sql/a.sql": "sha-of-team/sql/a.sql"}


def test_a_file_that_nobody_read_is_an_error():
    with pytest.raises(LookupError, match=r"a\.sql is named by a declaration and was not read"):
        resolved(a_job_with_step(sql={"connection": "w", "file": "a.sql"}))


def test_a_job_of_an_own_type_gets_its_template_inputs_values_and_files():
    own = a_job_type(
        inputs={"table": {"required": True}},
        defaults={"with": {"table": "orders"}, "flow": {"direction": "in", "subject": "entities"}},
        steps=[{"name": "load", "sql": {"connection": "w", "file": "load.sql"}}],
        outputs={"rows": "${{ steps.load.outputs.rows }}"},
        protected=True,
    )
    folders = {"JobType/import": "types", "Job/report": "jobs"}
    job = resolved(a_job(without="steps", type="import"), own, files=("types/load.sql",), folders=folders)

    assert [step["action"]["file"] for step in job["steps"]] == ["types/load.sql"]
    assert job["with"] == {"table": "orders"}
    assert job["inputs"]["table"]["required"] is True
    assert job["flow"] == {"direction": "in", "subject": "entities"}
    assert job["protected"] is True
    assert set(job["outputs"]) == {"rows"}


def test_libraries_of_libraries_come_along():
    dates = a_library("dates", libraries=["zones"])
    zones = a_library("zones", modules={"names": "n.py", "rules": "r.py"})
    job = resolved(a_job(libraries=["dates"]), dates, zones, files=("dates.py", "n.py", "r.py"))

    assert job["libraries"] == {
        "dates": {"dates.py": "sha-of-dates.py"},
        "zones": {"names.py": "sha-of-n.py", "rules.py": "sha-of-r.py"},
    }


@pytest.mark.parametrize(
    ("path", "form"), [("a.csv", "csv"), ("${{ slot.date }}.parquet", "parquet"), ("a.ndjson", "jsonl")]
)
def test_the_format_of_a_copy_is_told_by_the_name_of_its_file(path, form):
    ends = {"from": {"connection": "w", "table": "t"}, "to": {"root": "r", "path": path}}
    (step,) = resolved(a_job_with_step(copy=ends))["steps"]

    assert (step["action"]["format"], step["action"]["mode"]) == (form, "replace")


@pytest.mark.parametrize("name", SHIPPED_JOB_TYPES)
def test_the_shipped_types_are_valid_yaml_inside_the_package(name):
    document = shipped_type(name)

    assert document["metadata"]["name"] == name
    assert [p for p in problems_of(document) if p.rule != "not-yet"] == []
    resolved(dict(document))


def test_system_and_loyalty_are_protected_and_hidden():
    for name in ("system", "loyalty"):
        job = resolved(a_job(type=name))
        assert (job["protected"], job["hidden"]) == (True, True)
    assert resolved(a_job(steps=HELLO))["protected"] is False


def test_the_runner_has_its_settings_explicit():
    assert resolved(a_runner(roots={"in": {"path": "x"}})) == {
        "description": None,
        "timezone": "UTC",
        "parallel": 5,
        "defaults": {},
        "deletionBudget": {"objects": 3, "percent": "20%"},
        "roots": {"in": {"path": "x", "access": "read"}},
    }


def test_a_schedule_holds_the_dates_of_its_calendars():
    dates = {"eve": "12-24", "freeze": {"from": "2026-12-18T18:00", "to": "2026-12-21T06:00"}}
    calendar = an_object("Calendar", "holidays", {"dates": dates})
    job = resolved(a_job(schedule={"every": "1h", "calendars": ["holidays"]}), calendar)

    assert job["schedules"]["default"]["calendars"] == {
        "holidays": {
            "eve": {"from": "12-24", "to": "12-24"},
            "freeze": {"from": "2026-12-18T18:00", "to": "2026-12-21T06:00"},
        }
    }
    assert "calendars" not in resolved(a_job(schedule={"every": "1h"}))["schedules"]["default"]


def test_one_window_is_a_list_of_one_with_every_default():
    window = {"from": "2026-12-01", "start": "22:00", "end": "04:00"}
    job = resolved(a_job(schedule={"window": window}))

    assert job["schedules"]["default"]["window"] == [
        {
            **window,
            "to": None,
            "weekdays": [],
            "lastStart": None,
            "onClose": "pause",
            "closeGrace": "5m",
            "retryEvery": "5m",
            "repeat": "range",
        }
    ]
    assert (job["mode"], job["failAfter"]) == ("automatic", 1)


def test_fire_and_forget_has_the_numbers_of_the_known_system():
    job = resolved(a_job(schedule={"fireAndForget": {}}))

    assert job["schedules"]["default"]["fireAndForget"] == {"retryEvery": "5m", "expiresIn": "30m"}
    assert job["failAfter"] == 1
