"""What does a schema error mean for the person who wrote the document?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.declaration.problem import Path, Problem, listed, quoted
from runner.declaration.rules.credentials import is_secret_like
from runner.declaration.texts import (
    ENTRY_NAME,
    ENV_NAME,
    HOOK_PATH,
    INSTANT,
    LABEL_KEY,
    PERCENT,
    RELATIVE_PATH,
)
from runner.vocabulary.duration import DURATION, SIZE
from runner.vocabulary.names import FIELD_NAME, OBJECT_NAME, nearest

if TYPE_CHECKING:
    from jsonschema import ValidationError

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}

_PATTERNS = {
    DURATION: ("bad-duration", "Bad duration", "a duration like 90s, 5m, 1h30m or 2d"),
    SIZE: ("bad-size", "Bad size", "a size like 512MiB, 2GiB or 1000B"),
    INSTANT: (
        "bad-instant",
        "Bad instant",
        "a date, a local date-time, or RFC 3339: 2026-12-01T02:00:00Z",
    ),
    PERCENT: ("bad-percentage", "Bad percentage", "a percentage like 10%"),
    OBJECT_NAME: (
        "bad-name",
        "Bad name",
        "lower-case letters, digits and inner hyphens, at most 63",
    ),
    FIELD_NAME: ("bad-name", "Bad name", "a lower-case letter, then lower-case letters, digits and _"),
    ENTRY_NAME: ("bad-name", "Bad name", "lower-case letters, digits, and - or _ inside"),
    ENV_NAME: ("bad-name", "Bad name", "letters, digits and _, not beginning with a digit"),
    HOOK_PATH: ("bad-path", "Bad path", "a path like orders or shop/orders: letters, digits and . _ ~ -"),
    LABEL_KEY: ("bad-name", "Bad name", "a key like team or example.com/team"),
    RELATIVE_PATH: ("bad-path", "Bad path", "a path relative to the declaring file"),
}

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})

_BOOLEAN_WORDS = {"yes", "no", "on", "off", "y", "n", "true", "false"}


def problems_from(errors: Iterable[ValidationError], kind: str) -> Iterator[Problem]:
    """One problem, or several, for each schema error, with its path from the document's root."""
    for error in errors:
        yield from _told(error, kind)


def where(kind: str, path: Path) -> str:
    """`Job.spec.steps[0]`: a place inside a document, for a message."""
    text = kind
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text


def _told(error: ValidationError, kind: str) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    value = error.instance
    match error.validator:
        case "additionalProperties":
            yield from _unknown_fields(error, kind, path)
        case "required":
            yield from _missing(error, kind, path)
        case "type":
            problem = _of_number(error, [error.schema], path)
            yield problem or _wrong_type(value, [error.validator_value], path, _fields_taking(error))
        case "enum" | "const":
            accepted = error.validator_value if error.validator == "enum" else [error.validator_value]
            yield _unknown_value(value, accepted, path)
        case "pattern":
            at_key = "propertyNames" in error.absolute_schema_path
            yield _bad_text(str(value), str(error.validator_value), path, at_key=at_key)
        case "propertyNames":
            yield from (p for each in error.context or () for p in _told(each, kind))
        case "anyOf":
            yield from _of_union(error, kind, path)
        case _:
            yield _limit(error, path)


def _unknown_fields(error: ValidationError, kind: str, path: Path) -> Iterator[Problem]:
    known = list(error.schema.get("properties", ()))
    for name in error.instance:
        if name in known:
            continue
        close = nearest(str(name), known)
        ordered = [close, *(each for each in known if each != close)] if close else known
        yield Problem(
            (*path, name),
            "unknown-field",
            "Unknown field",
            f"{quoted(name)} is not a field of {where(kind, path)}; known: {listed(ordered)}",
            f"did you mean '{close}'?" if close else "",
            at="key",
        )


def _missing(error: ValidationError, kind: str, path: Path) -> Iterator[Problem]:
    for name in error.validator_value:
        if name not in error.instance and f"'{name}'" in error.message:
            detail = f"{where(kind, path)} needs '{name}'"
            yield Problem((*path, name), "missing-field", "Missing field", detail)


def _fields_taking(error: ValidationError) -> Sequence[str]:
    """The fields of the mapping that was expected which accept just this word."""
    fields: Mapping[str, Any] = error.schema.get("properties", {})
    return [name for name, each in fields.items() if error.instance in each.get("enum", ())]


def _wrong_type(value: Any, types: list[str], path: Path, fields: Sequence[str] = ()) -> Problem:
    expected = " or ".join(dict.fromkeys(_TYPES[each] for each in types))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and ("number" in types or "integer" in types) and not _is_usable(value):
        detail = f"{_said(value, path)} is not a finite number of ordinary size; expected {expected}"
        return Problem(path, "bad-number", "Bad number", detail)
    return Problem(
        path,
        "wrong-type",
        "Wrong type",
        f"{'the value' if value is None else _said(value, path)} is {_kind_of(value)}; expected {expected}",
        f"write {{{fields[0]}: {value}}}" if len(fields) == 1 else _type_hint(value, types, path),
    )


def _of_number(error: ValidationError, schemas: Iterable[Mapping[str, Any]], path: Path) -> Problem | None:
    """A number where only a text of some form can stand, and quotes would not make it one: `timeout: 10`."""
    if isinstance(error.instance, bool) or not isinstance(error.instance, int | float):
        return None
    patterns = [
        str(each["pattern"]) for each in schemas if each.get("type") == "string" and "pattern" in each
    ]
    if not patterns or any(re.search(pattern, str(error.instance)) for pattern in patterns):
        return None
    return _bad_text(str(error.instance), patterns[0], path, at_key=False)


def _said(value: Any, path: Path) -> str:
    """The value, unless it is a secret by the name of its field: it ends up in logs of pipelines.

    What is in a list or a mapping is not told: names of secrets may be in it, and options that take one.
    """
    if _is_secret(path):
        return "'(masked)'"
    return "the value" if isinstance(value, list | Mapping) else quoted(value)


def _is_secret(path: Path) -> bool:
    if "headers" in path and str(path[-1]).lower() in _SECRET_HEADERS:
        return True
    return any(isinstance(part, str) and part != "key" and is_secret_like(part) for part in path[1:])


def _is_usable(value: float) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return abs(value) <= 2**53


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
    return type(value).__name__


def _type_hint(value: Any, types: list[str], path: Path) -> str:
    if path and path[-1] == "if" and isinstance(value, Mapping | list):
        return "YAML reads this as more than a text: put the whole expression in quotes"
    if (
        isinstance(value, Mapping)
        and len(value) == 1
        and value[next(iter(value))] is None
        and "string" in types
    ):
        return "braces begin a mapping in YAML: quote the text"
    if "string" in types and isinstance(value, bool | int | float):
        if _is_secret(path):
            return "quote it"
        return f'quote it: "{str(value).lower() if isinstance(value, bool) else value}"'
    if types == ["boolean"] and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return "write true or false, without quotes"
    if (
        {"integer", "number"} & set(types)
        and isinstance(value, str)
        and re.fullmatch(r"-?\d+(\.\d+)?", value)
    ):
        return "take the quotes away"
    if "array" in types and isinstance(value, str):
        is_shown = len(value) < 40 and not _is_secret(path)
        return f"write it as a list: [{value}]" if is_shown else "write it as a list"
    if value is None:
        return "leave the field out, or give it a value"
    return ""


def _unknown_value(value: Any, accepted: list[Any], path: Path) -> Problem:
    names = [str(each) for each in accepted]
    close = nearest(str(value), names) if isinstance(value, str) else None
    return Problem(
        path,
        "unknown-value",
        "Unknown value",
        f"{_said(value, path)} is not accepted here; expected {' | '.join(names)}",
        f"did you mean '{close}'?" if close else "",
    )


def _bad_text(value: str, pattern: str, path: Path, *, at_key: bool) -> Problem:
    rule, summary, expected = _PATTERNS.get(pattern, ("bad-text", "Bad text", f"a text like {pattern}"))
    if at_key:
        path = (*path, value)
    detail = f"{quoted(value) if at_key else _said(value, path)} is not accepted here; expected {expected}"
    return Problem(
        path, rule, summary, detail, _text_hint(value, rule, pattern), at="key" if at_key else "value"
    )


def _text_hint(value: str, rule: str, pattern: str) -> str:
    if rule == "bad-duration" and (match := re.fullmatch(r"(\d+) *([a-zA-Z]*)", value.strip())):
        unit = {"sec": "s", "min": "m", "hour": "h", "day": "d", "week": "7d"}
        word = match[2].lower().rstrip("s")
        if not word:
            return f"add a unit: {match[1]}s, {match[1]}m, {match[1]}h or {match[1]}d"
        if word in ("s", "m", "h", "d"):
            return "that is too long; 999999d is the most"
        for name, short in unit.items():
            if word and (name.startswith(word) or word.startswith(name)) and len(short) == 1:
                return f"did you mean '{match[1]}{short}'?"
    if pattern == FIELD_NAME:
        fixed = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
        return f"for example '{fixed}'" if fixed[:1].isalpha() and fixed != value else ""
    if rule == "bad-name":
        fixed = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:63]
        return f"for example '{fixed}'" if fixed and fixed != value and "_" not in value else ""
    if rule == "bad-size" and re.fullmatch(r"\d+ *[kmgt]b?", value, re.IGNORECASE):
        return "units are B, KiB, MiB, GiB and TiB"
    if rule == "bad-path" and value.startswith("/"):
        return "absolute paths do not work on another machine"
    return ""


def _of_union(error: ValidationError, kind: str, path: Path) -> Iterator[Problem]:
    """The branch of a union that the author can have meant: by type, then by the number of errors."""
    branches: dict[int, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(int(each.schema_path[0]), []).append(each)
    fitting = [
        errors
        for errors in branches.values()
        if not any(e.validator == "type" and not e.relative_path for e in errors)
    ]
    if not fitting:
        types = [str(each.get("type", "string")) for each in error.validator_value]
        yield _of_number(error, error.validator_value, path) or _wrong_type(error.instance, types, path)
        return
    literals = [e for errors in fitting for e in errors if e.validator in ("enum", "const")]
    if literals and len(literals) == sum(map(len, fitting)):
        accepted = [v for e in literals for v in _as_list(e.validator_value)]
        yield _unknown_value(error.instance, accepted, path)
        return
    for each in min(fitting, key=len):
        yield from _told(each, kind)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _limit(error: ValidationError, path: Path) -> Problem:
    bound = error.validator_value
    match error.validator:
        case "minLength" | "minItems":
            return Problem(path, "empty", "Empty", f"{_count(error)}; at least {bound} expected")
        case "maxLength":
            return Problem(path, "too-long", "Too long", f"{len(error.instance)} characters; at most {bound}")
        case "minimum":
            return Problem(path, "out-of-range", "Out of range", f"{error.instance} is below {bound}")
        case "maximum":
            return Problem(path, "out-of-range", "Out of range", f"{error.instance} is above {bound}")
    return Problem(path, "invalid", "Invalid value", str(error.message)[:300])


def _count(error: ValidationError) -> str:
    return "the text is empty" if isinstance(error.instance, str) else "the list is empty"
