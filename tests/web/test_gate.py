"""Who gets past the gate: names, origins, tokens, sizes and patience, tried from outside."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from listening import PATIENCE_S, Listening

CLAIMS = "/api/v1/external/claims"
ASKED = {"job": "invoices"}


def test_with_a_token_a_request_passes(listening: Listening, token: str) -> None:
    answer = listening.ask(CLAIMS, ASKED, token=token)
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("path", [CLAIMS, "/", "/docs", "/openapi.json", "/api/v1/instances/1/reports"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_request_is_anonymous_whatever_it_asks_for(listening: Listening, path: str, method: str) -> None:
    answer = listening.ask(path, ASKED, method=method)
    assert (answer.status, answer.kind) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="jobs-runner"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json) == {"type", "title", "status", "detail"}


def test_a_token_that_counts_no_more_is_refused(listening: Listening) -> None:
    expired = listening.a_token(expires_at=datetime.now(UTC) - timedelta(seconds=1), name="old")
    answer = listening.ask(CLAIMS, ASKED, token=expired)
    assert (answer.status, answer.json["detail"]) == (401, "the token old has expired")
    revoked = listening.a_token(name="gone")
    assert listening.ask(CLAIMS, ASKED, token=revoked).status == 204
    listening.revoke("gone")
    answer = listening.ask(CLAIMS, ASKED, token=revoked)
    assert (answer.status, answer.json["detail"]) == (401, "the token gone has been revoked")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer jrunner_", "Bearer x y", "Bearer " + "A" * 9000],
)
def test_what_is_no_token_is_refused_without_being_repeated(listening: Listening, header: str) -> None:
    answer = listening.ask(CLAIMS, ASKED, headers={"Authorization": header})
    assert answer.status == 401
    assert "AAAA" not in answer.body.decode()


def test_a_token_with_one_letter_changed_is_refused(listening: Listening, token: str) -> None:
    from runner.access.token import read_token

    other = listening.a_token()
    mixed = token[:18] + other[18:]
    assert read_token(mixed) is None
    assert listening.ask(CLAIMS, ASKED, token=mixed).status == 401


def test_when_a_token_was_used_is_noted(listening: Listening) -> None:
    text = listening.a_token(name="noted")
    listening.ask(CLAIMS, ASKED, token=text)
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        pause.wait(0.01)
        with listening.here.store.read() as reader:
            [record] = [each for each in reader.tokens.list() if each.name == "noted"]
        if record.used_at is not None:
            return
    raise AssertionError("the use was never noted")


@pytest.mark.parametrize("role", ["reader"])
def test_a_role_that_may_not_report_may_not_ask_for_work(listening: Listening, role: str) -> None:
    answer = listening.ask(CLAIMS, ASKED, token=listening.a_token(role))
    assert (answer.status, answer.kind) == (403, "not-allowed")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:80", "runner.example", "runner.example:443"]
)
def test_the_listener_is_called_by_its_names(listening: Listening, token: str, host: str) -> None:
    assert listening.ask(CLAIMS, ASKED, token=token, headers={"Host": host}).status == 204


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("runner.example.evil.example", 421),
        ("127.0.0.1.nip.io", 421),
        ("169.254.169.254", 421),
        ("", 400),
        ("localhost@evil.example", 400),
        ("localhost:port", 400),
        ("[::1", 400),
    ],
)
def test_another_name_is_refused_even_with_a_token(
    listening: Listening, token: str, host: str, status: int
) -> None:
    """DNS rebinding: a page's own name that leads to loopback."""
    assert listening.ask(CLAIMS, ASKED, token=token, headers={"Host": host}).status == status


def test_two_names_are_none(listening: Listening, token: str) -> None:
    with listening.raw() as wire:
        wire.sendall(
            f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert b" 400 " in wire.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "https://pages.example.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_origins_send_nothing_here(
    listening: Listening, token: str, headers: dict[str, str]
) -> None:
    answer = listening.ask(CLAIMS, ASKED, token=token, headers=headers)
    assert (answer.status, answer.kind) == (403, "wrong-origin")
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_page_of_its_own_and_a_declared_one_may(listening: Listening, token: str) -> None:
    for origin in (listening.url, "https://pages.example", f"http://127.0.0.1:{listening.port}"):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        assert listening.ask(CLAIMS, ASKED, token=token, headers=headers).status == 204


def test_its_own_page_is_the_one_of_the_name_it_was_called_by(listening: Listening, token: str) -> None:
    called = {"Host": "localhost:8470", "Origin": "http://localhost:8470", "Sec-Fetch-Site": "same-origin"}
    assert listening.ask(CLAIMS, ASKED, token=token, headers=called).status == 204
    beside = {"Host": "localhost:8470", "Origin": "http://localhost:3000"}
    assert listening.ask(CLAIMS, ASKED, token=token, headers=beside).status == 403


@pytest.mark.parametrize("query", ["token=x", "access_token=x", "a=1&Token=", "q=jrunner_abc", "api_key=1"])
def test_a_token_in_the_url_is_refused_even_beside_a_good_one(
    listening: Listening, token: str, query: str
) -> None:
    answer = listening.ask(f"{CLAIMS}?{query}", ASKED, token=token)
    assert (answer.status, answer.kind) == (400, "token-in-url")
    assert "x" not in answer.json["detail"].split()


def test_a_giant_body_is_refused_by_its_announced_length_before_it_is_read(
    listening: Listening, token: str
) -> None:
    with listening.raw() as wire:
        wire.sendall(
            f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n".encode()
        )
        assert b" 413 " in wire.recv(4096).split(b"\r\n")[0]


def test_a_giant_body_in_chunks_is_refused_where_it_is_too_large(listening: Listening, token: str) -> None:
    with listening.raw() as wire:
        wire.sendall(
            f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        sent = 0
        try:
            for _ in range(1000):
                wire.sendall(chunk)
                sent += 0x10000
        except OSError:
            pass  # it has hung up
        assert sent < 64_000_000


def test_a_body_without_a_token_is_not_even_waited_for(listening: Listening) -> None:
    with listening.raw() as wire:
        wire.sendall(f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n".encode())
        assert b" 401 " in wire.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 422, "invalid"),
        (b"{", 422, "invalid"),
        (b"[" * 100_000, 400, "http"),
        (b'{"job": "invoices", "more": 1}', 422, "invalid"),
        (b'{"job": "../../etc"}', 422, "invalid"),
        (b'{"job": 5}', 422, "invalid"),
        (b"\xff\xfe", 422, "invalid"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_as_a_problem(
    listening: Listening, token: str, body: bytes, status: int, kind: str
) -> None:
    answer = listening.ask(CLAIMS, body, token=token)
    assert (answer.status, answer.kind) == (status, kind)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_is_no_json(listening: Listening, token: str) -> None:
    """What a page can send without being asked for its origin."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert listening.ask(CLAIMS, b"job=invoices", token=token, headers=headers).kind == "not-json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", CLAIMS, 405), ("DELETE", CLAIMS, 405), ("GET", "/docs", 404), ("GET", "/openapi.json", 404)],
)
def test_there_is_nothing_but_what_there_is(
    listening: Listening, token: str, method: str, path: str, status: int
) -> None:
    assert listening.ask(path, method=method, token=token).status == status


def test_every_answer_may_neither_be_kept_nor_guessed_nor_framed(listening: Listening, token: str) -> None:
    for answer in (listening.ask(CLAIMS, ASKED, token=token), listening.ask(CLAIMS, ASKED)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_closed(listening: Listening, token: str, said: bytes) -> None:
    with listening.raw() as wire:
        try:
            wire.sendall(said)
            answer: Any = wire.recv(65536)
        except ConnectionError:
            answer = b""
        assert answer == b"" or answer.split(b"\r\n")[0].split()[1] in (b"400", b"401", b"431")
    assert listening.ask(CLAIMS, ASKED, token=token).status == 204


def test_what_is_no_http_is_told_as_a_problem_too(listening: Listening) -> None:
    with listening.raw() as wire:
        wire.sendall(b"NONSENSE\r\n\r\n")
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer and b'"urn:jobs-runner:problem:no-http"' in answer


def test_a_body_with_two_lengths_is_refused(listening: Listening, token: str) -> None:
    """A proxy in front of it may believe the other one: the rest would be a request of somebody else."""
    smuggled = f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n"
    with listening.raw() as wire:
        wire.sendall(
            f"POST {CLAIMS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            f"0\r\n\r\n{smuggled}".encode()
        )
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ") and b"two-lengths" in answer
    assert answer.count(b"HTTP/1.1") == 1, "what follows is not read"


@pytest.mark.parametrize(
    "body",
    [
        b'{"job": ' + b"9" * 100_000 + b"}",
        b'{"job": "a", "job": "invoices", "x": NaN}',
        b'{"job": "invoices\\u0000"}',
        b'"' + b"\\ud800" * 1000 + b'"',
        b'{"a":' * 50_000,
    ],
)
def test_odd_json_is_refused_and_breaks_nothing(listening: Listening, token: str, body: bytes) -> None:
    answer = listening.ask(CLAIMS, body, token=token)
    assert answer.status in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/external/claims",
        "/hooks/../api/v1/external/claims",
        "/hooks/%2e%2e/api/v1/external/claims",
        "/%68ooks/../api/v1/external/claims",
        "/hooks/..;/api/v1/external/claims",
    ],
)
def test_no_way_round_the_gate_leads_to_what_needs_a_token(listening: Listening, path: str) -> None:
    assert listening.ask(path, ASKED).status in (401, 404)


def test_a_whole_address_in_the_first_line_is_no_other_host(listening: Listening, token: str) -> None:
    with listening.raw() as wire:
        wire.sendall(
            f"POST http://evil.example{CLAIMS} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        assert wire.recv(4096).split(b"\r\n")[0].split()[1] == b"404"
