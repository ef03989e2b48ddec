"""Which of these tags is the newest version of a range? As Semantic Versioning 2.0.0 and npm read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import total_ordering
from typing import Any

_NUMBER = r"0|[1-9][0-9]{0,17}"
_VERSION = re.compile(
    rf"[vV]?(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?\Z"
)
_PART = re.compile(
    rf"\s*,?\s*(?P<op>>=|<=|==|=|>|<|~|\^)?\s*[vV]?(?P<major>{_NUMBER}|[xX*])(?:\.(?P<minor>{_NUMBER}|[xX*]))?"
    rf"(?:\.(?P<patch>{_NUMBER}|[xX*]))?(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
LONGEST = 200

Test = Callable[["Version"], bool]


@total_ordering
class Version:
    """A version, ordered as section 11 of the specification says."""

    def __init__(self, numbers: tuple[int, int, int], pre: str = "") -> None:
        self.numbers, self.pre = numbers, pre

    def _key(self) -> tuple[Any, ...]:
        parts = self.pre.split(".") if self.pre else []
        pre = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
        return (*self.numbers, not self.pre, pre)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def parse_version(text: str) -> Version | None:
    """Of a tag, with or without a leading `v`; None when it is no version."""
    found = _VERSION.match(text)
    if found is None or len(text) > LONGEST:
        return None
    return Version((int(found["major"]), int(found["minor"]), int(found["patch"])), found["pre"] or "")


def parse_range(text: str) -> Test:
    """Whether a version lies in the range: `1.2.x`, `^1.2`, `~1.2.3`, `>=1.0 <2`, `1.x || 3.x`.

    A version with a pre-release (`2.0.0-rc.1`) lies in it only when the range itself names one. ValueError
    when it cannot be read.
    """
    if len(text) > LONGEST or not text.strip():
        raise ValueError("write a range like '>=1.2 <2', '^1.2' or '1.x'")
    alternatives = [_all_of(part) for part in text.split("||")]
    return lambda version: any(test(version) for test in alternatives)


def newest_of(tags: Iterable[str], wanted: str) -> str | None:
    """The tag of the highest version in the range; of two that name the same version the first by name."""
    test = parse_range(wanted)
    found: list[tuple[Version, str]] = []
    for tag in tags:
        version = parse_version(tag)
        if version is not None and test(version):
            found.append((version, tag))
    if not found:
        return None
    highest = max(version for version, _ in found)
    return min(tag for version, tag in found if version == highest)


def _all_of(text: str) -> Test:
    tests: list[Test] = []
    pre = False
    at = 0
    while at < len(text.rstrip()):
        found = _PART.match(text, at)
        if found is None or found.end() == at:
            raise ValueError(f"{text.strip()!r} is no range; write '>=1.2 <2', '^1.2' or '1.x'")
        at = found.end()
        if at < len(text) and text[at] not in " ,\t":
            raise ValueError(f"{text.strip()!r} is no range; write '>=1.2 <2', '^1.2' or '1.x'")
        tests.append(_test(found))
        pre = pre or bool(found["pre"])
    if not tests:
        raise ValueError("a part of the range is empty")
    return lambda version: (pre or not version.pre) and all(test(version) for test in tests)


def _test(found: re.Match[str]) -> Test:
    given: tuple[str | None, ...] = (found["major"], found["minor"], found["patch"])
    numbers: list[int] = []
    for part in given:
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    low = Version(_padded(numbers), found["pre"] or "")
    match found["op"] or "":
        case ">=":
            return lambda version: version >= low
        case "<":
            return lambda version: version < low
        case ">":
            above = _next(numbers, len(numbers) - 1) if len(numbers) < 3 else None
            return _from(above) if above else (lambda version: version > low)
        case "<=":
            above = _next(numbers, len(numbers) - 1) if len(numbers) < 3 else None
            return _below(above) if above else (lambda version: version <= low)
        case "~":
            end = _next(numbers, min(len(numbers) - 1, 1))
        case "^":
            first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
            end = _next(numbers, first)
        case _:
            if len(numbers) == 3:
                return lambda version: version == low
            end = _next(numbers, len(numbers) - 1)
    return lambda version: version >= low and (end is None or version < end)


def _from(first: Version) -> Test:
    return lambda version: version >= first


def _below(end: Version) -> Test:
    return lambda version: version < end


def _padded(numbers: list[int]) -> tuple[int, int, int]:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


def _next(numbers: list[int], at: int) -> Version | None:
    """The first version (its pre-releases too) that differs at this place; None: there is no end."""
    if at < 0:
        return None
    return Version(_padded([*numbers[:at], numbers[at] + 1]), "0")
