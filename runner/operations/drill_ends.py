"""Did two runs of one job leave the same?"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

LONGEST_VALUE = 200
"""Characters of a value in a difference; people read it, nobody computes with it."""

MOST_LINES = 10
"""Of a diff: enough to see what kind of difference it is."""

MOST_DIFFERENCES = 50


class FileLeft(NamedTuple):
    """A file in a root. `text` only of a small one that is text."""

    size: int
    sha256: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """What a run left: its state (and error), `outputs`, `steps`, `state`, `info` and `persistent` as values,
    and files by root and path.
    """

    result: str
    error: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, FileLeft] = field(default_factory=dict)


class Difference(NamedTuple):
    """At `path` the first run left `was` and the other one `now`; for texts, `diff` has the lines."""

    path: str
    was: str
    now: str
    diff: tuple[str, ...] = ()


_NOTHING = object()


def differences(first: End, other: End, ignored: Sequence[str] = ()) -> tuple[Difference, ...]:
    """Where they differ, the result first; `ignored` are paths (with what is beneath them) and patterns."""
    found: list[Difference] = []
    for difference in _all(first, other):
        if not is_ignored(difference.path, ignored):
            found.append(difference)
        if len(found) == MOST_DIFFERENCES:
            break
    return tuple(found)


def is_ignored(path: str, ignored: Sequence[str]) -> bool:
    """Whether one of them is this path, or above it, or a pattern (`*`) that fits it."""
    return any(
        fnmatchcase(path, each) or path.startswith((f"{each}.", f"{each}[", f"{each}/")) for each in ignored
    )


def _all(first: End, other: End) -> Iterator[Difference]:
    if first.result != other.result:
        yield Difference("result", _said(first), _said(other))
    yield from _walk("", first.values, other.values)
    for name in sorted({*first.files, *other.files}):
        was, now = first.files.get(name), other.files.get(name)
        if was is None or now is None or was.sha256 != now.sha256:
            yield Difference(f"files.{name}", _file(was), _file(now), _lines(was, now))


def _said(end: End) -> str:
    return f"{end.result}: {end.error}" if end.error else end.result


def _walk(path: str, was: Any, now: Any) -> Iterator[Difference]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*was, *now)):
            yield from _walk(f"{path}.{key}" if path else str(key), _at(was, key), _at(now, key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (before, after) in enumerate(zip(was, now, strict=True)):
            yield from _walk(f"{path}[{place}]", before, after)
    elif type(was) is not type(now) or was != now:
        both_texts = isinstance(was, str) and isinstance(now, str) and "\n" in was + now
        yield Difference(path, _short(was), _short(now), _diff(was, now) if both_texts else ())


def _at(values: Mapping[str, Any], key: str) -> Any:
    return values.get(key, _NOTHING)


def _short(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"


def _file(left: FileLeft | None) -> str:
    return "no file" if left is None else f"{left.size} bytes, sha256 {left.sha256[:12]}"


def _lines(was: FileLeft | None, now: FileLeft | None) -> tuple[str, ...]:
    if was is None or now is None or was.text is None or now.text is None:
        return ()
    return _diff(was.text, now.text)


def _diff(was: str, now: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(was.splitlines(), now.splitlines(), n=1, lineterm="")
    shown = [line[:LONGEST_VALUE] for line in list(lines)[2:]]
    if len(shown) > MOST_LINES:
        shown = [*shown[:MOST_LINES], f"… {len(shown) - MOST_LINES} lines more"]
    return tuple(shown)
