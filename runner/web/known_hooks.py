"""Which paths are installed now? Read anew when something was applied, and not for each request."""

from __future__ import annotations

import threading

from runner.operations.receive_webhook import Hooks, hooks_of
from runner.store.port import Reader


class KnownHooks:
    """Asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._serial: int | None = None
        self._hooks: Hooks = {}

    def all(self, reader: Reader) -> Hooks:
        """As of the last apply."""
        serial = reader.serial()
        with self._lock:
            if serial != self._serial:
                self._hooks = hooks_of(reader)
                self._serial = serial
            return self._hooks

    def owners(self, reader: Reader, path: str) -> tuple[tuple[str, str], ...]:
        """Whose path it is."""
        return self.all(reader).get(path, ())
