"""How does the child talk to its supervisor?"""

from __future__ import annotations

from os import read, write
from typing import Any

from runner.execution.child.interruption import INTERRUPTION
from runner.execution.protocol import CONTROL, decode, encode


class Stream:
    """The private descriptor, one JSON line per message, both ways."""

    __slots__ = ("_descriptor", "_held", "_rest")

    def __init__(self, descriptor: int = CONTROL) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self._held = b""

    def receive(self) -> dict[str, Any]:
        """The next message; EOFError when the supervisor is gone."""
        return dict(decode(self.receive_line()))

    def receive_line(self) -> bytes:
        """As `receive`, undecoded."""
        received = self._rest
        while not (end := received.find(b"\n") + 1):
            part = read(self._descriptor, 1 << 14)
            if not part:
                raise EOFError("the supervisor closed the control stream")
            if len(received) > 1 << 16:
                received = self._receive_long(received + part)
            else:
                received = received + part if received else part
        if end == len(received):
            self._rest = b""
            return received
        self._rest = received[end:]
        return received[:end]

    def _receive_long(self, received: bytes) -> bytes:
        """The rest of a line that holds a large state, put together once."""
        parts = [received]
        while b"\n" not in parts[-1]:
            parts.append(read(self._descriptor, 1 << 18))
            if not parts[-1]:
                raise EOFError("the supervisor closed the control stream")
        return b"".join(parts)

    def send(self, message: dict[str, Any]) -> None:
        """Send one message, as soon as there is room."""
        self.send_line(self.line(message))

    def line(self, message: dict[str, Any]) -> bytes:
        """The message as a line; what JSON cannot say in outputs or info is left to text."""
        try:
            return encode(message)
        except (TypeError, ValueError):
            import json

            return encode(json.loads(json.dumps(message, default=str, allow_nan=True), parse_constant=str))

    def hold(self, line: bytes) -> None:
        """Send the finished line together with the next one."""
        self._held += line

    def send_line(self, line: bytes) -> None:
        """Send a finished line, or several."""
        if self._held:
            line, self._held = self._held + line, b""
        sent = write(self._descriptor, line)
        while sent < len(line):
            line = line[sent:]
            sent = write(self._descriptor, line)

    def wait_for(self, number: int) -> None:
        """Wait until the supervisor acknowledged the report with that number; a stop ends the wait."""
        with INTERRUPTION.listening():
            self.wait_until_durable(number)

    def wait_until_durable(self, number: int) -> None:
        """The same, whatever else is asked; a stop may be told with the acknowledgement."""
        self.answer_to(number)

    def answer_to(self, number: int) -> dict[str, Any]:
        """The message that acknowledges the report with that number."""
        while True:
            message = self.receive()
            if "ask" in message:
                INTERRUPTION.note_stop()
            if message.get("ack", -1) >= number:
                return message
