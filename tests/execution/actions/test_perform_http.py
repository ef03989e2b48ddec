"""An http step against a real server: what is sent, what counts as success, and where it may go."""

from __future__ import annotations

import base64
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.execution.actions import http as http_action
from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.http import perform
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]
TLS = Path(__file__).parent / "tls"


class Handler(http.server.BaseHTTPRequestHandler):
    """`/status/N` answers N; `/echo` what was sent; `/to?URL` redirects; `/large`, `/cut` and `/silent`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/to":
            self._answer(302, b"", Location=query)
        elif path.startswith("/status/"):
            self._answer(int(path.removeprefix("/status/")), b"<p>the  reason</p>")
        elif path == "/large":
            self._answer(200, b"x" * 100_000)
        elif path == "/cut":
            self._answer(200, b"x", **{"Content-Length": "100"})
            self.close_connection = True
        elif path == "/silent":
            self.connection.recv(1)  # until the client gives up
            self.close_connection = True
        elif path == "/wrong":
            self._answer(200, b"{", **{"Content-Type": "application/json"})
        else:
            length = int(self.headers.get("Content-Length", 0))
            sent = {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": self.rfile.read(length).decode(),
            }
            self._answer(
                200, json.dumps(sent).encode(), **{"Content-Type": "application/json; charset=utf-8"}
            )

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def served(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server() -> Iterator[str]:
    yield from served()


@pytest.fixture
def another_server() -> Iterator[str]:
    yield from served()


@pytest.fixture
def tls_server() -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    yield from served(context)


def send(step: StepContext, url: str, **fields: Any) -> dict[str, Any]:
    return perform({"url": url, "privateAddresses": True, **fields}, step)


def test_json_is_an_output(a_step: Builder, server: str) -> None:
    outputs = send(a_step(), f"{server}/echo", query={"day": "2026-11-21", "all": True})
    assert outputs["status"] == 200
    assert (outputs["json"]["method"], outputs["json"]["path"]) == ("GET", "/echo?day=2026-11-21&all=true")


def test_what_is_no_json_is_null(a_step: Builder, server: str) -> None:
    assert send(a_step(), f"{server}/status/200") == {"status": 200, "json": None}


def test_a_map_is_sent_as_json_and_a_text_as_it_is(a_step: Builder, server: str) -> None:
    sent = send(a_step(), f"{server}/echo", method="POST", body={"rows": 3})["json"]
    assert (sent["body"], sent["headers"]["content-type"]) == ('{"rows": 3}', "application/json")
    sent = send(a_step(), f"{server}/echo", method="PUT", body="a=1", headers={"Content-Type": "text/x"})[
        "json"
    ]
    assert (sent["body"], sent["headers"]["content-type"]) == ("a=1", "text/x")


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, "authorization", False),
        (403, "authorization", False),
        (404, "status", False),
        (429, "status", True),
        (500, "status", True),
        (503, "status", True),
    ],
)
def test_another_status_than_expected_is_a_failure(
    a_step: Builder, server: str, status: int, code: str, retryable: bool
) -> None:
    with pytest.raises(ActionFailed) as raised:
        send(a_step(), f"{server}/status/{status}?key=hunter2")
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert raised.value.description.startswith(f"{server}/status/{status} answered {status}, not 2xx")
    assert raised.value.description.endswith(": <p>the reason</p>")
    assert "hunter2" not in raised.value.description


def test_the_expected_status_is_success(a_step: Builder, server: str) -> None:
    assert send(a_step(), f"{server}/status/404", expect={"status": [404, 410]})["status"] == 404
    with pytest.raises(ActionFailed, match="answered 404, not 200"):
        send(a_step(), f"{server}/status/404", expect={"status": 200})


@pytest.mark.parametrize("value", ["hunter2\nx", "hunter2\r\nX-Admin: 1", "hunter2\u00e9", "hunter2\0"])
def test_what_no_header_can_hold_is_told_without_being_repeated(
    a_step: Builder, server: str, value: str
) -> None:
    step = a_step(connections={"api": {"url": server, "token": value}})
    for action in ({"connection": "api"}, {"url": f"{server}/echo", "headers": {"X-Key": value}}):
        with pytest.raises(ActionFailed) as raised:
            perform({"privateAddresses": True, **action}, step)
        assert (raised.value.code, raised.value.retryable) == ("bad-header", False)
        assert "hunter2" not in raised.value.description


def test_a_text_may_be_expected(a_step: Builder, server: str) -> None:
    send(a_step(), f"{server}/status/200", expect={"contains": "the  reason"})
    with pytest.raises(ActionFailed, match="answered 200, but without 'ok'"):
        send(a_step(), f"{server}/status/200", expect={"contains": "ok"})


def test_redirects_are_followed_only_when_declared(a_step: Builder, server: str) -> None:
    with pytest.raises(ActionFailed, match="answered 302, not 2xx; redirects are not followed unless"):
        send(a_step(), f"{server}/to?/echo")
    assert send(a_step(), f"{server}/to?/echo", redirects=True)["json"]["path"] == "/echo"
    with pytest.raises(ActionFailed, match="more than 10 redirects"):
        send(a_step(), f"{server}/to?/to", redirects=True)  # /to without a query redirects to itself


def test_credentials_go_to_their_connection_and_not_along_with_a_redirect(
    a_step: Builder, server: str, another_server: str
) -> None:
    for credentials, expected in (
        ({"user": "u", "password": "p"}, "Basic " + base64.b64encode(b"u:p").decode()),
        ({"token": "t0ken"}, "Bearer t0ken"),
    ):
        step = a_step(connections={"api": {"url": f"{server}/v1", **credentials}})
        action = {"connection": "api", "privateAddresses": True, "redirects": True}
        sent = perform({**action, "path": "echo"}, step)["json"]
        assert (sent["path"], sent["headers"]["authorization"]) == ("/v1/echo", expected)
        step = a_step(connections={"api": {"url": server, **credentials}})
        sent = perform({**action, "path": f"to?{another_server}/echo"}, step)["json"]
        assert "authorization" not in sent["headers"]


def test_credentials_are_not_sent_without_tls(a_step: Builder) -> None:
    step = a_step(connections={"api": {"url": "http://example.org", "token": "hunter2"}})
    with pytest.raises(ActionFailed) as raised:
        perform({"connection": "api"}, step)
    assert raised.value.description == (
        "http://example.org has no TLS, so credentials are not sent there; use https"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_refused_unless_declared(a_step: Builder, server: str, host: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"url": f"http://{host}:{server.rpartition(':')[2]}/echo"}, a_step())
    assert (raised.value.code, raised.value.retryable) == ("private-address", False)
    assert "declare privateAddresses: true if it is meant" in raised.value.description


def test_the_address_that_was_checked_is_the_one_that_is_used(
    a_step: Builder, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the name had been public when it was asked for; a second look-up would find nothing.
    monkeypatch.setattr(http_action, "public_addresses", lambda _host, _port: ["127.0.0.1"])
    port = server.rpartition(":")[2]
    outputs = perform({"url": f"http://rebinding.invalid:{port}/echo"}, a_step())
    assert outputs["json"]["headers"]["host"] == f"rebinding.invalid:{port}"


def test_a_certificate_nobody_vouches_for_is_refused(
    a_step: Builder, tls_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ActionFailed) as raised:
        send(a_step(), f"{tls_server}/echo")
    assert (raised.value.code, raised.value.retryable) == ("certificate", False)
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    assert send(a_step(), f"{tls_server}/echo")["status"] == 200


def test_a_redirect_never_leads_from_tls_to_plain_text(
    a_step: Builder, tls_server: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    with pytest.raises(ActionFailed, match="a redirect leads from https to http://"):
        send(a_step(), f"{tls_server}/to?{server}/echo", redirects=True)


def test_a_large_answer_is_not_kept(a_step: Builder, server: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        send(a_step(), f"{server}/large", maxBody="10KiB")
    assert raised.value.description == f"{server}/large: the answer is larger than 10KiB, the step's maxBody"


@pytest.mark.parametrize(
    ("path", "code"), [("/cut", "connection"), ("/silent", "timeout"), ("/wrong", "answer")]
)
def test_a_broken_answer_may_be_better_next_time(
    a_step: Builder, server: str, monkeypatch: pytest.MonkeyPatch, path: str, code: str
) -> None:
    monkeypatch.setattr(http_action, "SILENCE_TIMEOUT_S", 0.2)
    with pytest.raises(ActionFailed) as raised:
        send(a_step(), server + path)
    assert (raised.value.code, raised.value.retryable) == (code, True)


def test_nobody_listening_and_no_such_host_are_told(a_step: Builder) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/", "http://nobody.invalid/"):
            with pytest.raises(ActionFailed) as raised:
                send(a_step(), url)
            assert (raised.value.code, raised.value.retryable) == ("connection", True)
            assert raised.value.description.startswith(url)


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("ftp://example.org/x", "ftp://example.org/x is not a URL like https://example.org/path"),
        ("example.org", "example.org is not a URL like https://example.org/path"),
        (
            "https://u:hunter2@example.org/",
            "https://example.org/: credentials belong into an Authorization, not the URL",
        ),
    ],
)
def test_a_url_that_cannot_be_used_says_why(a_step: Builder, url: str, description: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"url": url}, a_step())
    assert raised.value.description == description


def test_a_path_may_not_leave_its_connection(a_step: Builder) -> None:
    step = a_step(connections={"api": {"url": "https://example.org"}})
    for path in ("https://evil.example/x", "//evil.example/x"):
        with pytest.raises(ActionFailed, match="it may not leave the connection"):
            perform({"connection": "api", "path": path}, step)
