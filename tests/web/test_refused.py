"""What is not taken is answered and counted, for the job whose hook it is; a flood of it fills nothing."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from installations import NOW, Installation, an_object
from listening import PATIENCE_S, Answer, Listening
from triggered_lives import a_triggered_job

from runner.access.signature import signature
from runner.store.refusals import RefusalRecord
from runner.web import refused
from runner.web.known_hooks import KnownHooks
from runner.web.refused import ELSEWHERE, RefusedRequests

SECRET = "a secret of the shop, long enough"


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    here = Installation(tmp_path_factory.mktemp("refused") / ".runner" / "runner.db")
    place = Path(here.state.parent / "shop.secret")
    place.write_text(SECRET)
    place.chmod(0o600)
    shop = {"config": {"secret": {"from": {"file": "shop.secret"}}}}
    gone = {"config": {"secret": {"from": {"file": "gone.secret"}}}}
    hook = {"secret": {"authorization": "shop", "key": "secret"}}
    inputs = {"n": {"type": "integer"}}
    here.install(
        an_object("Authorization", "shop", shop),
        an_object("Authorization", "gone", gone),
        a_triggered_job("take", {"webhook": {**hook, "path": "orders", "maxBody": "1KiB"}}, inputs=inputs),
        a_triggered_job(
            "blind", {"webhook": {"path": "blind", "secret": {"authorization": "gone", "key": "secret"}}}
        ),
    )
    listening = Listening(here, patience_s=2.0)
    yield listening
    listening.end()
    here.store.close()


def ask(hooked: Listening, body: bytes, path: str = "orders", **more: Any) -> Answer:
    id, stamp = f"m_{secrets.token_hex(6)}", int(time.time()) + more.pop("away_s", 0)
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(more.pop("secret", SECRET), id, stamp, body),
        **more,
    }
    return hooked.ask(f"/hooks/{path}", body, headers=headers)


def slowly(hooked: Listening) -> Answer:
    """Its body never arrives."""
    connection = http.client.HTTPConnection("127.0.0.1", hooked.port, timeout=PATIENCE_S)
    connection.putrequest("POST", "/hooks/orders")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "50")
    connection.endheaders()
    response = connection.getresponse()
    answer = Answer(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return answer


CASES: dict[str, tuple[int, Callable[[Listening], Answer]]] = {
    "bad-signature": (401, lambda hooked: ask(hooked, b"{}", secret="the secret of somebody else")),
    "unsigned": (401, lambda hooked: hooked.ask("/hooks/orders", {"n": 1})),
    "bad-time": (401, lambda hooked: ask(hooked, b"{}", away_s=-3600)),
    "bad-payload": (422, lambda hooked: ask(hooked, b'{"n": "x"}')),
    "not-json": (400, lambda hooked: ask(hooked, b"{n")),
    "too-large": (413, lambda hooked: ask(hooked, json.dumps({"n": " " * 2000}).encode())),
    "too-slow": (408, slowly),
    "wrong-host": (421, lambda hooked: ask(hooked, b"{}", Host="elsewhere.example")),
    "no-secret": (503, lambda hooked: ask(hooked, b"{}", path="blind")),
    "unknown-hook": (404, lambda hooked: ask(hooked, b"{}", path="nowhere/at/all")),
}


def recorded(hooked: Listening, rule: str) -> RefusalRecord:
    patience = time.monotonic() + PATIENCE_S
    while time.monotonic() < patience:
        with hooked.here.store.read() as reader:
            for each in reader.refusals.all():
                if each.rule == rule:
                    return each
    raise AssertionError(f"nothing was recorded of {rule}")


def test_each_is_answered_as_a_problem_and_recorded_with_its_hook(hooked: Listening) -> None:
    for rule, (status, asked) in CASES.items():
        answer = asked(hooked)
        assert (answer.status, answer.kind) == (status, rule)
    jobs = {"no-secret": ("blind", "blind"), "unknown-hook": ("", "nowhere/at/all")}
    with hooked.here.store.read() as reader:
        names = {record.uid: record.name for record in reader.objects.all() if record.kind == "Job"}
    for rule in CASES:
        found = recorded(hooked, rule)
        job, path = jobs.get(rule, ("take", "orders"))
        assert (names.get(found.job_uid, ""), found.path) == (job, path), rule
        assert found.count >= 1
        assert SECRET not in found.detail


def test_what_is_missing_here_is_told_to_the_house_alone(hooked: Listening) -> None:
    answer = ask(hooked, b"{}", path="blind")
    assert "gone" not in answer.body.decode()
    assert "gone.secret" in recorded(hooked, "no-secret").detail


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[RefusedRequests]:
    here = Installation(tmp_path / ".runner" / "runner.db")
    ticks = iter(range(1_000_000))
    yield RefusedRequests(here.store, KnownHooks(), lambda: NOW + timedelta(seconds=next(ticks)))
    here.store.close()


def rows(counting: RefusedRequests) -> list[tuple[str, str, int, str]]:
    with counting._store.read() as reader:
        return sorted((each.path, each.rule, each.count, each.detail) for each in reader.refusals.all())


def test_a_flood_is_one_row_for_each_reason(
    counting: RefusedRequests, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(5000):
        counting.note(f"guess/{n}", "unknown-hook", f"there is no hook {n}")
        counting.note("orders", "bad-signature", f"no signature fits {n}")
    assert len(counting._counted) == refused.MOST + 1
    counting.finish()
    assert [row[1:] for row in rows(counting)] == [
        ("bad-signature", 5000, "no signature fits 4999"),
        ("unknown-hook", 5000, "there is no hook 4999"),
    ]
    said = capsys.readouterr().err.splitlines()
    assert len(said) <= refused.MOST + 1


def test_the_same_reason_is_said_in_the_log_once_an_hour(
    counting: RefusedRequests, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in (1, 2):
        counting.note("orders", "bad-signature", f"no signature fits {n}")
        counting.finish()
    assert (
        capsys.readouterr().err == "refused a request to /hooks/orders (bad-signature): no signature fits 1\n"
    )
    assert rows(counting) == [("orders", "bad-signature", 2, "no signature fits 2")]


def test_nothing_in_a_path_steers_a_terminal(counting: RefusedRequests) -> None:
    counting.note("\x1b[2J" + "x" * 500, "unknown-hook", "there is no such hook\x1b[0m")
    counting.finish()
    [(path, _, _, detail)] = rows(counting)
    assert "\x1b" not in path + detail
    assert len(path) == refused.LONGEST_PATH
    assert path != ELSEWHERE
