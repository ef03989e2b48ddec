"""Which texts does this Authorization stand for, now?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.credentials.sources import (
    SOURCES,
    Unreadable,
    Warn,
    is_open,
    read_env,
    read_file,
    read_systemd_credential,
    told_open,
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


def open_files(resolved_spec: Mapping[str, Any], *, base: Path) -> Iterator[tuple[Path, str]]:
    """The secret files that others may read, and that in words; only their modes are looked at."""
    config = resolved_spec.get("config")
    for declared in config.values() if isinstance(config, Mapping) else ():
        source = declared.get("from") if isinstance(declared, Mapping) else None
        where = source.get("file") if isinstance(source, Mapping) else None
        if not where:
            continue
        path = _file(where, base)
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # a run says what is wrong
        if is_open(mode):
            yield path, told_open(path, mode)


def _file(where: object, base: Path) -> Path:
    return base / Path(str(where)).expanduser()


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
    return read_file(_file(where, base), warn)
