"""What do supervisor, zygote and child say to each other?

Supervisor and zygote trust each other: fixed records over a socket of packets. The child is not trusted:
one JSON line per message over a stream of its own, every line checked, size and rate limited.
Lean, because the zygote imports it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

CONTROL = 3
"""The child's end of its private stream; never inherited by what it starts."""

# Supervisor -> zygote.
REQUEST = struct.Struct("=cQ")
START, TERMINATE, KILL = b"S", b"T", b"K"
AHEAD = b"W"  # as START, and nobody waits: the child may get ready at its leisure
# For an instance with a step that is not to be interrupted: TERM to its first process alone, which waits
# for the end of such a step; and TERM that does not wait.
ASK, INSIST = b"A", b"I"
# For code that makes checkpoints: it is to end at the next one; nothing but its sleep is interrupted.
HINT = b"H"

# Zygote -> supervisor: kind, token, wait status (or errno), CPU time in µs, peak memory in KiB.
REPLY = struct.Struct("=cQiQQ")
ENDED, NOT_STARTED = b"E", b"F"
LEFT = b"L"  # before ENDED, with a pid: a process of it was killed and cannot end

MAX_LINE = 1 << 20  # bytes: the outputs of a step, with room
MAX_OUTPUTS = 256 << 10  # bytes of JSON
MAX_RECORD = 16 << 20  # bytes: state, info and persistent state at their limits, each escaped as JSON text
_BURST = 5_000  # messages at once; above that the child floods
_RATE = 500  # messages a second that it may go on with
_COST_PER_BYTE = 1 / 2048  # so that the burst is also about 10 MiB


class ProtocolError(Exception):
    """The child did not keep to the protocol; its instance fails, and no other."""


class Reply(NamedTuple):
    """What the zygote found out about one child."""

    kind: bytes
    token: int
    status: int
    cpu_us: int
    max_rss_kib: int


# Made once: json.dumps would make an encoder for every message, and json.loads asks for its encoding. In a
# freshly forked child every function less is a copied page less.
_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
try:
    # As JSONEncoder.iterencode makes it for every message. Without markers a circle is a RecursionError.
    _chunks = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
        None, _encoder.default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
    )
except (AttributeError, TypeError):  # an interpreter without the accelerator
    _encoded: Callable[[dict[str, Any]], str] = _encoder.encode
else:

    def _encoded(message: dict[str, Any]) -> str:
        return "".join(_chunks(message, 0))


_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def encode(message: dict[str, Any]) -> bytes:
    """One message as a line; ValueError (NaN), TypeError or RecursionError for what JSON cannot say."""
    return _encoded(message).encode() + b"\n"


def decode(line: bytes) -> Any:
    """The JSON value of one line; ValueError when it is none."""
    text = line.decode()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("there is no value in the line") from None
    if end != len(text) and text[end:] != "\n":
        raise ValueError("there is more than one value in the line")
    return value


_BEGINNING = 32  # bytes in which a message has said of what kind it is
_MAY_BE_LONG = ("checkpoint", "complete", "info")
_LONG_ONES = tuple(b'{"m":"%s"' % kind.encode() for kind in _MAY_BE_LONG)


_ANSWERED = ("checkpoint", "take")


class Lines:
    """Cuts what one child sends into messages, and refuses a child that floods."""

    __slots__ = ("_length", "_rest", "_spent", "_then")

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._length = 0
        self._spent = 0.0
        self._then: float | None = None

    def feed(self, part: bytes, now: float) -> list[dict[str, Any]]:
        """The messages that `part` completes; ProtocolError when one is none, or there are too many."""
        if not self._rest and part.count(b"\n") == 1 and part.endswith(b"\n"):
            lines = [part]
        else:
            lines = self._completed(part)
            if self._length > MAX_LINE:
                self._refuse_long()
        messages = [_message(line) for line in lines]
        cost = 0.0
        for line, message in zip(lines, messages, strict=True):
            if message["m"] not in _ANSWERED:  # the next one is only read when this one is acknowledged
                cost += 1 + len(line) * _COST_PER_BYTE
        if cost:
            self._spend(cost, now)
        return messages

    def _refuse_long(self) -> None:
        if not self._rest[0].startswith(_LONG_ONES) or self._length > MAX_RECORD:
            limit = MAX_RECORD if self._rest[0].startswith(_LONG_ONES) else MAX_LINE
            raise ProtocolError(f"a message is longer than {limit} bytes")

    def _completed(self, part: bytes) -> list[bytes]:
        """The lines that end in `part`; what begins in it is kept, and copied only once."""
        first, *others = part.split(b"\n")
        if not others:
            if self._length < _BEGINNING:
                self._rest = [b"".join((*self._rest, part))]
            else:
                self._rest.append(part)
            self._length += len(part)
            return []
        self._rest.append(first)
        lines = [b"".join(self._rest), *others]
        rest = lines.pop()
        self._rest = [rest] if rest else []
        self._length = len(rest)
        return lines

    def _spend(self, cost: float, now: float) -> None:
        if self._then is not None:
            self._spent = max(0.0, self._spent - (now - self._then) * _RATE)
        self._then = now
        self._spent += cost
        if self._spent > _BURST:
            raise ProtocolError("it floods its control stream")


_FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "began": {"pid": int},
    "start": {"n": int, "step": str, "at": float},
    "skip": {"n": int, "step": str, "at": float},
    "complete": {"n": int, "step": str, "at": float, "outputs": dict},
    "fail": {"n": int, "step": str, "at": float, "error": dict},
    "raised": {"severity": str, "code": str, "description": str, "info": dict},
    "progress": {"text": str},
    "notify": {"level": str, "topic": str, "message": str},
    "info": {"info": str},
    "performing": {"step": str, "is_class": bool},
    # `record` is what the SDK's port calls a checkpoint or a sleep (runner/sdk/port.py); `n` is acknowledged.
    "checkpoint": {"n": int, "step": str, "record": dict},
    "take": {"n": int, "step": str, "most": int},
    "end": {"outcome": str, "outputs": dict},
}


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = decode(line)
        fields = _FIELDS[message["m"]]
        for name, kind in fields.items():
            if not isinstance(message[name], kind):
                raise TypeError(name)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProtocolError("it sent something that is no message on its control stream") from None
    if len(line) > MAX_LINE and message["m"] not in _MAY_BE_LONG:
        raise ProtocolError(f"a message is longer than {MAX_LINE} bytes")
    if "at" in fields and not 0 < message["at"] < 2**33:
        raise ProtocolError("it sent a time that cannot be")
    return dict(message)
