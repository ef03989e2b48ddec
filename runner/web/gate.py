"""May this request pass at all? Its names, its origin, its token and its size, before anything reads it.

No request is anonymous: it has a token, or a signature that its route checks. What it is called by and where
it comes from is for runner/web/names.py; a body is read here, bounded in size and in time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from runner.access.permission import Actor
from runner.vocabulary.errors import NotAllowed, RunnerError
from runner.web.names import Headers, Names, refused
from runner.web.problems import HEADERS, MEDIA_TYPE, encoded, problem, problem_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LARGEST_BODY = 256 * 1024
"""Bytes. A report is far below it."""

SIGNED = "/hooks/"
"""Requests to what lies below it are let through without a token: their signature is checked there."""

LARGEST_SIGNED_BODY = 1 << 20
"""Bytes; each hook says how many of them it takes."""

MOST_AT_ONCE = 100
"""Requests; more are told to come again."""

MOST_SIGNED_AT_ONCE = 50
"""Of these, requests whose body has not arrived: anybody can begin one without a token, and take his time."""

MOST_IN_LINE = 2000
MOST_BYTES_IN_LINE = 32 << 20
"""Requests that have arrived whole and wait until their signature is checked and they are kept. Not all
senders send again, so a burst of them waits for a moment.
"""


class Gate:
    """An ASGI application before the real one. `recognise` tells whose token it is, or raises NotAllowed; a
    whole body has to arrive within `body_s`. `note` hears of each signed request that is refused, wherever.
    """

    def __init__(
        self,
        app: App,
        names: Names,
        recognise: Callable[[str], Actor],
        note: Callable[[str, str, str], None] = lambda path, rule, detail: None,
        *,
        body_s: float,
    ) -> None:
        self._app = app
        self._names = names
        self._recognise = recognise
        self._note = note
        self._body_s = body_s
        self._under_way = self._signed = self._in_line = self._bytes_in_line = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no websockets
            await send({"type": "websocket.close", "code": 1008})
            return
        is_signed = str(scope.get("path", "")).startswith(SIGNED)
        if is_signed:
            send = self._noting(scope, send)
        if self._under_way >= MOST_AT_ONCE:
            await self._busy(send, self._under_way)
            return
        if is_signed:
            await self._take_signed(scope, receive, send)
            return
        self._under_way += 1
        try:
            if (state := await self._examined(scope, send)) is None:
                return
            try:
                state["actor"] = await self._actor(Headers(scope["headers"]))
            except RunnerError as error:
                await answer(send, _unauthorized(error))
                return
            body = await self._body(scope, receive, send, LARGEST_BODY)
            if body is not None:
                state["body"] = body
                await self._app(scope, _replay(body, receive), _with_headers(send))
        finally:
            self._under_way -= 1

    async def _take_signed(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """While its body arrives it has one of few places; then it waits in line with others."""
        if self._signed >= MOST_SIGNED_AT_ONCE:
            await self._busy(send, self._under_way)
            return
        self._under_way += 1
        self._signed += 1
        try:
            if (state := await self._examined(scope, send)) is None:
                return
            body = await self._body(scope, receive, send, LARGEST_SIGNED_BODY)
        finally:
            self._under_way -= 1
            self._signed -= 1
        if body is None:
            return
        if self._in_line >= MOST_IN_LINE or self._bytes_in_line + len(body) > MOST_BYTES_IN_LINE:
            await self._busy(send, self._in_line)
            return
        state["body"] = body
        self._in_line += 1
        self._bytes_in_line += len(body)
        try:
            await self._app(scope, _replay(body, receive), _with_headers(send))
        finally:
            self._in_line -= 1
            self._bytes_in_line -= len(body)

    def _noting(self, scope: MutableMapping[str, Any], send: Send) -> Send:
        """What is answered with a problem is noted with it; `why` in the state is for the house alone."""
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif status >= 400:
                told = json.loads(message.get("body") or b"{}")
                rule = str(told.get("type", "")).rpartition(":")[2]
                why = scope.get("state", {}).get("why") or told.get("detail", "")
                self._note(str(scope["path"]).removeprefix(SIGNED), rule, str(why))
                status = 0
            await send(message)

        return sending

    async def _busy(self, send: Send, under_way: int) -> None:
        detail = f"{under_way} requests are under way; send it again in a moment"
        await answer(send, problem("busy", "Busy", 503, detail), close=True)

    async def _examined(self, scope: MutableMapping[str, Any], send: Send) -> dict[str, Any] | None:
        """The state of the request; None when its headers were refused, and that was answered."""
        headers = Headers(scope["headers"])
        wrong = refused(self._names, scope, headers)
        if wrong is not None:
            await answer(send, wrong)
            return None
        if headers.all(b"transfer-encoding") and headers.all(b"content-length"):
            # Which of them counts, is what a proxy in front of it may see otherwise (request smuggling).
            detail = "a request has a Content-Length or a Transfer-Encoding, and never both"
            await answer(send, problem("two-lengths", "Two lengths", 400, detail), close=True)
            return None
        state: dict[str, Any] = scope.setdefault("state", {})
        return state

    async def _body(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, most: int
    ) -> bytes | None:
        body = await _body(Headers(scope["headers"]), receive, self._body_s, most)
        if isinstance(body, bytes):
            return body
        await answer(send, body, close=True)
        return None

    async def _actor(self, headers: Headers) -> Actor:
        given = headers.all(b"authorization")
        scheme, _, text = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise NotAllowed("no request is anonymous: send the header Authorization: Bearer TOKEN")
        return await asyncio.to_thread(self._recognise, text.strip())


def _unauthorized(error: RunnerError) -> dict[str, Any]:
    if isinstance(error, NotAllowed):
        return problem("unauthorized", "Unauthorized", 401, str(error))
    return problem_of(error)


async def _body(headers: Headers, receive: Receive, body_s: float, most: int) -> bytes | dict[str, Any]:
    """All of it; or the problem with it."""
    too_large = problem("too-large", "Too large", 413, f"a body may have {most} bytes")
    length = headers.one(b"content-length")
    if length.isdecimal() and int(length[:20]) > most:
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(body_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return problem("incomplete", "Incomplete", 400, "the request ended before its body")
                body += message.get("body", b"")
                if len(body) > most:
                    return too_large
                if not message.get("more_body"):
                    break
    except TimeoutError:
        return problem("too-slow", "Too slow", 408, f"the body did not arrive within {body_s:.0f} s")
    if body and headers.one(b"content-type").partition(";")[0].strip().lower() != "application/json":
        return problem("not-json", "Not JSON", 415, "send Content-Type: application/json")
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_ALWAYS]
        await send(message)

    return sending


_ALWAYS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


async def answer(send: Send, found: Mapping[str, Any], *, close: bool = False) -> None:
    """Send a problem; `close` the connection when the rest of the request is not worth reading."""
    body = encoded(found)
    headers = [
        *_ALWAYS,
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    if found["status"] == 503:
        headers.append((b"retry-after", b"1"))
    if found["status"] == 401:
        headers.append((b"www-authenticate", b'Bearer realm="jobs-runner"'))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": found["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body})
