"""Work is asked for and reported on over real HTTP; what was recorded is read from the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from installations import Installation
from listening import Answer, Listening

CLAIMS = "/api/v1/external/claims"


@pytest.fixture
def task(here: Installation, listening: Listening, token: str, request: pytest.FixtureRequest) -> Any:
    """A run that has just been claimed over HTTP: what its system was told."""
    from external_lives import session

    session(here)
    here.run("invoices", key=request.node.name, due_at=datetime.now(UTC))
    answer = listening.ask(CLAIMS, {"job": "invoices"}, token=token)
    assert answer.status == 200
    return answer.json


def send(listening: Listening, token: str, task: Any, event: str, **more: Any) -> Answer:
    path = task["report"]["url"].removeprefix(listening.url)
    body = {"token": task["report"]["token"], "event": event, **more}
    return listening.ask(path, body, token=token)


def test_a_run_from_its_claim_to_its_end(
    here: Installation, listening: Listening, token: str, task: Any
) -> None:
    assert send(listening, token, task, "started", number=1).json == {
        "outcome": "recorded",
        "state": "RUNNING",
        "stop": False,
        "reason": "manual",
    }
    send(listening, token, task, "step", number=2, step="collect", state="started")
    send(listening, token, task, "progress", number=3, done=1, total=2, text="half")
    assert here.instance(task["instance"]).progress == 0.5
    assert (
        send(listening, token, task, "finished", number=4, outputs={"rows": 7}).json["state"] == "SUCCEEDED"
    )
    assert dict(here.instance(task["instance"]).outputs) == {"rows": 7}
    assert (
        send(listening, token, task, "finished", number=4, outputs={"rows": 7}).json["outcome"] == "repeated"
    )


def test_a_replayed_request_changes_nothing(listening: Listening, token: str, task: Any) -> None:
    first = send(listening, token, task, "progress", number=1, done=1, total=4)
    again = send(listening, token, task, "progress", number=1, done=1, total=4)
    assert (first.json["outcome"], again.json["outcome"]) == ("recorded", "repeated")


def test_the_token_of_a_run_alone_is_not_enough(listening: Listening, task: Any) -> None:
    path = task["report"]["url"].removeprefix(listening.url)
    assert listening.ask(path, {"token": task["report"]["token"], "event": "finished"}).status == 401


def test_nor_is_a_token_without_the_run_s(
    here: Installation, listening: Listening, token: str, task: Any
) -> None:
    task["report"]["token"] = "e1." + "A" * 43
    answer = send(listening, token, task, "finished")
    assert (answer.status, answer.kind) == (403, "not-allowed")
    assert here.instance(task["instance"]).state == "RUNNING"


def test_a_reader_does_not_report(listening: Listening, task: Any) -> None:
    assert send(listening, listening.a_token("reader"), task, "finished").status == 403
    assert send(listening, listening.a_token("operator"), task, "finished").status == 200


def test_what_comes_after_the_end_is_a_conflict(listening: Listening, token: str, task: Any) -> None:
    send(listening, token, task, "finished")
    answer = send(listening, token, task, "failed")
    assert (answer.status, answer.kind) == (409, "refused")
    assert "has ended: it is SUCCEEDED" in answer.json["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": "exploded"},
        {"event": "step"},
        {"event": "step", "step": "Bad Name", "state": "started"},
        {"event": "progress", "done": -1},
        {"event": "progress", "done": "1"},
        {"event": "progress", "done": 5, "total": 3},
        {"event": "progress", "text": "x" * 5000},
        {"event": "progress", "text": "\ud800"},
        {"event": "progress", "text": "a\0b"},
        {"event": "progress", "number": 0},
        {"event": "progress", "number": 1.5},
        {"event": "finished", "outputs": [1]},
        {"event": "finished", "outputs": {"a": float("nan")}},
        {"event": "finished", "outputs": {"a": "x" * 70_000}},
        {"event": "finished", "outputs": {"a": "\ud800"}},
        {"event": "failed", "code": "a b"},
        {"event": "failed", "retryable": "yes"},
        {"event": "heartbeat", "unknown": 1},
    ],
)
def test_what_cannot_be_kept_is_refused_and_the_run_goes_on(
    here: Installation, listening: Listening, token: str, task: Any, wrong: dict[str, Any]
) -> None:
    answer = send(listening, token, task, **wrong)
    assert answer.status in (400, 422), answer.body
    assert task["report"]["token"] not in answer.body.decode()
    assert here.instance(task["instance"]).state == "RUNNING"


@pytest.mark.parametrize("id", ["0", "-1", "a", "9999999999999999999999", "1%00"])
def test_what_is_no_number_of_a_run_is_refused(listening: Listening, token: str, id: str) -> None:
    body = {"token": "e1.x", "event": "finished"}
    assert listening.ask(f"/api/v1/instances/{id}/reports", body, token=token).status in (404, 422)


def test_a_run_that_is_not_there_looks_as_one_with_another_token(listening: Listening, token: str) -> None:
    answer = listening.ask(
        "/api/v1/instances/4711/reports", {"token": "e1.x", "event": "finished"}, token=token
    )
    assert (answer.status, answer.kind) == (403, "not-allowed")


def test_a_job_that_is_not_there_gets_the_nearest_name(listening: Listening, token: str) -> None:
    answer = listening.ask(CLAIMS, {"job": "invoice"}, token=token)
    assert (answer.status, answer.kind) == (404, "unknown-name")
    assert "invoices" in answer.json["detail"]


def test_one_report_that_is_sent_many_times_at_once_counts_once(
    here: Installation, listening: Listening, token: str, task: Any
) -> None:
    with ThreadPoolExecutor(16) as many:
        answers = list(
            many.map(
                lambda _: send(
                    listening, token, task, "step", number=7, step="collect", state="completed"
                ).json["outcome"],
                range(32),
            )
        )
    assert sorted(set(answers)) == ["recorded", "repeated"]
    assert answers.count("recorded") == 1
    with here.store.read() as reader:
        events = [e.row for e in reader.events.of("instance", str(task["instance"]))]
    assert (events.count("S1"), events.count("S4")) == (1, 1)
    ends = [send(listening, token, task, "finished", number=n).json for n in (8, 8, 9)]
    assert [end["outcome"] for end in ends] == ["recorded", "repeated", "repeated"]
