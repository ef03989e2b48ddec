"""What is a line of a crontab called? A name that a reader recognises, and that no other line has."""

from __future__ import annotations

import re
from collections.abc import Collection

_LONGEST = 63
_ENOUGH = 40
"""A name is to be read in a table; a comment may be a paragraph."""

_BETWEEN = re.compile(r"\|\||&&|[;|&{}()`]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=\S*")
_WORD = re.compile(r"[a-z][a-z0-9_:.-]{0,30}")
_SUFFIX = re.compile(r"\.(sh|bash|py|pl|rb|php|js|ts|jar|bin|exe)$")
_GUARDS = r"\[|\[\[|test|cd|true|false|:|\.|source|export|set|if|then|fi|else|sleep|umask|ulimit"
_WRAPPERS = (
    "nice|ionice|chrt|nohup|setsid|exec|command|env|sudo|su|timeout|time|flock|chronic|cronic|stdbuf|"
    "systemd-cat|logger|ts|unbuffer|eatmydata|sem|runuser|doas"
)
_INTERPRETERS = "sh|bash|dash|zsh|ksh|python[0-9.]*|perl|ruby|php[0-9.]*|node|nodejs|java|Rscript|wget|curl"


def name_from_command(command: str) -> str:
    """`certbot-renew` for `test -x /usr/bin/certbot && certbot -q renew`; empty when nothing can be made."""
    for segment in _BETWEEN.split(command):
        words = [word.strip("'\"") for word in segment.split()]
        while words and (_ASSIGNMENT.fullmatch(words[0]) or words[0] == "!"):
            words.pop(0)
        while words and re.fullmatch(_WRAPPERS, _program(words[0])):
            words = _without_options(words[1:])
        if words and not re.fullmatch(_GUARDS, _program(words[0])) and slug(_program(words[0])):
            return slug(_named(words))
    return ""


def name_from_comment(comments: Collection[str]) -> str:
    """The first comment line as a name; empty when there is none."""
    return next((name for name in map(slug, comments) if name), "")


def unique(name: str, taken: Collection[str]) -> str:
    """The name, or with `-2`, `-3` … the first that nobody has."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        suffix = f"-{number}"
        candidate = name[: _LONGEST - len(suffix)].rstrip("-") + suffix
    return candidate


def slug(text: str) -> str:
    """Lower-case letters, digits and inner hyphens, cut at a word."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(name) > _ENOUGH:
        name = name[: _ENOUGH + 1].rpartition("-")[0] or name[:_ENOUGH]
    return name.strip("-")


def _named(words: list[str]) -> str:
    program = _program(words[0])
    further = [word for word in words[1:] if not word.startswith(("-", "<", ">", "$", "2>", "1>"))]
    if re.fullmatch(_INTERPRETERS, program) and further:
        return _SUFFIX.sub("", _last_part(further[0]))
    if program == "run-parts" and further:
        return f"run-parts-{_last_part(further[0])}"
    program = _SUFFIX.sub("", program)
    return f"{program}-{further[0]}" if further and _WORD.fullmatch(further[0]) else program


def _without_options(words: list[str]) -> list[str]:
    """What a wrapper runs: without its options, their numbers, its assignments and lock files."""
    while words and (
        words[0].startswith("-")
        or re.fullmatch(r"[0-9]+[smhd]?", words[0])
        or _ASSIGNMENT.fullmatch(words[0])
        or "lock" in words[0]
    ):
        words = words[1:]
    return words


def _program(word: str) -> str:
    return _last_part(word)


def _last_part(word: str) -> str:
    return word.rstrip("/").rpartition("/")[2]
