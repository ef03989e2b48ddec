"""Webhooks are called: signed, again until accepted, once per attempt as far as anybody can tell."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from external_lives import an_external_job, called, external_run
from installations import Installation, an_object
from listening import PATIENCE_S, Listening

from runner.access.signature import signature
from runner.execution.webhook import NotCalled, call_webhook
from runner.operations.external_calls import LEASE, Call, record_call, take_calls

SECRET = {"authorization": "billing", "key": "secret"}


class Other:
    """Another system: answers with what it was told to, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.changed:
                    outer.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    status = outer.answers.pop(0) if outer.answers else 202
                    outer.changed.notify_all()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://169.254.169.254/latest/meta-data")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jobs"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def until(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, PATIENCE_S)


@pytest.fixture
def other() -> Iterator[Other]:
    system = Other()
    yield system
    system.server.shutdown()
    system.server.server_close()


@pytest.fixture
def here(tmp_path: Any) -> Iterator[Installation]:
    """An installation for each test: the calls of one must not be due in another."""
    (tmp_path / "secret").write_text("sesame")
    installation = Installation(tmp_path / ".runner" / "runner.db")
    config = {"secret": {"from": {"file": "secret"}}}
    installation.install(an_object("Authorization", "billing", {"config": config}))
    yield installation
    installation.store.close()


@pytest.fixture
def listening(here: Installation) -> Iterator[Listening]:
    started = Listening(here)
    yield started
    started.end()


@pytest.fixture
def a_claim(here: Installation, other: Other) -> Callable[..., int]:
    """A run whose webhook is the other system's, claimed just now."""

    claimed: list[int] = []

    def claim(url: str | None = None, **spec: Any) -> int:
        hook = {"url": url or other.url, "privateAddresses": True, "secret": SECRET}
        if not claimed:
            here.install(an_external_job(webhook=hook, **spec))
        id = here.run("invoices", key=f"claim {len(claimed)}", due_at=datetime.now(UTC))
        claimed.append(id)
        called(here, id, datetime.now(UTC))
        return id

    return claim


def until(here: Installation, id: int, holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError(f"waited in vain: {external_run(here, id)}, {here.instance(id)}")


def test_a_claimed_run_is_called_for_with_a_signature_that_can_be_checked(
    here: Installation, listening: Listening, other: Other, a_claim: Callable[..., int]
) -> None:
    id = a_claim()
    listening.knock()
    other.until(1)
    headers, body = other.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = base64.b64encode(hmac.new(b"sesame", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{code}"
    assert headers["webhook-id"] == f"{id}-1"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    told = json.loads(body)
    assert (told["job"], told["instance"], told["epoch"]) == ("invoices", id, 1)
    until(here, id, lambda: external_run(here, id).accepted_at is not None)
    run = external_run(here, id)
    assert (run.calls, run.call_at, run.call_error) == (1, None, None)


def test_the_token_of_the_call_reports_on_the_run(
    here: Installation, listening: Listening, other: Other, a_claim: Callable[..., int]
) -> None:
    id = a_claim()
    listening.knock()
    other.until(1)
    report = json.loads(other.got[0][1])["report"]
    body = {"token": report["token"], "event": "finished"}
    path = report["url"].removeprefix(listening.url)
    assert listening.ask(path, body, token=listening.a_token()).json["state"] == "SUCCEEDED"
    assert here.instance(id).state == "SUCCEEDED"


def test_a_call_that_is_not_accepted_is_made_again_with_the_same_id(
    here: Installation, listening: Listening, other: Other, a_claim: Callable[..., int]
) -> None:
    other.answers = [503]
    id = a_claim()
    listening.knock()
    other.until(2)
    assert {headers["webhook-id"] for headers, _ in other.got} == {f"{id}-1"}
    assert other.got[0][1] == other.got[1][1]
    until(here, id, lambda: external_run(here, id).accepted_at is not None)
    assert here.instance(id).state == "RUNNING"


def test_a_refusal_that_no_repeat_can_change_ends_the_run(
    here: Installation, listening: Listening, other: Other, a_claim: Callable[..., int]
) -> None:
    for count, status in enumerate((400, 401, 404, 410, 302), 1):
        other.answers = [status]
        id = a_claim(retry="none", concurrency={"policy": "allow"}, failAfter="never")
        listening.knock()
        until(here, id, lambda id=id: here.instance(id).state == "FAILED")
        error = here.instance(id).error
        assert error is not None and f"answered {status}" in error["description"]
        assert len(other.got) == count, "no redirect was followed"


def test_a_secret_that_is_not_there_ends_the_run_and_spends_no_retry(
    here: Installation, listening: Listening, other: Other, a_claim: Callable[..., int], tmp_path: Any
) -> None:
    (tmp_path / "secret").unlink()
    id = a_claim()
    listening.knock()
    until(here, id, lambda: here.instance(id).state == "FAILED")
    error = here.instance(id).error
    assert error is not None and error["code"] == "authorization"
    assert other.got == []


def test_nobody_there_is_tried_again_later(
    here: Installation, listening: Listening, other: Other, a_claim: Callable[..., int]
) -> None:
    id = a_claim(url="http://127.0.0.1:1/jobs")
    listening.knock()
    until(here, id, lambda: external_run(here, id).calls >= 2)
    run = external_run(here, id)
    assert run.call_error is not None and run.call_error["code"] == "connection"
    until(here, id, lambda: not external_run(here, id).perhaps_heard)
    assert here.instance(id).state == "RUNNING"


def test_a_private_address_is_called_only_when_that_is_declared(tmp_path: Any) -> None:
    hook = {"url": "https://127.0.0.1:1/jobs", "secret": SECRET}
    with pytest.raises(NotCalled) as refused:
        call_webhook(hook, {}, "s", {}, id="1-1", at=datetime.now(UTC))
    assert (refused.value.code, refused.value.retryable, refused.value.perhaps) == (
        "private-address",
        False,
        False,
    )
    with pytest.raises(NotCalled) as refused:
        call_webhook({"url": "http://billing.example"}, {}, "s", {}, id="1-1", at=datetime.now(UTC))
    assert refused.value.code == "insecure"


def test_secrets_of_standard_webhooks_are_read_as_their_libraries_do() -> None:
    raw = b"\x01\x02\x03\x04"
    encoded = "whsec_" + base64.b64encode(raw).decode()
    code = base64.b64encode(hmac.new(raw, b"a.1.{}", hashlib.sha256).digest()).decode()
    assert signature(encoded, "a", 1, b"{}") == f"v1,{code}"


def take(here: Installation, now: datetime) -> tuple[Call, ...]:
    return here.store.transact(lambda tx: take_calls(tx, now))


def record(here: Installation, call: Call, problem: NotCalled | None, now: datetime) -> None:
    here.store.transact(lambda tx: record_call(tx, call, problem, now, 0.5))


def test_a_call_whose_end_nobody_recorded_is_made_again_after_its_lease(
    here: Installation, a_claim: Callable[..., int]
) -> None:
    id = a_claim()
    now = datetime.now(UTC)
    assert len(take(here, now)) == 1
    assert take(here, now) == ()
    assert take(here, now + LEASE - timedelta(seconds=1)) == ()
    assert external_run(here, id).perhaps_heard, "it may have arrived"
    [again] = take(here, now + LEASE)
    assert again.id == f"{id}-1"


def test_pauses_between_calls_grow(here: Installation, a_claim: Callable[..., int]) -> None:
    id = a_claim()
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    pauses = []
    for _ in range(9):
        [call] = take(here, now)
        record(here, call, NotCalled("status", "answered 503", True, False), now)
        at = external_run(here, id).call_at
        assert at is not None
        pauses.append((at - now).total_seconds())
        now = at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_call_that_was_never_accepted_fails_when_its_time_is_over_and_may_be_retried(
    here: Installation, a_claim: Callable[..., int]
) -> None:
    from external_lives import minutes, time_passes

    id = a_claim(retry={"initial": "1m", "maxAttempts": 2})
    now = datetime.now(UTC)
    [call] = take(here, now)
    record(here, call, NotCalled("connection", "nobody is there", True, False), now)
    [ended] = time_passes(here, now + minutes(11))
    assert (ended.state, ended.reason) == ("SCHEDULED", "retry")
    assert "nobody is there" in str((here.instance(id).error or {})["description"])


def test_one_that_may_have_arrived_is_unknown_instead(
    here: Installation, a_claim: Callable[..., int]
) -> None:
    from external_lives import minutes, time_passes

    a_claim()
    now = datetime.now(UTC)
    [call] = take(here, now)
    record(here, call, NotCalled("timeout", "no answer in time", True, True), now)
    [ended] = time_passes(here, now + minutes(11))
    assert ended.state == "UNKNOWN"


def test_what_has_reported_is_not_called_again_whatever_became_of_the_call(
    here: Installation, a_claim: Callable[..., int]
) -> None:
    from external_lives import report

    id = a_claim()
    now = datetime.now(UTC)
    [call] = take(here, now)
    report(here, id, "started", now)
    record(here, call, NotCalled("timeout", "no answer in time", False, True), now)
    run = external_run(here, id)
    assert (run.call_at, here.instance(id).state) == (None, "RUNNING")


def test_a_destination_shows_no_secret() -> None:
    from runner.operations.external_calls import Destination

    assert "sesame" not in repr(Destination({}, {}, "sesame"))


def test_what_came_of_calls_stands_in_the_history_and_the_same_again_only_once(
    here: Installation, a_claim: Callable[..., int]
) -> None:
    id = a_claim()
    now = datetime.now(UTC) + timedelta(seconds=1)
    for _ in range(3):
        [call] = take(here, now)
        record(here, call, NotCalled("status", "answered 503", True, False), now)
        now = external_run(here, id).call_at or now
    [call] = take(here, now)
    record(here, call, None, now)
    with here.store.read() as reader:
        events = [e for e in reader.events.of("instance", str(id)) if e.event.startswith("webhook")]
    assert [(e.event, e.why) for e in reversed(events)] == [
        ("webhook.refused", "its webhook was not accepted: answered 503"),
        ("webhook.accepted", "call 4"),
    ]
