"""How many requests may wait to be checked? Many that have arrived whole, few that take their time, and
no more bytes than a machine can spare.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from runner.access.permission import Actor
from runner.web import gate
from runner.web.gate import Gate
from runner.web.names import names_of

NAMES = names_of("127.0.0.1", (), (), "http://127.0.0.1:8470")


class Busy:
    """An application that answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.heard = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        self.heard += 1
        await self.let_go.wait()
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def nobody(text: str) -> Actor:
    raise AssertionError("signed requests have no token")


async def answers(count: int, body: bytes, *, arrives: bool = True) -> tuple[list[int], list[str]]:
    """The statuses of so many requests at once, and the rules of those that were refused."""
    app = Busy()
    noted: list[str] = []
    own = Gate(app, NAMES, nobody, lambda path, rule, detail: noted.append(rule), body_s=60.0)
    statuses: list[int] = []

    async def one() -> None:
        scope = {
            "type": "http",
            "path": "/hooks/orders",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        }

        async def receive() -> MutableMapping[str, Any]:
            if not arrives:
                await app.let_go.wait()
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await own(scope, receive, send)

    asked = [asyncio.ensure_future(one()) for _ in range(count)]
    for _ in range(20):
        await asyncio.sleep(0)  # until all have come as far as they can
    refused = len(statuses)
    app.let_go.set()
    await asyncio.gather(*asked)
    assert statuses[:refused] == [503] * refused
    return statuses, noted


def test_whole_requests_wait_in_line_and_beyond_it_are_told_to_come_again() -> None:
    statuses, noted = asyncio.run(answers(gate.MOST_IN_LINE + 10, b"{}"))
    assert (statuses.count(202), statuses.count(503)) == (gate.MOST_IN_LINE, 10)
    assert noted == ["busy"] * 10


def test_those_that_take_their_time_with_the_body_have_few_places() -> None:
    statuses, _ = asyncio.run(answers(gate.MOST_SIGNED_AT_ONCE + 5, b"{}", arrives=False))
    assert (statuses.count(202), statuses.count(503)) == (gate.MOST_SIGNED_AT_ONCE, 5)


def test_large_ones_wait_in_line_as_long_as_there_is_room_for_their_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "MOST_BYTES_IN_LINE", 10_000)
    statuses, _ = asyncio.run(answers(15, b'"' + b"x" * 998 + b'"'))
    assert (statuses.count(202), statuses.count(503)) == (10, 5)
