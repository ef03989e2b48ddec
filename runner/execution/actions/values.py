"""How a database's value becomes JSON, and a declared value becomes a bind parameter."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from runner.vocabulary.duration import format_duration


def to_json(value: Any) -> Any:
    """A JSON value: a decimal as number if nothing is lost, else text; times in ISO 8601; bytes in base64."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, dict):
        return {str(key): to_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(inner) for inner in value]
    return str(value)


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def to_parameter(value: Any, dialect: str) -> Any:
    """What the driver of `dialect` binds as itself; a map becomes JSON text, a list stays one."""
    if isinstance(value, dict):
        return json.dumps(to_json(value))
    if isinstance(value, (list, tuple)):
        return [to_parameter(inner, dialect) for inner in value]
    if isinstance(value, timedelta) and dialect != "postgresql":
        return format_duration(value)
    if dialect == "sqlite":
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if dialect == "mariadb" and isinstance(value, datetime) and value.tzinfo is not None:
        # The driver would drop the zone and keep the figures.
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
