"""What a drilled job reaches outside of its scratch directory."""

from __future__ import annotations

from typing import Any

from installations import a_job

from runner.operations.drill_scene import side_effects


def of(**spec: Any) -> tuple[str, ...]:
    return side_effects(a_job("report", **spec).resolved)


def test_a_job_that_only_computes_reaches_nothing() -> None:
    assert of(env={"A": "1"}) == ()


def test_authorizations_and_connections_are_named_with_their_place() -> None:
    assert of(
        env={"TOKEN": {"authorization": "api", "key": "token"}},
        steps=[
            {"name": "ask", "sql": {"connection": "warehouse", "query": "SELECT 1"}},
            {
                "name": "take",
                "copy": {
                    "from": {"connection": "shop", "table": "a"},
                    "to": {"root": "out", "path": "a.csv"},
                },
            },
        ],
    ) == ("Authorization/api (env.TOKEN)", "Connection/warehouse (step ask)", "Connection/shop (step take)")


def test_a_request_that_changes_something_is_one_too_and_a_get_is_none() -> None:
    assert of(
        steps=[
            {"name": "look", "http": {"url": "https://example.org"}},
            {"name": "send", "http": {"url": "https://example.org", "method": "POST"}},
        ]
    ) == ("POST of step send",)
