"""Which values must not be shown? Those whose field is named like a secret, and passwords inside URLs."""

from __future__ import annotations

import re
from typing import Any

MASK = "(masked)"

# The words, not the bare `key`: `key: id` of an upsert is no secret, `apiKey` is.
_SECRET = re.compile(
    r"pass(word|wd|phrase)?(?![a-z])|secret|token(?!url)|credential|api[-_]?key|private[-_]?key|access[-_]?key",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s@]*@", re.IGNORECASE)

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})

# They say where a secret is, never what it is.
_REFERENCE_KEYS = frozenset({"from", "authorization", "file", "env", "systemdCredential", "key"})


def masked(path: tuple[str, ...], value: Any) -> Any:
    """`value` as it may be shown at `path`: the same, or with its secrets replaced by `(masked)`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: masked((*path, str(key)), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(path, each) for each in value]
    if _is_secret(path):
        return MASK
    return _USER_INFO.sub(rf"\g<scheme>:{MASK}@", value) if isinstance(value, str) else value


def _is_secret(path: tuple[str, ...]) -> bool:
    if "headers" in path and path[-1].lower() in _SECRET_HEADERS:
        return True
    named = [position for position, part in enumerate(path) if _SECRET.search(part)]
    if not named:
        return False
    return not _REFERENCE_KEYS.intersection(path[named[0] + 1 :])
