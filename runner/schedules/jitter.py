"""Jitter: a delay that spreads starts, the same for one job on one installation (R12)."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

_WIDTH_BITS = 64


def jitter_for(job_uid: str, installation_id: str, jitter: timedelta) -> timedelta:
    """A delay in `[0, jitter)`, stable for a job and an installation; the nominal slot stays the identity.

    Never added to manual, retry or catch-up starts: that is the caller's to know.
    """
    if jitter <= timedelta(0):
        return timedelta(0)
    digest = blake2b(f"{installation_id}\0{job_uid}".encode(), digest_size=_WIDTH_BITS // 8).digest()
    milliseconds = jitter // timedelta(milliseconds=1)
    return timedelta(milliseconds=int.from_bytes(digest) * milliseconds >> _WIDTH_BITS)
