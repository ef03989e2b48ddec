"""How long may a client take to say what it wants? uvicorn itself waits for ever for the first line."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE_S = 15.0
"""For the headers of a request from its first byte, or from the connection; and then for its body."""


class Patient(H11Protocol):
    """Closes a connection whose request does not begin within `headers_s`."""

    headers_s = PATIENCE_S
    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

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

    def _go_on(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _too_slow(self) -> None:
        self._hurry = None
        if not self._under_way() and not self.transport.is_closing():
            self.transport.close()
