"""Something happened elsewhere: requests that are signed, and start jobs."""

from __future__ import annotations

import sys
import threading
from typing import Any

from fastapi import APIRouter, Request, Response

from runner.operations.receive_webhook import (
    Hooks,
    Message,
    NoSecret,
    Received,
    RequestRefused,
    examine,
    hooks_of,
    receive,
)
from runner.store.port import Reader
from runner.web.problems import MEDIA_TYPE, encoded, problem

PREFIX = "/hooks"
"""Below it no token is asked for: the signature is what counts."""

router = APIRouter(tags=["hooks"])


class KnownHooks:
    """The paths that are installed, read anew when something was applied."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._serial: int | None = None
        self._hooks: Hooks = {}

    def owners(self, reader: Reader, path: str) -> tuple[tuple[str, str], ...]:
        serial = reader.serial()
        with self._lock:
            if serial != self._serial:
                self._hooks = hooks_of(reader)
                self._serial = serial
            return self._hooks.get(path, ())


@router.post("/{path:path}")
def hook(path: str, request: Request) -> Response:
    """202: it is kept, and will start its job; with the item's id, and the instance's when that is there."""
    house, body = request.app.state.house, request.state.body
    known: KnownHooks = request.app.state.hooks
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        with house.store.read() as reader:
            found = examine(
                reader,
                known.owners(reader, path),
                headers,
                body,
                project=house.project,
                now=house.now(),
            )
        received = _taken(house, found) if isinstance(found, Message) else found
    except RequestRefused as refused:
        if isinstance(refused, NoSecret):
            print(f"error: a request to {PREFIX}/{path[:100]!r}: {refused.missing}", file=sys.stderr)
        return refusal(refused)
    return _answer(received)


def _taken(house: Any, message: Message) -> Received:
    received: Received = house.store.transact(lambda tx: receive(tx, message, house.now()))
    house.wake()
    return received


def _answer(received: Received) -> Response:
    found = {
        "outcome": received.outcome,
        "item": received.item,
        "instance": received.instance,
        "reason": received.reason,
    }
    status = 200 if received.outcome == "pong" else 202
    return Response(encoded(found), status, media_type="application/json")


def refusal(refused: RequestRefused) -> Response:
    """The problem, as an answer."""
    more = {"errors": list(refused.problems)} if refused.problems else {}
    title = refused.rule.replace("-", " ").capitalize()
    answer = Response(
        encoded(problem(refused.rule, title, refused.status, str(refused), **more)),
        refused.status,
        media_type=MEDIA_TYPE,
    )
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer
