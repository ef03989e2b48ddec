"""Splits SQL text into statements, and finds their bind parameters, by the database's own rules.

A `;` or a `:name` inside a literal, a quoted name, a comment or a PostgreSQL dollar quote is text. Nothing is
ever put into the SQL: a `:name` stays a parameter until the driver sends its value beside the statement.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r"'(?:[^']|'')*'"
_NAME = r'"(?:[^"]|"")*"'
_TICKED = r"`(?:[^`]|``)*`"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*'"
_COMMENT = r"--[^\n]*"
_BLOCK = r"/\*.*?\*/"

# dialect: what is text, and what begins text that has no end
_TEXT = {
    "sqlite": (rf"{_STRING}|{_NAME}|{_TICKED}|\[[^\]]*\]|{_COMMENT}|{_BLOCK}", r"['\"`\[]|/\*"),
    "postgresql": (
        rf"(?<![\w$])[eE]{_ESCAPED}|(?<![eE]){_STRING}|{_NAME}|{_COMMENT}"
        r"|(?P<dollar>(?<![\w$])\$(?:[A-Za-z_]\w*)?\$)|(?P<nested>/\*)",
        r"['\"]",
    ),
    # In MariaDB `--` begins a comment only before a space, and "…" is text like '…'.
    "mariadb": (
        rf'{_ESCAPED}|"(?:[^"\\]|\\.|"")*"|{_TICKED}|--(?=\s|$)[^\n]*|\#[^\n]*|{_BLOCK}',
        r"['\"`]|/\*",
    ),
}
_TOKENS = {
    dialect: re.compile(
        rf"(?P<text>{text})|(?P<open>{opening})|(?P<cast>::)"
        r"|(?P<parameter>(?<![:\w\\]):[A-Za-z_]\w*)|(?P<colon>:)|(?P<end>;)",
        re.DOTALL,
    )
    for dialect, (text, opening) in _TEXT.items()
}
_NESTED = re.compile(r"/\*|\*/")

_TRIGGER = re.compile(r"\s*CREATE\s+(?:TEMP\w*\s+)?TRIGGER\b", re.IGNORECASE)
_ROUTINE = re.compile(r"\s*CREATE\b.*?\b(?:PROCEDURE|FUNCTION|TRIGGER|EVENT)\b.*\bBEGIN\b", re.I | re.S)
_ATOMIC = re.compile(r"\bBEGIN\s+(?:NOT\s+)?ATOMIC\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+")


class Unfinished(ValueError):
    """A literal, a quoted name or a comment has no end; the message names the line where it begins."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `text` is for SQLAlchemy's `text()`, in `code` literals are `?` and comments blank."""

    text: str
    code: str
    parameters: tuple[str, ...]
    line: int

    @property
    def words(self) -> tuple[str, ...]:
        """Its words in upper case, without literals, quoted names and comments."""
        return tuple(word.upper() for word in _WORD.findall(self.code))


def split(sql: str, dialect: str) -> tuple[Statement, ...]:
    """The statements of `sql`, empty ones left out. `dialect` is sqlite, postgresql or mariadb.

    A statement that has statements inside is kept whole: a trigger in SQLite to its END; a routine in MariaDB
    and BEGIN ATOMIC in PostgreSQL to the end of the text. Unfinished when a literal or comment has no end.
    """
    found: list[Statement] = []
    text: list[str] = []
    code: list[str] = []
    parameters: dict[str, None] = {}
    start = position = 0
    for kind, begin, end in [*_tokens(sql, dialect), ("end of text", len(sql), len(sql))]:
        text.append(sql[position:begin])
        code.append(sql[position:begin])
        token, position = sql[begin:end], end
        inside = kind == "end" and not _is_whole("".join(code), sql[start:end], dialect)
        if kind in ("end", "end of text") and not inside:
            if "".join(code).strip():
                line = sql.count("\n", 0, start) + _lines_before("".join(code)) + 1
                found.append(Statement("".join(text).strip(), "".join(code), tuple(parameters), line))
            text, code, parameters, start = [], [], {}, end
            continue
        if kind == "parameter":
            parameters[token[1:]] = None
            token += " "  # text() does not see a parameter right before a cast, `:day::date`
        # text() reads `:name` anywhere as a parameter, and `\:` as a colon.
        text.append(token.replace(":", "\\:") if kind in ("text", "colon") else token)
        code.append(_blanked(token) if kind == "text" else token)
    return tuple(found)


def _blanked(token: str) -> str:
    """As many lines, so that line numbers hold; a literal stays one opaque word."""
    lines = "\n" * token.count("\n")
    return f" {lines}" if token.startswith(("--", "/*", "#")) else f"?{lines}"


def _lines_before(code: str) -> int:
    """Line ends before the first word; blanked comments have kept theirs."""
    return code[: len(code) - len(code.lstrip())].count("\n")


def _is_whole(code: str, raw: str, dialect: str) -> bool:
    """Whether this `;` ends the statement, not one inside of it."""
    if dialect == "sqlite":
        return not _TRIGGER.match(code) or sqlite3.complete_statement(raw)
    if _ATOMIC.search(code):
        return False
    return dialect != "mariadb" or not _ROUTINE.match(code)


def _tokens(sql: str, dialect: str) -> Iterator[tuple[str, int, int]]:
    """What is not plain code: (text | cast | parameter | colon | end, begin, end)."""
    position = 0
    while match := _TOKENS[dialect].search(sql, position):
        begin, position = match.span()
        groups = match.groupdict()
        if groups["open"]:
            raise _unfinished(sql, begin)
        if groups.get("dollar"):
            closing = sql.find(match.group(), position)
            if closing < 0:
                raise _unfinished(sql, begin)
            position = closing + len(match.group())
        elif groups.get("nested"):
            position = _end_of_comment(sql, begin)
        kind = next(k for k in ("text", "cast", "parameter", "colon", "end") if groups[k])
        yield kind, begin, position


def _end_of_comment(sql: str, begin: int) -> int:
    """PostgreSQL's comments nest, as the SQL standard has them."""
    depth = 0
    for match in _NESTED.finditer(sql, begin):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise _unfinished(sql, begin)


def _unfinished(sql: str, begin: int) -> Unfinished:
    line = sql.count("\n", 0, begin) + 1
    return Unfinished(f"line {line}: what begins with {sql[begin : begin + 20]!r} has no end")
