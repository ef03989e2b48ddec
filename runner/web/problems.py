"""How is a request told that it failed? As RFC 9457 says: `application/problem+json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.vocabulary.errors import (
    ChangedMeanwhile,
    NotAllowed,
    Refused,
    RunnerError,
    StoreUnavailable,
    UnknownName,
)

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:jobs-runner:problem:"

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""On every answer."""

_STATUS: tuple[tuple[type[RunnerError], int, str], ...] = (
    (NotAllowed, 403, "not-allowed"),
    (Refused, 409, "refused"),
    (UnknownName, 404, "unknown-name"),
    (ChangedMeanwhile, 409, "changed-meanwhile"),
    (StoreUnavailable, 503, "database-unavailable"),
)


def problem(kind: str, title: str, status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The object; `more` are members of its own."""
    return {"type": _TYPE + kind, "title": title, "status": status, "detail": detail, **more}


def problem_of(error: RunnerError) -> dict[str, Any]:
    """The object for an error that a person can understand."""
    for kind, status, name in _STATUS:
        if isinstance(error, kind):
            return problem(name, name.replace("-", " ").capitalize(), status, str(error))
    return problem("failed", "Failed", 500, "the runner could not do that; its log says why")


def encoded(found: Mapping[str, Any]) -> bytes:
    """As the body of an answer."""
    return json.dumps(found, ensure_ascii=True, allow_nan=False).encode()
