"""The cron dialect (R7): text or mapping → what each field selects, and every problem with its field.

croniter reads several expressions in ways that surprise (`5-5` as the whole cycle, `15W`, six fields,
reversed ranges), so the dialect is ours and only plain, canonical expressions reach it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

LONGEST = 512
"""Characters of one expression; all sixty minutes written out are 169."""

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class CronProblem:
    """What is wrong in one field (`minute`, `hour`, `day`, `month`, `wday`, or `""`: the expression)."""

    field: str
    message: str
    severity: Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class CronReading:
    """What an expression selects. Weekdays count from Sunday = 0; `nth` is (weekday, which one)."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    wdays: tuple[int, ...]
    nth: tuple[tuple[int, int], ...] = ()
    last_wdays: tuple[int, ...] = ()
    last_day: bool = False
    last_weekday: bool = False

    @property
    def rate_like(self) -> bool:
        """R2: whether the hour field selects all 24 hours."""
        return len(self.hours) == 24

    @property
    def any_day(self) -> bool:
        """Whether the day of the month restricts nothing."""
        return len(self.days) == 31

    @property
    def any_wday(self) -> bool:
        """Whether the day of the week restricts nothing."""
        return len(self.wdays) == 7


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    noun: str
    names: tuple[str, ...] = ()

    @property
    def article(self) -> str:
        return "an" if self.noun == "hour" else "a"

    @property
    def accepted(self) -> str:
        named = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.low} to {self.high}{named}"


_FIELDS = (
    _Field("minute", 0, 59, "minute"),
    _Field("hour", 0, 23, "hour"),
    _Field("day", 1, 31, "day of the month"),
    _Field("month", 1, 12, "month", MONTHS),
    _Field("wday", 0, 7, "day of the week", WEEKDAYS),
)
FIELD_NAMES = tuple(field.name for field in _FIELDS)

_term = re.compile(r"(?P<low>\*|[a-z0-9]+)(?:-(?P<high>[a-z0-9]+))?(?:/(?P<step>[0-9]+))?")
_nth = re.compile(r"(?P<wday>[a-z0-9]+)#(?P<which>[0-9]+)")
_last = re.compile(r"l(?P<after>[0-7]|[a-z]{3})|(?P<before>[0-7]|[a-z]{3})l")
_nearest = re.compile(r"(l-?)?[0-9]{0,2}w[0-9]{0,2}")
_chance = re.compile(r"[rh](\(.*\))?(/[0-9]+)?")


class _Wrong(ValueError):
    """A term that means nothing; the message says why and what would be accepted."""


def read_cron(cron: str | Mapping[str, Any]) -> tuple[CronReading | None, tuple[CronProblem, ...]]:
    """What `cron` selects (None when it has an error) and every problem, in the order of the fields."""
    if isinstance(cron, str):
        return _read_text(cron)
    if isinstance(cron, Mapping):
        return _read_mapping(cron)
    return None, (_error("", f"{cron!r} is not a cron expression; write it like '0 2 * * *'"),)


@lru_cache(maxsize=4096)
def _read_text(text: str) -> tuple[CronReading | None, tuple[CronProblem, ...]]:
    if len(text) > LONGEST:
        return None, (_error("", f"the expression has {len(text)} characters; {LONGEST} are accepted"),)
    expression = text.strip().lower()
    if expression.startswith("@"):
        if expression not in MACROS:
            hint = (
                "; for a start with the daemon use trigger: {startup: {}}" if expression == "@reboot" else ""
            )
            return None, (_error("", f"{text.strip()!r} is not known; accepted: {', '.join(MACROS)}{hint}"),)
        expression = MACROS[expression]
    words = expression.split()
    if len(words) != 5:
        return None, (_error("", _wrong_count(len(words))),)
    return _read_fields(dict(zip(FIELD_NAMES, words, strict=True)))


def _read_mapping(cron: Mapping[str, Any]) -> tuple[CronReading | None, tuple[CronProblem, ...]]:
    from runner.vocabulary.names import nearest

    problems = []
    for key in cron:
        if key not in FIELD_NAMES:
            close = nearest(str(key), FIELD_NAMES)
            hint = f"; did you mean {close!r}?" if close else ""
            problems.append(
                _error("", f"{str(key)[:40]!r} is not a field of cron; known: {', '.join(FIELD_NAMES)}{hint}")
            )
    words = {}
    for name in FIELD_NAMES:
        value = cron.get(name, "*")
        if isinstance(value, bool) or not isinstance(value, int | str):
            problems.append(_error(name, f"{value!r} is not valid here; write a number or a text"))
            value = "*"
        words[name] = re.sub(r"\s*,\s*", ",", str(value).strip().lower())[:LONGEST]
    if "minute" not in cron and cron.get("hour", "*") != "*":
        problems.append(
            CronProblem("minute", "minute is left out, so every minute of these hours is selected", "warning")
        )
    reading, more = _read_fields(words)
    problems += more
    return (None if any(p.severity == "error" for p in problems) else reading), tuple(problems)


def _read_fields(words: Mapping[str, str]) -> tuple[CronReading | None, tuple[CronProblem, ...]]:
    problems: list[CronProblem] = []
    selected: dict[str, set[int]] = {}
    special: dict[str, set[Any]] = {
        "nth": set(),
        "last_wdays": set(),
        "last_day": set(),
        "last_weekday": set(),
    }
    for field in _FIELDS:
        values: set[int] = set()
        for term in words[field.name].split(","):
            try:
                values |= _read_term(field, term, special, problems)
            except _Wrong as wrong:
                problems.append(_error(field.name, str(wrong)))
        selected[field.name] = values
    if any(problem.severity == "error" for problem in problems):
        return None, tuple(problems)
    reading = CronReading(
        minutes=tuple(sorted(selected["minute"])),
        hours=tuple(sorted(selected["hour"])),
        days=tuple(sorted(selected["day"])),
        months=tuple(sorted(selected["month"])),
        wdays=tuple(sorted({wday % 7 for wday in selected["wday"]})),
        nth=tuple(sorted(special["nth"])),
        last_wdays=tuple(sorted(special["last_wdays"])),
        last_day=bool(special["last_day"]),
        last_weekday=bool(special["last_weekday"]),
    )
    return reading, tuple(problems)


def _read_term(
    field: _Field, term: str, special: dict[str, set[Any]], problems: list[CronProblem]
) -> set[int]:
    """The values that one term of a list selects; `L`, `LW` and `n#k` go to `special`."""
    if not term:
        raise _Wrong(f"an empty entry in the list; {field.article} {field.noun} is {field.accepted}")
    if _read_special(field, term, special):
        return set()
    match = _term.fullmatch(term)
    if match is None:
        raise _Wrong(
            f"{term!r} is not {field.article} {field.noun}; accepted: {field.accepted}, lists, ranges, steps"
        )
    low_text, high_text, step_text = match["low"], match["high"], match["step"]
    if low_text == "*":
        if high_text is not None:
            raise _Wrong(f"{term!r} is not a range; write * alone or two ends")
        low, high = field.low, 6 if field.name == "wday" else field.high
    else:
        low = _value(field, low_text)
        high = low if high_text is None else _value(field, high_text, ends_range=True)
        if high_text is None and step_text is not None:
            low, high = (low % 7, 6) if field.name == "wday" else (low, field.high)
    if low > high:
        raise _Wrong(_reversed(field, low_text, high_text))
    step = 1 if step_text is None else int(step_text)
    if step == 0:
        raise _Wrong(f"the step of {term!r} is 0; a step is 1 or more")
    if step > 1 and not _divides(field, low, high, step):
        problems.append(CronProblem(field.name, _uneven(field, term, low, high, step), "warning"))
    return set(range(low, high + 1, step))


def _read_special(field: _Field, term: str, special: dict[str, set[Any]]) -> bool:
    """Whether the term is one of the dialect's letters; _Wrong for letters of other dialects."""
    if term == "?":
        raise _Wrong("'?' is not part of this dialect; write *")
    if term not in (*MONTHS, *WEEKDAYS) and _chance.fullmatch(term):
        raise _Wrong(f"{term!r} (a random value) is not part of this dialect; name one and add `jitter`")
    if field.name == "day":
        if term in ("l", "lw"):
            special["last_day" if term == "l" else "last_weekday"].add(True)
            return True
        if _nearest.fullmatch(term):
            raise _Wrong(
                f"{term.upper()!r} (nearest weekday) is not part of this dialect; LW (last weekday) is"
            )
        if term.startswith("l-"):
            raise _Wrong(f"{term.upper()!r} (days before the last) is not part of this dialect; L is")
    if field.name == "wday":
        if term == "l":
            raise _Wrong("'L' needs a day here; the last Friday of the month is L5 or 5L")
        if nth := _nth.fullmatch(term):
            if not 1 <= int(nth["which"]) <= 5:
                raise _Wrong(f"{term!r}: a month has the 1st to the 5th of a weekday, not #{nth['which']}")
            special["nth"].add((_value(field, nth["wday"]) % 7, int(nth["which"])))
            return True
        last = _last.fullmatch(term)
        if last and term not in WEEKDAYS:
            special["last_wdays"].add(_value(field, last["after"] or last["before"]) % 7)
            return True
    return False


def _value(field: _Field, text: str, *, ends_range: bool = False) -> int:
    if text in field.names:
        number = field.names.index(text) + (1 if field.name == "month" else 0)
        return 7 if ends_range and field.name == "wday" and number == 0 else number
    if not text.isascii() or not text.isdigit():
        raise _Wrong(f"{text!r} is not {field.article} {field.noun}; accepted: {field.accepted}")
    number = int(text[:9])
    if not field.low <= number <= field.high:
        raise _Wrong(f"{text} is out of range; {field.article} {field.noun} is {field.accepted}")
    return number


def _divides(field: _Field, low: int, high: int, step: int) -> bool:
    """Whether the step leaves no shorter or longer pause: over the cycle for `*`, to the end for a range."""
    whole = {"minute": 60, "hour": 24, "day": 31, "month": 12, "wday": 7}[field.name]
    to_the_end = high == (6 if field.name == "wday" else field.high)
    if to_the_end and low - field.low < step:
        return field.name != "day" and whole % step == 0
    return (high - low) % step == 0 or (high - low + 1) % step == 0


def _uneven(field: _Field, term: str, low: int, high: int, step: int) -> str:
    values = list(range(low, high + 1, step))
    shown = ", ".join(map(str, values)) if len(values) <= 6 else f"{values[0]}, {values[1]}, … {values[-1]}"
    return f"the step of {term!r} does not divide its range: it selects {shown}, and the last pause is uneven"


def _reversed(field: _Field, low: str, high: str | None) -> str:
    ends = {"minute": "59", "hour": "23", "day": "31", "month": "12", "wday": "7"}[field.name]
    starts = "1" if field.name in ("day", "month", "wday") else "0"
    return f"the range {low}-{high} is reversed; write {low}-{ends},{starts}-{high}"


def _wrong_count(count: int) -> str:
    counted = f"{count} field{'' if count == 1 else 's'}"
    hint = " (seconds and years are not part of this dialect)" if count in (6, 7) else ""
    return f"the expression has {counted}; it needs five: minute hour day month wday{hint}"


def _error(field: str, message: str) -> CronProblem:
    return CronProblem(field, message, "error")
