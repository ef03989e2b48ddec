"""Somebody says that a repository has changed: is the hint signed, so that its remote is asked at once?

A hint carries nothing: what is applied is decided by what the remote then has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from runner.access.signature import GITHUB, STANDARD, Unsigned, check_signature
from runner.operations.declared_sources import declared_sources
from runner.operations.hook_secrets import secret_of
from runner.operations.request_refused import RequestRefused
from runner.store.port import Reader

TOLERANCE = timedelta(minutes=5)
"""As Standard Webhooks recommends."""


def check_hint(
    reader: Reader, name: str, headers: Mapping[str, str], body: bytes, *, project: Path, now: datetime
) -> None:
    """Nothing, or RequestRefused. Signed as GitHub (and Gitea) do, or as Standard Webhooks says."""
    found, _ = declared_sources(reader)
    source = found.get(name)
    if source is None or source.webhook is None:
        raise RequestRefused("unknown-hook", 404, "there is no such hook")
    kind = GITHUB if "x-hub-signature-256" in headers else STANDARD
    secret = secret_of(reader, source.webhook.authorization, source.webhook.key, project)
    signed = check_signature(kind, headers, body, [secret], now=now, tolerance=TOLERANCE)
    if isinstance(signed, Unsigned):
        raise RequestRefused(signed.rule, 401, signed.reason)
