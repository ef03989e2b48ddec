"""Is this a target: a name that may stand in a path and a report, and plain values?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.declaration.problem import quoted
from runner.vocabulary.names import is_field_name, is_target_name
from runner.vocabulary.printable import is_one_plain_line

MOST_TARGETS = 50_000
"""Of one inventory: five times what is promised to work; far below what fills a daemon's memory."""

MOST_VALUE = 4096
"""Characters of one value: all of a target's values stand in one environment variable (128 KiB in Linux)."""

MOST_VALUES = 32_768
"""Characters of all the values of one target."""

NAME = "name"
"""`target.name` is always the target's own name."""

FORMATS = {".csv": "csv", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}

# A spreadsheet runs such a cell when somebody opens a report that lists it; a sign before a number is none.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d .,()/-]*$).*[(!|]")


class Wrong(NamedTuple):
    """What is wrong with one target."""

    rule: str
    detail: str
    hint: str = ""


def format_of_inventory(spec: Mapping[str, Any]) -> str | None:
    """The format of an Inventory's file; None when it is not given, and the file's name does not tell."""
    declared = spec.get("format")
    if declared:
        return str(declared)
    name = str(spec.get("file") or "").lower()
    return next((form for ending, form in FORMATS.items() if name.endswith(ending)), None)


def wrong_name(name: Any) -> Wrong | None:
    """Why `name` cannot be a target's; None when it can."""
    if isinstance(name, str) and is_target_name(name):
        return None
    hint = "letters, digits and . _ : @ + -, 128 at most, the first a letter or digit"
    if name in ("", None):
        return Wrong("bad-name", "the target has no name", hint)
    return Wrong("bad-name", f"{quoted(name)} cannot name a target", hint)


def wrong_value(key: Any, value: Any, *, from_csv: bool = False) -> Wrong | None:
    """Why a target cannot have this value; None when it can."""
    if not isinstance(key, str) or not is_field_name(key):
        hint = "lower-case letters, digits and _, the first a letter, so that expressions can say target.NAME"
        return Wrong("bad-name", f"{quoted(key)} cannot name a value of a target", hint)
    if key == NAME:
        return Wrong(
            "reserved-name", f"'{NAME}' is always the target's own name", "give the value another name"
        )
    if isinstance(value, str):
        if len(value) > MOST_VALUE:
            return Wrong("too-long", f"'{key}' has {len(value)} characters; at most {MOST_VALUE} are read")
        if not is_one_plain_line(value):
            return Wrong("bad-value", f"'{key}' holds control characters: {quoted(repr(value))}")
        if from_csv and _FORMULA.match(value):
            hint = "a spreadsheet would run it; take the sign in front of it away"
            return Wrong("formula", f"'{key}' is a formula: {quoted(value)}", hint)
    elif value is not None and not isinstance(value, bool | int | float):
        what = "a map" if isinstance(value, Mapping) else "a list"
        return Wrong("bad-value", f"'{key}' is {what}; a value is a text, a number, true or false")
    return None


def too_large(values: Mapping[str, Any]) -> Wrong | None:
    """When the values of one target are too much together."""
    size = sum(len(key) + len(str(value)) for key, value in values.items())
    if size > MOST_VALUES:
        return Wrong(
            "too-long", f"its values have {size} characters together; at most {MOST_VALUES} are read"
        )
    return None
