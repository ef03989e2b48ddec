"""What do the lines of a crontab say? Every line becomes an entry, or a remark that says why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from runner.crontab.times import NICKNAMES, REBOOT, CronTime, NotCron, read_time

Form = Literal["system", "user"]
"""`system`: a sixth field names the user (/etc/crontab, /etc/cron.d). `user`: as `crontab -l` shows it."""

MAIL = ("MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING")
"""Settings of cron's mail, not of the command."""

LONGEST_COMMAND = 998
"""Debian's cron reads commands into 1,000 characters and rejects the file beyond."""

ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
"""What `env` of a job can name."""

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
BYTE_ORDER_MARK = "\ufeff"

_SETTING = re.compile(
    r"""\s*(?P<name>"[^"]*"|'[^']*'|[^\s="']+)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^"'\s].*|)\s*"""
)
_LOOKS_LIKE_ENTRY = re.compile(r"#+\s*(@[a-z]+|[0-9*][0-9*,/-]*(\s+[0-9*a-zA-Z,/-]+){4})\s+\S")
_DIAGRAM = re.compile(r"#[\s|.'`+-]*([-=_*]{3,}|[|*](\s+[|*])+)")


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader must know of one line. `lost`: not carried over; `differs`: it was, but not quite as cron
    does it; `note`: nothing is different."""

    line: int
    severity: Literal["lost", "differs", "note"]
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that starts something. `time` is None for `@reboot`; `when` is what stands in the line."""

    line: int
    text: str
    when: str
    time: CronTime | None
    command: str
    stdin: str | None
    user: str | None
    settings: Mapping[str, str]
    """The environment lines above it, the mail settings among them."""
    comments: tuple[str, ...]
    """The comment directly above it."""


@dataclass(frozen=True, slots=True)
class Crontab:
    """The entries and remarks of one file, in the order of its lines."""

    entries: tuple[Entry, ...]
    remarks: tuple[Remark, ...]


@dataclass(slots=True)
class _Reading:
    form: Form
    settings: dict[str, str] = field(default_factory=dict)
    comments: list[tuple[int, str]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def tell(self, line: int, severity: Literal["lost", "differs", "note"], message: str) -> None:
        self.remarks.append(Remark(line, severity, message))

    def leave_comments(self) -> None:
        """They stand above no line: told, unless they are empty or a drawing."""
        told = [(line, text) for line, text in self.comments if text and not _is_drawing(text)]
        self.comments.clear()
        if told:
            first, last = told[0][0], told[-1][0]
            lines = f"lines {first} to {last}" if first != last else f"line {first}"
            self.tell(first, "note", f"a comment of no line ({lines}) is in no description: {told[0][1]}")


def read_crontab(text: str, form: Form) -> Crontab:
    """Every line as cron reads it. Never raises: what cannot be read is a remark of severity `lost`."""
    reading = _Reading(form)
    if text.startswith(BYTE_ORDER_MARK):
        text = text.removeprefix(BYTE_ORDER_MARK)
        reading.tell(
            1, "differs", "the file begins with a byte order mark: cron rejects it or its first line"
        )
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif lines:
        reading.tell(
            len(lines), "differs", "the last line has no line end: cron ignores it or rejects the file"
        )
    for number, line in enumerate(lines, start=1):
        _line(reading, number, line)
    reading.leave_comments()
    remarks = sorted(reading.remarks, key=lambda remark: remark.line)
    return Crontab(tuple(reading.entries), tuple(remarks))


def guess_form(text: str) -> Form:
    """`system` when the sixth field of the entries reads like a user that is followed by a command.

    The first words of commands do, too, so half of the names must be accounts that systems have. What cron
    would not read as an entry has no vote: one broken line of /etc/crontab makes it no user's.
    """
    lines = text.removeprefix(BYTE_ORDER_MARK).split("\n")
    sixth = [rest for line in lines if (rest := _behind_its_time(line)) is not None]
    named = [rest[0] for rest in sixth if len(rest) > 1 and _USER.fullmatch(rest[0])]
    known = sum(_ACCOUNT.fullmatch(name) is not None for name in named)
    return "system" if known and known * 2 >= len(sixth) and len(named) * 10 >= len(sixth) * 8 else "user"


def begins_with_a_user(command: str) -> bool:
    """Whether a command of a user's crontab reads as one of a system's: an account before a command."""
    words = command.split(None, 1)
    return len(words) == 2 and _ACCOUNT.fullmatch(words[0]) is not None


def _behind_its_time(line: str) -> list[str] | None:
    """The words after the time of an entry; None for what is no entry."""
    words = line.split()
    if not words or words[0].startswith("#") or _SETTING.fullmatch(line):
        return None
    if words[0].startswith("@"):
        return words[1:] if words[0] == REBOOT or words[0] in NICKNAMES else None
    if len(words) < 6:
        return None
    try:
        read_time([words[0].removeprefix("-"), *words[1:5]])
    except NotCron:
        return None
    return words[5:]


_ACCOUNT = re.compile(
    "root|daemon|nobody|games|uucp|postgres|mysql|redis|nginx|apache|munin|logcheck|smmsp|postfix|dovecot|"
    "amavis|clamav|mongodb|www-.*|_.*|Debian-.*"
)
"""None that is a program as well, such as `backup` or `git`."""


def _line(reading: _Reading, number: int, line: str) -> None:
    if line.endswith("\r"):
        line = line[:-1]
        if line.strip():
            reading.tell(number, "differs", "ends with a carriage return, which cron hands to the command")
    stripped = line.strip(" \t")
    if not stripped:
        reading.leave_comments()
    elif stripped.startswith("#"):
        if _LOOKS_LIKE_ENTRY.match(stripped) and not _DIAGRAM.match(stripped):
            reading.tell(number, "note", f"commented out, so not imported: {stripped.lstrip('# ')}")
        else:
            reading.comments.append((number, stripped.lstrip("#").strip()))
    elif any(not (c.isprintable() or c == "\t") for c in line):
        is_utf8 = not any("\udc80" <= c <= "\udcff" for c in line)
        what = (
            "it has characters that no declaration can hold" if is_utf8 else "it is not UTF-8 (iconv helps)"
        )
        reading.tell(number, "lost", f"not imported: {what}")
        reading.comments.clear()
    elif (setting := _SETTING.fullmatch(line)) and not stripped[0].isdigit() and stripped[0] not in "*@":
        reading.leave_comments()
        name, value = _unquoted(setting["name"]), _unquoted(setting["value"].rstrip())
        if setting["value"] == "":
            reading.tell(number, "differs", f"{name} is empty without quotes, which Debian's cron rejects")
        if not ENV_NAME.fullmatch(name):
            reading.tell(number, "differs", f"no variable can be called {name!r} here, so env leaves it out")
        reading.settings[name] = value
    else:
        try:
            reading.entries.append(_entry(reading, number, stripped))
        except NotCron as problem:
            reading.tell(number, "lost", f"not imported: {problem}")
        reading.comments.clear()


def _entry(reading: _Reading, number: int, line: str) -> Entry:
    if line.startswith("-") and line[1:2] in "*0123456789":
        line = line[1:]
        reading.tell(number, "note", "the minus keeps the start out of the system's log; here it is recorded")
    when, time, rest = _when(line)
    user = None
    if reading.form == "system":
        user, _, rest = _split(rest)
        if not _USER.fullmatch(user):
            raise NotCron(f"{user[:40]!r} is no user name, which stands before the command in this file")
    command, stdin = split_input(rest)
    if not command.strip():
        raise NotCron("there is no command")
    if len(rest) > LONGEST_COMMAND:
        reading.tell(
            number,
            "differs",
            f"the command has {len(rest)} characters; Debian's cron takes {LONGEST_COMMAND}",
        )
    if any(_is_drawing(text) for _, text in reading.comments):
        reading.leave_comments()  # the explanation of the fields, which stands above the first entry
    comments = tuple(text for _, text in reading.comments)
    return Entry(number, line, when, time, command, stdin, user, dict(reading.settings), comments)


def _when(line: str) -> tuple[str, CronTime | None, str]:
    if line.startswith("@"):
        word, _, rest = _split(line)
        if word == REBOOT:
            return word, None, rest
        if word not in NICKNAMES:
            known = ", ".join((REBOOT, *NICKNAMES))
            raise NotCron(f"{word[:40]!r} is none of {known}")
        return word, read_time(NICKNAMES[word].split()), rest
    words = line.split(None, 5)
    if len(words) < 6:
        anacron = (
            " (a line of an anacrontab has four: period, delay, name, command)" if len(words) > 3 else ""
        )
        raise NotCron(f"cron wants five fields and a command{anacron}")
    return " ".join(words[:5]), read_time(words[:5]), words[5]


def _split(text: str) -> tuple[str, str, str]:
    words = text.split(None, 1)
    return (words[0] if words else ""), " ", (words[1] if len(words) > 1 else "")


_PERCENT = re.compile(r"%|\\.|\\|[^%\\]+", re.DOTALL)


def split_input(command: str) -> tuple[str, str | None]:
    """The command, and what cron writes to its standard input: what follows the first bare `%`.

    Each further `%` is a line end, `\\%` is a percent sign, and the text ends with a line end.
    """
    written: list[list[str]] = [[]]
    for found in _PERCENT.finditer(command):
        if found[0] == "%":
            written.append([])
        else:
            written[-1].append("%" if found[0] == "\\%" else found[0])
    parts = ["".join(each) for each in written]
    if len(parts) == 1:
        return parts[0], None
    data = "\n".join(parts[1:])
    return parts[0], data if data.endswith("\n") or not data else data + "\n"


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _is_drawing(comment: str) -> bool:
    return _DIAGRAM.match(f"#{comment}") is not None


def comments_as_text(comments: Sequence[str]) -> str:
    """Comment lines as a description."""
    return "\n".join(comments).strip()
