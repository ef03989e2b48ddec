"""Is a request signed by somebody who knows the secret, just now? By Standard Webhooks, or as GitHub does."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

ENCODED = "whsec_"
"""How Standard Webhooks marks a secret in base64."""

STANDARD, GITHUB = "standard", "github"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,199}")
_OF_A_BODY = re.compile(r"[0-9a-f]{64}")
_MOST_SIGNATURES = 20


class Secret(NamedTuple):
    """A secret and what it is called; the name is told, the text never."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"Secret({self.name!r}, …)"


class Signed(NamedTuple):
    """Who signed it, and the identity of the message: the same message again has the same."""

    name: str
    id: str
    at: datetime | None


class Unsigned(NamedTuple):
    """Why it does not count. `rule` is one word; nothing in it comes from the secret."""

    rule: str
    reason: str


def check_signature(
    kind: str,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[Secret],
    *,
    now: datetime,
    tolerance: timedelta,
) -> Signed | Unsigned:
    """Whether one of the secrets signed the body; `headers` have lower-case names, each given once."""
    if kind == GITHUB:
        return _github(headers, body, secrets)
    return _standard(headers, body, secrets, now, tolerance)


def holds_for_ever(id: str) -> bool:
    """Whether what was signed under that identity has no time in it: it can be sent again at any time.

    A sender may number messages alike that have one; they are taken for such.
    """
    return _OF_A_BODY.fullmatch(id) is not None


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 over id, time and body, in base64."""
    signed = b"%s.%d.%s" % (id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _standard(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[Secret],
    now: datetime,
    tolerance: timedelta,
) -> Signed | Unsigned:
    id, stamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not id or not stamp or not given:
        needed = "the headers webhook-id, webhook-timestamp and webhook-signature are needed"
        return Unsigned("unsigned", needed)
    if not _ID.fullmatch(id):
        return Unsigned("bad-id", "webhook-id is 1 to 200 letters, digits and . _ : / + = -")
    if not re.fullmatch(r"[0-9]{1,12}", stamp):
        return Unsigned("bad-timestamp", "webhook-timestamp is the time in seconds since 1970")
    signatures = given.split(" ")[:_MOST_SIGNATURES]
    name = _signer(secrets, signatures, lambda secret: signature(secret, id, int(stamp), body))
    if name is None:
        reason = "no signature in webhook-signature fits the body, its id and its time"
        return Unsigned("bad-signature", reason)
    away_s = now.timestamp() - int(stamp)
    if abs(away_s) > tolerance.total_seconds():
        word = "old" if away_s > 0 else "in the future"
        allowed = f"{tolerance.total_seconds():.0f} s are allowed; sign each try with the time of the try"
        return Unsigned("bad-time", f"webhook-timestamp is {abs(away_s):.0f} s {word}, and {allowed}")
    return Signed(name, id, datetime.fromtimestamp(int(stamp), now.tzinfo))


def _github(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret]) -> Signed | Unsigned:
    """GitHub signs the body alone, so the identity is made of it: a delivery with another id is no other."""
    given = headers.get("x-hub-signature-256", "")
    if not given:
        return Unsigned("unsigned", "the header X-Hub-Signature-256 is needed")

    def made(secret: str) -> str:
        return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

    name = _signer(secrets, [given], made)
    if name is None:
        return Unsigned("bad-signature", "X-Hub-Signature-256 does not fit the body")
    return Signed(name, hashlib.sha256(body).hexdigest(), None)


def _signer(secrets: Sequence[Secret], given: Sequence[str], made: Callable[[str], str]) -> str | None:
    """The name of the secret that one of the signatures was made with; all are compared, in constant time."""
    found = None
    for secret in secrets:
        expected = made(secret.text).encode()
        for each in given:
            if hmac.compare_digest(expected, each.encode("utf-8", "replace")) and found is None:
                found = secret.name
    return found


def _key(secret: str) -> bytes:
    if secret.startswith(ENCODED):
        try:
            return base64.b64decode(secret.removeprefix(ENCODED), validate=True)
        except binascii.Error:
            pass  # then it is meant as it stands
    return secret.encode()
