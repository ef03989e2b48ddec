"""Somebody says that a repository has changed: is the hint signed, so that its remote is asked at once?

A hint carries nothing: what is applied is decided by what the remote then has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from runner.access.signature import GITHUB, STANDARD, Secret, Unsigned, check_signature
from runner.credentials.authorization import CredentialMissing, resolve_authorization
from runner.operations.declared_sources import declared_sources
from runner.operations.receive_webhook import SHORTEST_SECRET, NoSecret, RequestRefused
from runner.sources.settings import Webhook
from runner.store.port import Reader
from runner.vocabulary.identity import Address

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
    secret = _secret(reader, source.webhook, project)
    signed = check_signature(kind, headers, body, [secret], now=now, tolerance=TOLERANCE)
    if isinstance(signed, Unsigned):
        raise RequestRefused(signed.rule, 401, signed.reason)


def _secret(reader: Reader, webhook: Webhook, project: Path) -> Secret:
    name, key = webhook.authorization, webhook.key
    record = reader.objects.get(Address("Authorization", name))
    if record is None:
        raise NoSecret(f"Authorization/{name} is not installed")
    try:
        text = resolve_authorization(record.resolved, name=name, base=project).get(key, "")
    except CredentialMissing as problem:
        raise NoSecret(str(problem)) from None
    if len(text) < SHORTEST_SECRET:
        raise NoSecret(f"Authorization/{name}, key {key}: a secret has {SHORTEST_SECRET} characters at least")
    return Secret(f"{name}/{key}", text)
