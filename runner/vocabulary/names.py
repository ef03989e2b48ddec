"""Which names are allowed, and which known name was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""RFC 1123 DNS label, lower case."""

FIELD_NAME = r"^[a-z][a-z0-9_]{0,62}$"
"""Names of steps, inputs, outputs and target values: usable as they are in expressions."""

TARGET_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$"
"""Names of targets: what devices are called (host names, serial numbers, addresses), safe for a file."""

_object_name = re.compile(OBJECT_NAME)
_field_name = re.compile(FIELD_NAME)
_target_name = re.compile(TARGET_NAME)


def is_object_name(text: str) -> bool:
    """Whether `text` may name an object."""
    return _object_name.fullmatch(text) is not None


def is_field_name(text: str) -> bool:
    """Whether `text` may name a step, an input, an output or a target value."""
    return _field_name.fullmatch(text) is not None


def is_target_name(text: str) -> bool:
    """Whether `text` may name a target."""
    return _target_name.fullmatch(text) is not None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, or None when none is close."""
    import difflib  # only on the way to an error message

    close = difflib.get_close_matches(name[:200], list(known), n=1, cutoff=0.6)
    return close[0] if close else None
