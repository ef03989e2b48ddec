"""What does a declaration say once every default is filled in?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.declaration.resolve_job import resolved_job
from runner.declaration.resolve_others import RESOLVERS
from runner.declaration.surroundings import Surroundings


def resolve(document: Mapping[str, Any], kind: str, around: Surroundings) -> dict[str, Any]:
    """The resolved spec of a valid document, as plain JSON with every default explicit.

    Precedence: job, then its type's defaults, then the Runner's, then the built-in ones; what is declared
    empty clears what lies below. LookupError when an object or file that it is made of is not there.
    """
    if kind == "Job":
        return resolved_job(document, around)
    return RESOLVERS[kind](document, around)
