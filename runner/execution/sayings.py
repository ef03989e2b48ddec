"""What does a message of a job's code say, once it is checked? The child is not trusted (`protocol`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.execution.masks import NO_MASKS, Masks
from runner.execution.order import InfoSaved, Notified, Progressed, Raised, Record
from runner.execution.protocol import ProtocolError, encode

MAX_STATE = 1 << 20  # bytes of JSON; the SDK says first what is too large, and where
MAX_PERSISTENT = 1 << 20
MAX_INFO = 256 << 10
MAX_CURSOR = 256 << 10
MOST_ITEMS = 1000
_LAST_SECOND = 253402300800  # the year 10000

LEVELS = ("info", "success", "warning", "error")
GRADES = ("minor", "major", "critical")


SAYINGS = frozenset({"raised", "progress", "notify", "info"})

Saying = Raised | Progressed | Notified | InfoSaved


def what_is_said(
    message: Mapping[str, Any], masks: Masks, who: tuple[int, int, str], step: str | None
) -> Saying:
    """What people are to read, with secrets masked; ProtocolError for info that is none.

    `who` is the instance, its epoch and its target.
    """
    instance, epoch, target = who
    kind, hide = message["m"], masks.hide
    if kind == "raised":
        is_error = message["severity"] == "error"
        grade = message.get("grade")
        return Raised(
            instance,
            epoch,
            "error" if is_error else "warning",
            hide(message["code"]),
            hide(message["description"]),
            masks.hide_all(message["info"]),
            target,
            step,
            (grade if grade in GRADES else "major") if is_error else None,
        )
    if kind == "progress":
        done, total = _number_or_none(message.get("done")), _number_or_none(message.get("total"))
        return Progressed(instance, epoch, hide(message["text"][:500]), target, done, total)
    if kind == "info":
        return InfoSaved(instance, epoch, checked_info(message["info"], masks), target)
    level = message["level"] if message["level"] in LEVELS else "info"
    topic, text = hide(message["topic"][:200]), hide(message["message"][:4000])
    return Notified(instance, epoch, level, topic, text, target, step)


def checked_record(record: Mapping[str, Any], masks: Masks) -> Record:
    """A checkpoint, sleep or completion of the SDK's port; ProtocolError when it cannot be one.

    Secrets are masked in `info`, which people read. State is the code's own: what it saved it gets back.
    """
    try:
        n, cursor = record["n"], record["cursor"]
        if type(n) is not int or not 0 < n < 1 << 53 or type(cursor) is not dict:
            raise ValueError
        path = encode(cursor).decode().rstrip()
        if len(path) > MAX_CURSOR:
            raise ValueError
        state, info = record.get("state"), record.get("info")
        if state is not None:
            _a_map(state, MAX_STATE)
        changed, removed = _changes(record.get("persistent") or {})
        until = _instant(record["until"]) if record["m"] == "sleep" else None
        at = record.get("trigger_at")
        items = record.get("items") or []
        if type(items) is not list or len(items) > MOST_ITEMS or not all(type(id) is int for id in items):
            raise ValueError
        return Record(
            n,
            path,
            state,
            None if info is None else checked_info(info, masks),
            changed,
            removed,
            None if at is None else _instant(at),
            until,
            items,
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise ProtocolError("it sent a checkpoint that cannot be one") from None


def checked_info(text: Any, masks: Masks) -> str:
    """The JSON text of a map, with secrets masked; ProtocolError when it is none."""
    try:
        info = _a_map(text, MAX_INFO)
        return str(text) if masks is NO_MASKS else json.dumps(masks.hide_all(info), ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        raise ProtocolError("it sent info that is no map") from None


def _number_or_none(value: Any) -> float | None:
    """A number of things done, or to be done."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 63:
        return None
    return value


def _changes(persistent: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    changed, removed = persistent.get("set") or {}, persistent.get("removed") or []
    size = 0
    for key, text in changed.items():
        _decode(text)
        size += len(key) + len(text)
    if size > MAX_PERSISTENT or not all(type(key) is str for key in removed):
        raise ValueError
    return dict(changed), list(removed)


def _a_map(text: Any, limit: int) -> dict[str, Any]:
    if len(text) > limit:
        raise ValueError
    value = _decode(text)
    if type(value) is not dict:
        raise TypeError
    return value


def _instant(seconds: Any) -> float:
    if isinstance(seconds, bool) or not 0 <= seconds < _LAST_SECOND:
        raise ValueError
    return float(seconds)


def _no_constant(text: str) -> Any:
    raise ValueError(text)


_decode = json.JSONDecoder(parse_constant=_no_constant).decode  # json.loads would make one for each text
