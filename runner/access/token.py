"""Is this text a token, and whose? A token is shown once; what is kept of it is a hash.

`jrunner_` + 10 letters that name it + 43 secret letters (256 bits) + 6 letters of checksum: a pattern that
secret scanners can look for, and tell from chance: `jrunner_[0-9A-Za-z]{59}`.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor

PREFIX = "jrunner_"
RANDOM_BYTES = 8 + 33
"""Of chance, for `token_of`."""

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECK = 10, 43, 6
_LENGTH = len(PREFIX) + _ID + _SECRET + _CHECK
_NO_HASH = "0" * 64
"""Compared with when there is no such token, so that its absence takes as long as a wrong secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as somebody presents it: which one it says it is, and the hash of all of it."""

    id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a token: whose, as what, and whether it still counts."""

    name: str
    role: str
    hash: str
    expires_at: datetime | None
    revoked: bool


def token_of(chance: bytes) -> str:
    """A new token from `RANDOM_BYTES` bytes of chance."""
    body = _letters(chance[:8], _ID) + _letters(chance[8:], _SECRET)
    return PREFIX + body + _checksum(body)


def read_token(text: str) -> Token | None:
    """The token, or None for what cannot be one (a wrong copy, or something else altogether)."""
    body, check = text[len(PREFIX) : -_CHECK], text[-_CHECK:]
    shaped = len(text) == _LENGTH and text.startswith(PREFIX) and all(each in _LETTERS for each in body)
    if not shaped or check != _checksum(body):
        return None
    return Token(body[:_ID], hashlib.sha256(text.encode()).hexdigest())


def decide_token(token: Token | None, kept: Kept | None, now: datetime) -> Actor | str:
    """Who presents it, or why it does not count; every secret is compared in the same time."""
    same = hmac.compare_digest(token.hash if token else "", kept.hash if kept else _NO_HASH)
    if token is None or kept is None or not same:
        return "the token is not known here"
    if kept.revoked:
        return f"the token {kept.name} has been revoked"
    if kept.expires_at is not None and kept.expires_at <= now:
        return f"the token {kept.name} has expired"
    return Actor(f"token:{kept.name}", role=kept.role)


def _checksum(body: str) -> str:
    return _letters(zlib.crc32(body.encode()).to_bytes(4, "big"), _CHECK)


def _letters(data: bytes, length: int) -> str:
    number, letters = int.from_bytes(data, "big"), ""
    for _ in range(length):
        number, digit = divmod(number, len(_LETTERS))
        letters += _LETTERS[digit]
    return letters
