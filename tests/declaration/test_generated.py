"""What is generated from the models is fresh, and means what the models mean."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from builders import a_job, a_job_type, a_runner, a_schedule
from jsonschema import Draft7Validator

from runner.declaration.declared import KINDS
from runner.declaration.json_schema import combined_schema, schema_files, schema_of
from runner.declaration.reference import reference

ROOT = Path(__file__).parents[2]


def test_the_committed_schemas_are_fresh():
    committed = {
        path.relative_to(ROOT / "schema").as_posix(): path.read_text("utf-8")
        for path in (ROOT / "schema").rglob("*.schema.json")
    }

    assert committed == schema_files(), "run: python -m runner.declaration.json_schema schema/"


def test_the_committed_field_reference_is_fresh():
    committed = (ROOT / "docs/reference/fields.md").read_text("utf-8")

    assert committed == reference(), "run: python -m runner.declaration.reference docs/reference/fields.md"


@pytest.mark.parametrize("name", schema_files())
def test_a_schema_is_valid_draft_7_and_has_no_one_of(name):
    text = schema_files()[name]

    Draft7Validator.check_schema(json.loads(text))
    assert "oneOf" not in text
    assert "$defs" not in text


def test_the_combined_schema_selects_by_kind():
    validator = Draft7Validator(combined_schema())

    for document in (a_job(), a_schedule(), a_job_type(), a_runner()):
        assert validator.is_valid(document)
    (error,) = validator.iter_errors(a_job(shcedule="x"))
    assert "'shcedule' was unexpected" in error.message


def test_every_field_has_a_description():
    def fields(schema):
        for name, definition in schema["definitions"].items():
            for field, value in definition.get("properties", {}).items():
                yield f"{name}.{field}", value

    missing = {
        path for kind in KINDS for path, value in fields(schema_of(kind)) if not value.get("description")
    }

    assert missing == set()


def test_what_a_schema_accepts_its_model_accepts():
    from runner.declaration.kinds.table import MODELS
    from runner.declaration.validator import validator_of

    job = a_job(
        schedule={"cron": {"minute": 0, "hour": "2"}},
        retry={"initial": "1m", "factor": 1.5, "jitter": "10%"},
        failAfter="never",
        env={"A": "1", "B": {"authorization": "x", "key": "password"}},
        steps=[{"name": "a", "shell": ["echo", "x"], "if": True}],
    )
    before = copy.deepcopy(job)

    assert list(validator_of("Job").iter_errors(job)) == []
    MODELS["Job"].model_validate(job)
    assert job == before


def test_the_reference_says_where_a_field_may_stand():
    page = reference()

    assert "| `timeout` | duration or null |  | yes | yes | yes | yes |" in page
    assert "| `enabled` | true \\| false |  | yes |  |  |  |" in page
    assert "| `remedy` | text |  |  |  |  | yes |" in page
