"""Does the schema accept this document? Asked first, of a compiled validator a hundred times as quick.

It only ever says that nothing is wrong: whatever it does not accept is judged, and explained, by jsonschema.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from runner.declaration.json_schema import schema_of


def accepts(document: Any, kind: str) -> bool:
    """Whether the schema of `kind` certainly accepts the document; False means: look closer."""
    try:
        validator = _validator(kind)
        return validator is not None and bool(validator.is_valid(document))
    except (ValueError, TypeError, RecursionError):  # not what JSON can hold, as NaN or a date
        return False


@cache
def _validator(kind: str) -> Any:
    try:
        import jsonschema_rs
    except ImportError:  # no wheel for this machine: slower, with the same verdicts
        return None
    return jsonschema_rs.Draft7Validator(schema_of(kind))
