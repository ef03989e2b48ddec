"""By which digest is an object, or what it executes, told apart from any other?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_INFORMATIVE = frozenset({"version", "description"})


class Digests(NamedTuple):
    """`digest` is the object's; `execution` leaves out version, description and labels."""

    digest: str
    execution: str


def canonical(value: Any) -> bytes:
    """One spelling per JSON value: sorted keys, no spaces, UTF-8; ValueError for NaN and infinities."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def digest(
    kind: str, metadata: Mapping[str, Any], resolved: Mapping[str, Any], files: Mapping[str, str]
) -> Digests:
    """The digests of an object, from its resolved spec and the sha256 of every file that it names.

    Annotations that only steer the reconciler are not part of it. Where the object is declared is not either,
    so a job that moves to another YAML file is unchanged. The order of keys does not matter.
    """
    execution = {
        "kind": kind,
        "name": metadata.get("name"),
        "spec": {key: value for key, value in resolved.items() if key not in _INFORMATIVE},
        "files": dict(files),
    }
    informative = {key: resolved.get(key) for key in sorted(_INFORMATIVE)}
    whole = {**execution, "informative": informative, "labels": dict(metadata.get("labels") or {})}
    return Digests(_sha256(whole), _sha256(execution))


def _sha256(value: Any) -> str:
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
