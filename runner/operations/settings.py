"""The installation's settings as they are installed now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from runner.store.port import Reader, Store
from runner.vocabulary.duration import parse_duration

PARALLEL = 5
"""Instances at the same time when nothing is declared (system A8)."""


def settings(reader: Reader) -> Mapping[str, Any]:
    """The resolved spec of the one Runner object; empty when none is declared."""
    installed = reader.objects.all("Runner")
    return installed[0].resolved if installed else {}


def zone_of_jobs_without_a_schedule(reader: Reader) -> str:
    """The name of the zone that the Runner declares, else UTC (R8)."""
    return str(settings(reader).get("timezone") or "UTC")


KEEP_REMOVED = timedelta(days=30)
"""So long an uninstalled object can be brought back, when nothing is declared."""


def keep_removed(reader: Reader) -> timedelta:
    """How long an uninstalled object can be brought back, with its state and its files."""
    declared = settings(reader).get("keepRemoved")
    return parse_duration(declared) if declared else KEEP_REMOVED


def parallel_limit(store: Store) -> int:
    """How many instances may run at the same time."""
    with store.read() as reader:
        return int(settings(reader).get("parallel") or PARALLEL)
