"""How long may a client take to say what it wants, and how is it told that nobody understands it?

uvicorn itself waits for ever for the first line, and takes any number of connections.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from runner.web.problems import HEADERS, MEDIA_TYPE, encoded, problem

PATIENCE_S = 15.0
"""For the headers of a request from its first byte, or from the connection; and then for its body."""


MOST_WAITING = 500
"""Connections without a request; the one that has waited longest makes room for another, once it had time to
say something: of a thousand that come together all are taken before one of them is read.
"""

TIME_TO_SPEAK_S = 2.0

MOST_TOGETHER = 4000
"""Connections without a request, however short they have been there; fewer when fewer files may be open."""


class Patient(H11Protocol):
    """Closes a connection whose request does not begin within `headers_s`."""

    headers_s = PATIENCE_S
    most_together: ClassVar[int] = MOST_TOGETHER
    waiting: ClassVar[dict[Patient, float]] = {}
    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()
        if len(self.waiting) > MOST_WAITING:
            longest, since = next(iter(self.waiting.items()))
            if len(self.waiting) > self.most_together or self.loop.time() >= since + TIME_TO_SPEAK_S:
                longest._too_slow()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, told as every other problem is."""
        body = encoded(problem("no-http", "Bad Request", 400, msg.rstrip(".")))
        headers = [
            *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._under_way():
            self._wait()
        super().data_received(data)
        if self._under_way():
            self._go_on()

    def _under_way(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._hurry is None:
            self._hurry = self.loop.call_later(self.headers_s, self._too_slow)
            self.waiting[self] = self.loop.time()

    def _go_on(self) -> None:
        self.waiting.pop(self, None)
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _too_slow(self) -> None:
        self._go_on()
        if not self._under_way() and not self.transport.is_closing():
            self.transport.close()
