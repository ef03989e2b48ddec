"""Signed requests over HTTP: without a token, bounded, each once however many come together."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from installations import Installation, an_object
from listening import PATIENCE_S, Answer, Listening
from triggered_lives import a_triggered_job, items

from runner.access.signature import signature

SECRET = "a secret of the shop, long enough"
HOOK = {"path": "shop/orders", "secret": {"authorization": "shop", "key": "secret"}}


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    here = Installation(tmp_path_factory.mktemp("hooks") / ".runner" / "runner.db")
    place = Path(here.state.parent / "shop.secret")
    place.write_text(SECRET)
    place.chmod(0o600)
    here.install(
        an_object("Authorization", "shop", {"config": {"secret": {"from": {"file": "shop.secret"}}}}),
        a_triggered_job("take", {"webhook": HOOK}, inputs={"n": {"type": "integer"}}),
        a_triggered_job("alone", {"webhook": {**HOOK, "path": "alone"}}, inputs={"n": {"type": "integer"}}),
    )
    listening = Listening(here)
    yield listening
    listening.end()
    here.store.close()


def signed(body: bytes, id: str, secret: str = SECRET) -> dict[str, str]:
    stamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "Webhook-Id": id,
        "Webhook-Timestamp": str(stamp),
        "Webhook-Signature": signature(secret, id, stamp, body),
    }


def send(
    hooked: Listening, payload: Any, id: str | None = None, path: str = "shop/orders", **more: Any
) -> Answer:
    body = json.dumps(payload).encode()
    sent = signed(body, id or f"msg_{secrets.token_hex(8)}", **more)
    return hooked.ask(f"/hooks/{path}", body, headers=sent)


def test_a_signed_request_needs_no_token_and_is_answered_with_its_ids(hooked: Listening) -> None:
    answer = send(hooked, {"n": 1}, "msg_first", "alone")
    [item] = items(hooked.here, "alone")
    started = {"outcome": "started", "item": item.id, "instance": item.instance_id, "reason": ""}
    assert (answer.status, answer.json) == (202, started)
    again = send(hooked, {"n": 1}, "msg_first", "alone")
    told = {**started, "outcome": "duplicate", "reason": "it was taken before (taken)"}
    assert (again.status, again.json) == (202, told)


def test_what_is_wrong_is_told_as_a_problem(hooked: Listening) -> None:
    forged = send(hooked, {"n": 1}, secret="not that secret at all")
    assert (forged.status, forged.kind) == (401, "bad-signature")
    assert forged.headers["content-type"] == "application/problem+json"
    misfit = send(hooked, {"n": "x"})
    assert (misfit.status, misfit.json["errors"][0]["at"]) == (422, "n")
    body = b"n=1"
    form = {**signed(body, "msg_form"), "Content-Type": "application/x-www-form-urlencoded"}
    assert hooked.ask("/hooks/shop/orders", body, headers=form).status == 415
    assert hooked.ask("/hooks/nowhere", {}, headers={}).status == 404
    assert hooked.ask("/hooks/shop/orders", method="GET").status == 405


def test_a_huge_body_is_refused_before_it_is_sent(hooked: Listening) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", hooked.port, timeout=PATIENCE_S)
    connection.putrequest("POST", "/hooks/shop/orders")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(100 * 1024 * 1024))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["type"].rpartition(":")[2]) == (413, "too-large")
    connection.close()


def test_other_routes_still_need_a_token(hooked: Listening) -> None:
    for path in ("/api/v1/external/claims", "/hooks", "/hooks/../api/v1/external/claims"):
        assert hooked.ask(path, {"job": "take"}).status in (401, 404), path


def test_of_many_at_once_none_is_lost_and_none_is_taken_twice(hooked: Listening) -> None:
    """Each is sent twice, as a sender does that was not answered in time."""
    before = len(items(hooked.here, "take"))
    ids = [f"many_{n}" for n in range(150)] * 2

    def some(portion: list[str]) -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", hooked.port, timeout=PATIENCE_S)
        found = []
        for id in portion:
            body = json.dumps({"n": 7}).encode()
            connection.request("POST", "/hooks/shop/orders", body, signed(body, id))
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
        connection.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        found = [status for part in pool.map(some, [ids[n::6] for n in range(6)]) for status in part]
    assert set(found) == {202}
    taken = items(hooked.here, "take")[before:]
    assert len(taken) == 150
    assert {item.key for item in taken} == {f"webhook:many_{n}" for n in range(150)}


def test_a_burst_of_connections_is_answered_to_the_last(hooked: Listening) -> None:
    """Not every sender sends again: none is told to come again, and none is closed before it was read."""
    before = len(items(hooked.here, "take"))
    body = b'{"n": 8}'
    wires = []
    try:
        for n in range(700):
            sent = {**signed(body, f"burst_{n}"), "Host": "localhost", "Content-Length": str(len(body))}
            head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
            wire = hooked.raw()
            wires.append(wire)
            wire.sendall(f"POST /hooks/shop/orders HTTP/1.1\r\n{head}\r\n".encode() + body)
        answers = [wire.recv(65536).split(b"\r\n")[0] for wire in wires]
    finally:
        for wire in wires:
            wire.close()
    assert set(answers) == {b"HTTP/1.1 202 Accepted"}
    assert len(items(hooked.here, "take")) == before + 700


def test_no_secret_is_in_what_the_process_shows(hooked: Listening) -> None:
    pid = hooked.process.pid
    for name in ("cmdline", "environ"):
        assert SECRET.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
