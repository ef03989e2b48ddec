"""The installation's settings as they are installed now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.store.port import Reader, Store

PARALLEL = 5
"""Instances at the same time when nothing is declared (system A8)."""


def settings(reader: Reader) -> Mapping[str, Any]:
    """The resolved spec of the one Runner object; empty when none is declared."""
    installed = reader.objects.all("Runner")
    return installed[0].resolved if installed else {}


def zone_of_jobs_without_a_schedule(reader: Reader) -> str:
    """The name of the zone that the Runner declares, else UTC (R8)."""
    return str(settings(reader).get("timezone") or "UTC")


def parallel_limit(store: Store) -> int:
    """How many instances may run at the same time."""
    with store.read() as reader:
        return int(settings(reader).get("parallel") or PARALLEL)
