"""May this report speak for this attempt? The token of an epoch, which fences what came before it.

It is made from a secret of the database, the instance and the epoch, so it need not be kept, is the same when
a call is made again after a restart, and is known to be of an earlier attempt, and not forged, when it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

_MARK = "e"
LONGEST = 100


def report_token(key: str, instance: int, epoch: int) -> str:
    """`e3.` and 43 letters."""
    code = hmac.new(key.encode(), f"report:{instance}:{epoch}".encode(), hashlib.sha256).digest()
    return f"{_MARK}{epoch}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


def epoch_of(key: str, instance: int, token: str) -> int | None:
    """The epoch of this instance for which the token was made; None when it was made for none."""
    head, _, _ = token[:LONGEST].partition(".")
    number = head.removeprefix(_MARK)
    epoch = int(number) if number.isascii() and number.isdecimal() and len(number) <= 18 else -1
    genuine = hmac.compare_digest(
        report_token(key, instance, epoch).encode(), token.encode("utf-8", "surrogatepass")
    )
    return epoch if genuine and epoch >= 0 else None
