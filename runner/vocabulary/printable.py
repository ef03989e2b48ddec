"""Text from declarations, jobs and other processes, made safe for a terminal."""

from __future__ import annotations

import re

_STEERING = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff"
"""DEL and the C1 controls, line separators, direction marks and overrides, halves of surrogate pairs."""

_UNSAFE = re.compile(f"[\x00-\x08\x0a-\x1f{_STEERING}]")
_UNSAFE_IN_JSON = re.compile(f"[{_STEERING}]")  # JSON itself escapes the C0 controls


def printable(text: str) -> str:
    """One line, with control characters and direction overrides as escapes: nothing moves the cursor."""
    return _UNSAFE.sub(_escape, text)


def is_one_plain_line(text: str) -> bool:
    """Whether nothing in it could steer a terminal, end a line or move to the next column."""
    return "\t" not in text and _UNSAFE.search(text) is None


def printable_lines(text: str) -> str:
    """As `printable`, but line ends stay: for a message of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """JSON text with the same characters as JSON's own escapes: it stays the same value."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def visible(text: str) -> str:
    """As `printable`, and what cannot be seen (a no-break space, a zero-width joiner) as an escape, too."""
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escape(match: re.Match[str]) -> str:
    return _escaped(match[0])


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
