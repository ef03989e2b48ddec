"""Which texts does this Authorization stand for, now?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.credentials.sources import (
    SOURCES,
    Unreadable,
    Warn,
    read_env,
    read_file,
    read_systemd_credential,
)
from runner.vocabulary.errors import RunnerError


class CredentialMissing(RunnerError):
    """A secret is not where its Authorization says; names authorization, key and place, never a value."""

    def __init__(self, authorization: str, key: str, reason: str) -> None:
        self.authorization = authorization
        self.key = key
        self.reason = reason
        super().__init__(f"Authorization {authorization or '?'}, key {key}: {reason}")


def resolve_authorization(
    resolved_spec: Mapping[str, Any],
    *,
    base: Path,
    name: str = "",
    environ: Mapping[str, str] | None = None,
    warn: Warn | None = None,
) -> dict[str, str]:
    """Every key of the Authorization with its text: plain ones as declared, secret ones read now.

    `base` is the folder that relative file names start from; `environ` defaults to this process's
    environment. `warn` is told of a secret file that others may read. Nothing is cached, so a rotated secret
    is used by the next run. CredentialMissing names the first key that has no usable value.
    """
    config = resolved_spec.get("config")
    if not isinstance(config, Mapping):
        raise CredentialMissing(name, "config", "this release reads only Authorizations with spec.config")
    surroundings = os.environ if environ is None else environ

    def tell(text: str) -> None:
        if warn is not None:
            warn(f"Authorization {name or '?'}: {text}")

    resolved: dict[str, str] = {}
    for key, declared in config.items():
        if declared is None:
            continue
        if not isinstance(declared, Mapping):
            resolved[str(key)] = _plain(declared)
            continue
        try:
            resolved[str(key)] = _read(declared, base, surroundings, tell)
        except Unreadable as problem:
            raise CredentialMissing(name, str(key), str(problem)) from None
    return resolved


def _plain(declared: object) -> str:
    if isinstance(declared, bool):
        return "true" if declared else "false"
    return str(declared)


def _read(declared: Mapping[str, Any], base: Path, environ: Mapping[str, str], warn: Warn) -> str:
    source = declared.get("from")
    named = {key: value for key, value in source.items() if value} if isinstance(source, Mapping) else {}
    if len(named) != 1 or next(iter(named)) not in SOURCES:
        raise Unreadable(f"a secret needs exactly one source; write from: with one of {', '.join(SOURCES)}")
    kind, where = next(iter(named.items()))
    if kind == "env":
        return read_env(str(where), environ)
    if kind == "systemdCredential":
        return read_systemd_credential(str(where), environ)
    return read_file(base / Path(str(where)).expanduser(), warn)
