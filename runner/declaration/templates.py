"""Where in a text does `${{ … }}` stand?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runner.declaration.problem import Path

OPENING, CLOSING = "${{", "}}"


class Template(NamedTuple):
    """One expression in a text; `closed` is false when its `}}` is missing."""

    expression: str
    closed: bool = True


def has_template(text: str) -> bool:
    """Whether a text holds `${{` (a fast test)."""
    return OPENING in text


CODE_IN_FILES = {"sql": "a SQL statement", "shell": "a shell script", "python": "Python source"}
"""Action kind → what its named file holds."""


def evaluated_in_code(what: str) -> tuple[str, str]:
    """What to tell of an expression inside code, and what to use instead.

    It is never evaluated there: text pasted into code is how injections happen.
    """
    instead = {
        "a SQL statement": "use a bind parameter: :name in the statement, and name under `with`",
        "Python source": 'read inputs["NAME"] there, or take a parameter of that name in a function',
    }.get(what, 'put the value under `env` and read it as "$NAME", or use argv')
    return f"${{{{ }}}} is never evaluated inside {what}", instead


def segments(text: str) -> list[str | Template]:
    """The text in its parts: plain pieces and templates, in order; empty pieces are left out.

    A `}}` in a text literal or in a mapping of the expression does not close it.
    """
    found: list[str | Template] = []
    at = 0
    while (start := text.find(OPENING, at)) >= 0:
        if start > at:
            found.append(text[at:start])
        end = _closing(text, start + len(OPENING))
        if end is None:
            return [*found, Template(text[start + len(OPENING) :].strip(), closed=False)]
        found.append(Template(text[start + len(OPENING) : end].strip()))
        at = end + len(CLOSING)
    if at < len(text):
        found.append(text[at:])
    return found


def texts_with_templates(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in a value (however deep) that holds `${{`, with its path."""
    if isinstance(value, str):
        if OPENING in value:
            yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from texts_with_templates(each, (*path, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from texts_with_templates(each, (*path, index))


def _closing(text: str, at: int) -> int | None:
    depth = 0
    quote = ""
    while at < len(text):
        sign = text[at]
        if quote:
            if sign == "\\":
                at += 1
            elif sign == quote:
                quote = ""
        elif sign in "\"'":
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            if depth == 0:
                return at if text.startswith(CLOSING, at) else None
            depth -= 1
        at += 1
    return None
