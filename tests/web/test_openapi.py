"""What the listener promises, and whether it keeps that whatever it is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from external_lives import session
from hypothesis import HealthCheck, given, settings
from installations import Installation
from listening import Listening

from runner.web.app import routes_of
from runner.web.openapi import PATH, openapi_of, text_of

KEPT = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
EXAMPLES = 200
"""Requests of each operation."""


def test_the_committed_document_is_fresh() -> None:
    fresh = text_of(openapi_of(routes_of()))
    assert fresh == KEPT.read_text("utf-8"), f"run: python -m runner.web.openapi {KEPT}"


def test_the_listener_serves_it_to_whoever_has_a_token(listening: Listening, token: str) -> None:
    answer = listening.ask(PATH, method="GET", token=token)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == json.loads(KEPT.read_text("utf-8"))
    assert listening.ask(PATH, method="GET").status == 401


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_does_what_it_promises_whatever_it_is_sent(
    here: Installation, listening: Listening, token: str
) -> None:
    """Requests made from the document, good and bad, with the token of a run that is under way."""
    import schemathesis
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    schema = schemathesis.openapi.from_dict(json.loads(KEPT.read_text("utf-8")))
    work: dict[str, Any] = {}

    def a_run() -> dict[str, Any]:
        if not work:
            key = f"fuzz:{datetime.now(UTC).timestamp()}"
            session(here)
            here.run("invoices", key=key, due_at=datetime.now(UTC))
            work.update(listening.ask("/api/v1/external/claims", {"job": "invoices"}, token=token).json)
        return work

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def sent(case: Any) -> None:
            if case.operation.definition.raw["operationId"] == "report":
                run = a_run()
                case.path_parameters["id"] = run["instance"]
                if isinstance(case.body, dict) and case.body.get("token"):
                    case.body["token"] = run["report"]["token"]
            headers = {"Authorization": f"Bearer {token}"}
            response = case.call(base_url=listening.url, headers=headers)
            # What one field asks of another (a step needs a state) is no part of the document.
            case.validate_response(response, excluded_checks=[positive_data_acceptance])
            if response.status_code == 200 and response.json().get("state") in (
                "SUCCEEDED", "FAILED", "SCHEDULED", "CANCELLED",
            ):  # fmt: skip
                work.clear()

        sent()
