"""Does a resolved job still say what everybody reads of it? What lies in a database may have been damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOTHING = type(None)
_JOB: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("version", (str, _NOTHING)),
    ("description", (str, _NOTHING)),
    ("type", (str,)),
    ("executor", (str,)),
    ("hidden", (bool,)),
    ("mode", (str,)),
    ("schedules", (dict,)),
    ("groups", (list,)),
    ("inputs", (dict,)),
    ("with", (dict,)),
    ("concurrency", (dict,)),
    ("missed", (dict,)),
    ("deadline", (str, _NOTHING)),
    ("onDisable", (str,)),
    ("flow", (dict, _NOTHING)),
    ("steps", (list,)),
)
"""What is read without asking whether it is there; a key that a later release adds does not belong here."""

_WITHIN: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("concurrency", "policy", (str,)),
    ("concurrency", "limit", (int, _NOTHING)),
    ("missed", "policy", (str,)),
    ("missed", "maxAge", (str,)),
    ("missed", "maxRuns", (int,)),
)


def damage_of_job(resolved: Any) -> str:
    """What is wrong with the resolved spec of a job; empty when nothing is."""
    if not isinstance(resolved, Mapping):
        return f"it is {type(resolved).__name__}, not a map"
    for key, types in _JOB:
        if not isinstance(resolved.get(key, ...), types):
            return _wrong(resolved, key, key)
    for outer, key, types in _WITHIN:
        if not isinstance(resolved[outer].get(key, ...), types):
            return _wrong(resolved[outer], key, f"{outer}.{key}")
    if not all(isinstance(group, str) for group in resolved["groups"]):
        return "groups does not hold names alone"
    for name, settings in (*resolved["schedules"].items(), *resolved["inputs"].items()):
        if not isinstance(settings, dict):
            return f"{name} is {type(settings).__name__}, not a map"
    for step in resolved["steps"]:
        if not isinstance(step, dict) or not all(isinstance(step.get(key), str) for key in ("name", "kind")):
            return "a step has no name or no kind"
    return ""


def _wrong(where: Mapping[str, Any], key: str, path: str) -> str:
    return f"{path} is {type(where[key]).__name__}" if key in where else f"{path} is not there"
