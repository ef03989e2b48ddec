"""A host of repositories says that one has changed, and the daemon is told to ask."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
from collections.abc import Iterator

import pytest
from installations import Installation, an_object
from listening import Answer, Listening

from runner.access.signature import signature
from runner.operations.wake import SOCKET

SECRET = "a-secret-of-thirty-two-characters"
BODY = json.dumps({"ref": "refs/heads/main"}).encode()
SOURCE = {
    "git": {
        "url": "https://git.example/x.git", "ref": {"branch": "main"}, "path": "jobs.d", "interval": "60s",
        "timeout": "5m", "authorization": None, "verify": None,
        "webhook": {"secret": {"authorization": "hooks", "key": "secret"}},
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def listening(here: Installation) -> Iterator[Listening]:
    os.environ["HOOK_SECRET"] = SECRET
    secret = {"from": {"env": "HOOK_SECRET"}}
    here.install(an_object("Authorization", "hooks", {"config": {"secret": secret}}))
    quiet = {**SOURCE["git"], "webhook": None}
    sources = {"team": SOURCE, "quiet": {"git": quiet}}
    here.install(an_object("Runner", "runner", {"sources": sources}))
    found = Listening(here)
    del os.environ["HOOK_SECRET"]
    yield found
    found.end()


@pytest.fixture
def door(here: Installation) -> Iterator[socket.socket]:
    """Where the daemon would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listening:
        folder = os.open(here.state, os.O_PATH)
        listening.bind(f"/proc/self/fd/{folder}/{SOCKET}")
        os.close(folder)
        yield listening
    (here.state / SOCKET).unlink()


def as_github(listening: Listening, name: str, *, secret: str = SECRET) -> Answer:
    made = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    return listening.ask(f"/hooks/_sources/{name}", BODY, headers={"X-Hub-Signature-256": f"sha256={made}"})


def test_a_signed_hint_makes_the_daemon_look(listening: Listening, door: socket.socket) -> None:
    answer = as_github(listening, "team")
    assert (answer.status, answer.json) == (202, {"outcome": "asked"})
    assert door.recv(16) == b"sources"


def test_a_hint_may_be_signed_as_standard_webhooks_are(listening: Listening, here: Installation) -> None:
    import time

    stamp = int(time.time())
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(SECRET, "m1", stamp, BODY),
    }
    assert listening.ask("/hooks/_sources/team", BODY, headers=headers).status == 202
    old = {**headers, "webhook-timestamp": str(stamp - 3600),
           "webhook-signature": signature(SECRET, "m1", stamp - 3600, BODY)}  # fmt: skip
    assert listening.ask("/hooks/_sources/team", BODY, headers=old).kind == "bad-time"


def test_hints_that_nobody_signed_and_for_nothing_are_refused(
    listening: Listening, door: socket.socket
) -> None:
    assert (
        listening.ask("/hooks/_sources/team", BODY).status,
        as_github(listening, "team", secret="x" * 20).status,
    ) == (401, 401)
    for name in ("quiet", "other"):
        assert (as_github(listening, name).status, as_github(listening, name).kind) == (404, "unknown-hook")
    with pytest.raises(BlockingIOError):
        door.recv(16)
