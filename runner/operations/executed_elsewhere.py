"""Does another system execute the runs of a definition, and is it called, or does it ask?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXTERNAL = "external"
WEBHOOK = "webhook"


def is_external(spec: Mapping[str, Any]) -> bool:
    """Whether another system executes the runs of this definition."""
    return spec.get("executor") == EXTERNAL and isinstance(spec.get(EXTERNAL), Mapping)


def waits_to_be_polled(spec: Mapping[str, Any]) -> bool:
    """Whether the other system asks for its work, instead of being called."""
    return is_external(spec) and not spec[EXTERNAL].get(WEBHOOK)
