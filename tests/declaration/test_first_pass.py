"""The quick validator accepts only what jsonschema finds nothing wrong with."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.declaration.first_pass import accepts
from runner.declaration.validator import validator_of

JOB: dict[str, Any] = {
    "apiVersion": "jobs.runner/v1",
    "kind": "Job",
    "metadata": {"name": "hello", "labels": {"team": "bi"}},
    "spec": {
        "enabled": True,
        "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Zurich", "jitter": "5m"},
        "timeout": "30m",
        "failAfter": 3,
        "limits": {"memory": "512MiB"},
        "retry": {"initial": "1m", "factor": 2},
        "steps": [{"name": "say", "shell": ["echo", "hello"], "onFailure": "retry"}],
    },
}
WRONG: list[Any] = [
    None, True, 0, -1, 2**53 + 1, 10**30, 1.5, 1e301, math.nan, math.inf, "", " ", "90s\n", "90s", "x" * 5000,
    "\ud800", "٣m", [], [None], {}, {"a": 1}, {"": ""}, {1: 2},
]  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [each for key, inner in below for each in _paths(inner, (*path, key))]


def test_an_ordinary_document_is_accepted() -> None:
    assert accepts(JOB, "Job")


@given(path=st.sampled_from(_paths(JOB)), wrong=st.sampled_from(WRONG), add=st.booleans())
def test_what_it_accepts_has_no_schema_error(path: tuple[Any, ...], wrong: Any, add: bool) -> None:
    document = copy.deepcopy(JOB)
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    if add and isinstance(holder, dict):
        holder[f"{path[-1]}x"] = wrong
    else:
        holder[path[-1]] = wrong
    if accepts(document, "Job"):
        huge = isinstance(wrong, int | float) and not abs(wrong) <= 2**53
        assert huge or list(validator_of("Job").iter_errors(document)) == []


@pytest.mark.parametrize("kind", ["Job", "Runner", "Connection"])
def test_what_is_not_json_is_not_accepted(kind: str) -> None:
    assert not accepts({1: object()}, kind)
