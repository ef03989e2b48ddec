"""What may have signed a request? The secrets of a hook, read where they are kept; never told to who asks."""

from __future__ import annotations

from pathlib import Path

from runner.access.signature import Secret
from runner.credentials.authorization import CredentialMissing, resolve_authorization
from runner.operations.request_refused import NoSecret
from runner.schedules.trigger import HookSource
from runner.store.port import Reader
from runner.vocabulary.identity import Address

SHORTEST_SECRET = 16
"""Characters; Standard Webhooks asks for 24 bytes."""


def secret_of(reader: Reader, name: str, key: str, project: Path) -> Secret:
    """The secret of that Authorization; NoSecret says what is missing."""
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


def secrets_of(reader: Reader, source: HookSource, project: Path) -> tuple[Secret, ...]:
    """All that are there; one that cannot be found does not keep another from counting. NoSecret: none is."""
    secrets: list[Secret] = []
    missing = NoSecret("no secret is declared")
    for name, key in source.secrets:
        try:
            secrets.append(secret_of(reader, name, key, project))
        except NoSecret as problem:
            missing = problem
    if not secrets:
        raise missing
    return tuple(secrets)
