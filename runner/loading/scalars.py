"""Which value does a plain scalar stand for? The core schema of YAML 1.2 (section 10.3.2).

No `yes` and `no`, no sexagesimal numbers, no dates: they stay text.
"""

from __future__ import annotations

import math
import re
from typing import Final

from runner.loading.limits import MAX_FLOAT, MAX_INTEGER

MAY_BE_SPECIAL: Final = frozenset("0123456789+-.tTfFnN~")
"""First characters of everything that is not text; all other plain scalars need no look."""

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_integer = re.compile(r"[-+]?[0-9]+")
_octal_or_hex = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_float = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_not_finite = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class NotANumber(ValueError):
    """A number that no field can take: not finite, or out of range. The message says which."""


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of the plain scalar `text`; NotANumber for NaN, infinities and numbers out of range."""
    if text in _WORDS:
        return _WORDS[text]
    if _integer.fullmatch(text):
        return _in_range(int(text) if len(text) <= 30 else math.inf, text)
    if _octal_or_hex.fullmatch(text):
        return _in_range(int(text, 0) if len(text) <= 30 else math.inf, text)
    if _float.fullmatch(text):
        number = float(text)
        if abs(number) > MAX_FLOAT:
            raise NotANumber(f"{_short(text)} is beyond {MAX_FLOAT}")
        return number
    if _not_finite.fullmatch(text):
        raise NotANumber(f"{text} is not a finite number")
    return text


def _in_range(number: int | float, text: str) -> int:
    if abs(number) > MAX_INTEGER:
        raise NotANumber(f"{_short(text)} is beyond {MAX_INTEGER}")
    return int(number)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:30]}… ({len(text)} characters)"
