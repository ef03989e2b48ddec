"""What doctor says of the listener and of its tokens."""

from __future__ import annotations

import http.server
import secrets
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from external_lives import an_external_job
from installations import ANA, NOW, Installation, an_object

from runner.operations.examine_listener import SOON, examine_listener
from runner.operations.finding import Finding
from runner.operations.tokens import create_token, revoke_token
from runner.vocabulary.instants import to_the_second

WEB = {"bind": "127.0.0.1", "port": 0, "hosts": [], "origins": [], "baseUrl": None}


def found(here: Installation, *, lives: bool = True) -> list[Finding]:
    with here.store.read() as reader:
        return examine_listener(reader, daemon_lives=lives, now=NOW)


def listens(here: Installation, **web: Any) -> None:
    here.install(an_object("Runner", "runner", {"web": {**WEB, **web}}))


def a_token(here: Installation, name: str, **left: Any) -> None:
    ends = NOW + timedelta(**left) if left else None
    here.store.transact(
        lambda tx: create_token(
            tx, name, "reporter", expires_at=ends, actor=ANA, reason="", now=NOW, chance=secrets.token_bytes
        )
    )


class Answers(http.server.BaseHTTPRequestHandler):
    """As the listener of the runner does, or as something else."""

    challenge = 'Bearer realm="jobs-runner"'

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", self.challenge)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class AnswersOtherwise(Answers):
    challenge = 'Basic realm="router"'


@pytest.fixture(params=[Answers])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), request.param)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_without_a_listener_nothing_is_missing_unless_a_job_needs_one(here: Installation) -> None:
    assert found(here) == [Finding("listener", "ok", "none is declared (spec.web of the Runner)")]
    here.install(an_external_job(webhook=None))
    assert found(here) == [
        Finding(
            "listener", "error", "none is declared, so invoices cannot start",
            "add `web: {}` to the spec of the Runner",
        )
    ]  # fmt: skip


def test_it_says_where_it_listens(here: Installation, port: int) -> None:
    listens(here, port=port)
    assert found(here)[0] == Finding("listener", "ok", f"http://127.0.0.1:{port}, for this machine only")


def test_on_all_addresses_it_says_that_others_reach_it_without_tls(here: Installation, port: int) -> None:
    listens(here, port=port, bind="0.0.0.0", hosts=["runner.example"])
    assert found(here)[0].text == (
        f"http://0.0.0.0:{port}, reachable from other machines as runner.example; it speaks no TLS, so a "
        "proxy has to"
    )


@pytest.mark.parametrize("port", [AnswersOtherwise], indirect=True)
def test_another_program_on_its_port_is_an_error(here: Installation, port: int) -> None:
    listens(here, port=port)
    assert found(here)[0] == Finding(
        "listener", "error", f"another program answers on 127.0.0.1:{port}",
        "end that program, or declare another spec.web.port",
    )  # fmt: skip


def test_nobody_there_is_an_error_when_a_daemon_runs_and_a_warning_when_none_does(here: Installation) -> None:
    listens(here, port=1)
    assert (found(here)[0].verdict, found(here)[0].text) == (
        "error",
        "nothing answers on 127.0.0.1:1, although it is declared and the daemon runs",
    )
    assert found(here, lives=False)[0] == Finding(
        "listener", "warning", "not listening on 127.0.0.1:1: no daemon runs", "run `runner up`"
    )


def test_tokens_that_have_ended_or_end_soon_are_named_with_what_to_do(here: Installation) -> None:
    listens(here)
    for name, left in (("old", {"hours": -1}), ("soon", {"days": 3}), ("later", {"days": 100})):
        a_token(here, name, **left)
    a_token(here, "gone", hours=-1)
    here.store.transact(lambda tx: revoke_token(tx, "gone", actor=ANA, reason="", now=NOW))
    told = [(f.verdict, f.text) for f in found(here) if f.topic == "tokens"]
    assert told == [
        ("warning", f"old (reporter) has expired at {to_the_second(NOW - timedelta(hours=1))}"),
        ("warning", f"soon (reporter) expires in 3d, at {to_the_second(NOW + timedelta(days=3))}"),
        ("ok", "1 in use"),
    ]
    assert found(here)[1].advice == (
        "runner token revoke old, then runner token create old --role reporter; "
        "or revoke it, when nobody uses it"
    )


def test_many_tokens_are_counted(here: Installation) -> None:
    listens(here)
    for n in range(8):
        a_token(here, f"t{n}", seconds=(SOON / 2).total_seconds())
    assert found(here)[-1].text == "and 3 more that have expired or expire within 14d"


def test_an_external_job_without_any_token_is_told(here: Installation) -> None:
    listens(here)
    here.install(an_external_job(webhook=None))
    assert found(here)[-1] == Finding(
        "tokens", "warning", "there is none, so no system can report on invoices",
        "runner token create NAME --role reporter",
    )  # fmt: skip
