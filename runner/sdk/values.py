"""Which values can be recorded, and where is the first one that cannot?

What comes back after a restart is exactly what was recorded, so anything that JSON would silently change
(a tuple, a key that is a number, a `defaultdict`) is refused like what it has no form for. The types are
compared, not asked with `isinstance`, for the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.sdk.failures import JobCodeError

DEPTH = 100
"""Levels of maps and lists; SQLite reads 1000, other readers stop at a few hundred."""

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1  # what SQLite, PostgreSQL and most languages hold as an integer
_BEYOND = float("inf")
_PLAIN = {str, bool, type(None)}
_HINTS = {
    "datetime": "its isoformat()",
    "date": "its isoformat()",
    "time": "its isoformat()",
    "timedelta": "its total_seconds()",
    "tuple": "a list",
    "set": "a sorted list",
    "frozenset": "a sorted list",
    "bytes": "text, for example base64",
    "bytearray": "text, for example base64",
    "Decimal": "its str()",
    "UUID": "its str()",
    "PosixPath": "its str()",
}

compact = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False, allow_nan=False
).encode
"""The JSON of a value, unchecked, as it is compared: compact, and not ASCII only."""

Place = tuple["Place", Any] | None
"""Where a value is: the place of what holds it, and its key or index there."""


class _Unfit(Exception):
    """A value that cannot be recorded: its place, and why."""

    def __init__(self, place: Place, reason: str) -> None:
        self.place = place
        self.reason = reason


def encoded(value: Any, name: str, limit: int) -> str:
    """The JSON of `value`, compact, in UTF-8 at most `limit` bytes; `name` is what it is called (`state`).

    Raises JobCodeError `<name>-not-json` with the path of the first value in the way, and
    `<name>-too-large` with the path of what makes it large.
    """
    try:
        _check(value, None, 0)
        text = compact(value)
        size = len(text) if text.isascii() else _size(text, value)
    except _Unfit as unfit:
        keys = _keys(unfit.place)
        if len(keys) >= DEPTH:
            raise JobCodeError(f"{name}-not-json", _too_deep(value, name, keys)) from None
        raise JobCodeError(f"{name}-not-json", f"{_path(name, keys)}: {unfit.reason}") from None
    if size > limit:
        raise JobCodeError(f"{name}-too-large", _too_large(value, name, size, limit))
    return text


def decoded(text: str, name: str) -> Any:
    """The value of a recorded text; JobCodeError `<name>-unreadable` when somebody damaged it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JobCodeError(f"{name}-unreadable", f"the recorded {name} is not JSON: {error}") from None


def for_people(values: Mapping[str, Any]) -> dict[str, Any]:
    """The map as JSON values, whatever is in it: what nobody computes with may become text."""
    try:
        plain: dict[str, Any] = decoded(encoded(dict(values), "info", 64 << 10), "info")
    except JobCodeError as reason:
        try:
            text = json.dumps(dict(values), default=str, skipkeys=True, ensure_ascii=False)
            if len(text) <= 64 << 10:
                return dict(json.loads(text_for_people(text), parse_constant=str))
        except Exception:  # noqa: S110 -- a text of its own may fail in any way, and this is only a remark
            pass
        return {"left_out": reason.description}
    return plain


def text_for_people(text: object, most: int | None = None) -> str:
    """As text that UTF-8 can hold, cut at `most` characters."""
    whole = str(text).encode("utf-8", "replace").decode()
    return whole if most is None or len(whole) <= most else whole[: most - 1] + "…"


def _check(value: Any, place: Place, depth: int) -> None:
    kind = type(value)
    if kind is dict:
        if set(map(type, value)) - {str}:
            key = next(key for key in value if type(key) is not str)
            raise _Unfit(place, f"the key {_shown(key)} is {kind_of(key)}; keys are texts")
        items, inner = value.items(), value.values()
    elif kind is list:
        items, inner = enumerate(value), value
    else:
        _check_scalar(value, kind, place)
        return
    if depth >= DEPTH:
        raise _Unfit(place, "it is nested too deeply")
    if set(map(type, inner)) <= _PLAIN:
        return
    for key, item in items:
        if type(item) not in _PLAIN:
            _check(item, (place, key), depth + 1)


def _check_scalar(value: Any, kind: type, place: Place) -> None:
    if kind in _PLAIN:
        return
    if kind is int:
        if not _LEAST <= value <= _MOST:
            raise _Unfit(place, "the integer has more than 64 bits, which other readers cut; store text")
    elif kind is float:
        if not -_BEYOND < value < _BEYOND:
            raise _Unfit(place, f"{value} is no JSON number; store None or text")
    else:
        raise _Unfit(place, _unfit(kind))


def _unfit(kind: type) -> str:
    hint = _HINTS.get(kind.__name__)
    for base in (dict, list, str, bool, int, float):
        if issubclass(kind, base):
            return f"{kind.__name__} would come back as {base.__name__}; store {base.__name__}(…) of it"
    return f"{kind.__name__} is not JSON" + (f"; store {hint}" if hint else "")


def _size(text: str, value: Any) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        place = next(_broken_texts(value, None))
        raise _Unfit(
            place, "the text has half a character (a lone surrogate), which UTF-8 cannot hold"
        ) from None


def _broken_texts(value: Any, place: Place) -> Iterator[Place]:
    """The places of texts, and of maps with keys, that UTF-8 cannot hold."""
    if type(value) is str and _is_broken(value):
        yield place
    items = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, item in items:
        if type(key) is str and _is_broken(key):
            yield place
        yield from _broken_texts(item, (place, key))


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _too_deep(value: Any, name: str, keys: list[Any]) -> str:
    """A structure that holds itself is told from one that is only deep."""
    seen = {id(value): 0}
    for at, key in enumerate(keys, start=1):
        value = value[key]
        if id(value) in seen:
            itself = _path(name, keys[: seen[id(value)]])
            return f"{_path(name, keys[:at])}: it contains itself (it is {itself} again)"
        seen[id(value)] = at
    return f"{_path(name, keys[:5])}…: it is nested deeper than {DEPTH} levels"


def _too_large(value: Any, name: str, size: int, limit: int) -> str:
    """Down to the smallest part that alone makes up more than half of the part around it."""
    keys: list[Any] = []
    part, its_size = value, size
    while type(part) in (dict, list) and part:
        items = part.items() if type(part) is dict else enumerate(part)
        sizes = ((key, item, len(compact(item).encode())) for key, item in items)
        key, item, inner_size = max(sizes, key=lambda entry: entry[2])
        if inner_size * 2 < its_size:
            break
        keys.append(key)
        part, its_size = item, inner_size
    where = f"; {_path(name, keys)} alone has {its_size:,}" if keys else ""
    return (
        f"{name}: {size:,} bytes of JSON, of at most {limit:,}{where}; "
        "keep data in a file or a table, and here how far it has been read"
    )


def _path(name: str, keys: list[Any]) -> str:
    return name + "".join(_step(key) for key in keys)


def _keys(place: Place) -> list[Any]:
    keys = []
    while place is not None:
        place, key = place
        keys.append(key)
    return keys[::-1]


def _step(key: Any) -> str:
    if type(key) is int:
        return f"[{key}]"
    return f".{key}" if key.isidentifier() and len(key) <= 60 else f"[{_shown(key)}]"


def _shown(key: Any) -> str:
    text = json.dumps(key) if type(key) is str else repr(key)
    return text if len(text) <= 60 else text[:60] + "…"


def kind_of(value: Any) -> str:
    """`an int`, `a datetime`: the type of a value, for a sentence."""
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"
