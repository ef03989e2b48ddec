"""Which values must not be shown? Those whose field is named like a secret, and secrets inside of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

MASK = "(masked)"

# The words, not the bare `key`: `key: id` of an upsert is no secret, `apiKey` is.
_WORDS = "|".join(
    (
        r"pass(?:words?|wd|phrases?)?(?![a-z])",
        r"secret|credential",
        r"token(?!url)",
        r"(?<![a-z])(?:pwd|auth)(?![a-z])",
        r"(?:api|private|access|secret|signing|encryption|account|shared)[-_]?key",
    )
)
_SECRET = re.compile(_WORDS, re.IGNORECASE)
_A_PLACE = re.compile(r"[-_](?i:file|path|dir)$|(?<=[a-z])(?:File|Path|Dir)$")
"""`PASSWORD_FILE` says where a secret is, never what it is."""

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})

# They say where a secret is, or what an input is for, never what it is.
REFERENCE_KEYS = frozenset(
    {"from", "authorization", "file", "env", "systemdCredential", "key", "type", "description", "required"}
)

# Inside of a text: names and values are bounded, so that no text takes long. A value that a program puts in
# ($VAR, ${{ }}, a call) is none.
_NAMED = rf"(?:{_WORDS})[\w-]{{0,20}}"
_QUOTED = r""""[^"\n]{1,500}"|'[^'\n]{1,500}'"""
_BARE = r"""[^\s"'`,;&|<>(){}\[\]]{1,500}(?![\w.]*\()"""
_VALUE = rf"(?![$<{{(]|null\b|None\b|true\b|false\b)(?:{_QUOTED}|{_BARE})"

_BEFORE = (
    r"(\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?\w{1,20}\s+)[^\s\"',;]{1,2000}",
    r"(\b(?-i:Bearer)\s+)[A-Za-z0-9._~+/=-]{6,}",
    r"(\b(?:identified\s+by|password)\s+)'[^'\n]{1,500}'",
    rf"((?<![\w.-])--[\w-]{{0,40}}?{_NAMED}(?:\s+|=)){_VALUE}",
    rf"((?<![\w.-])--[\w-]{{0,40}}?{_NAMED}[\"']?\s{{0,3}},\s{{0,3}}){_VALUE}",
    rf"({_NAMED}[\"']?\s{{0,3}}[=:]\s{{0,3}}){_VALUE}",
    rf"({_NAMED}[\"']?\s{{0,3}}:\s{{0,3}})\[[^\]\n]{{1,500}}\]",
)
"""What comes before a secret, and the secret: headers, SQL, options, `name=value`."""

_KEY = r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)"
_IN_A_URL = r"(?i)(\b[a-z][a-z0-9+.-]{0,30}+://[^\s/:@\"']{0,200}+):[^\s@\"']{1,500}+@"
_OF_A_HOST = (
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|xox[abeoprs]-[\w-]{10,}"
    r"|A[KS]IA[0-9A-Z]{16}|sk[-_](?:live|test|proj|ant)[-_][\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
"""Private keys, passwords in URLs, and tokens of the usual hosts."""

_HINTS = (
    r"(?i)pass|pwd|secret|token|credential|auth|key|://|bearer|identified"
    r"|gh[pousr]_|github_pat|glpat|xox|a[ks]ia|sk[-_]|eyj"
)
"""Without any of these nothing below fits: most values of a plan are looked at once."""


def masked(path: tuple[str, ...], value: Any) -> Any:
    """`value` as it may be shown at `path`: the same, or with its secrets replaced by `(masked)`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: masked((*path, str(key)), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(path, each) for each in value]
    if is_secret(path):
        return MASK
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """The text without what is a secret by its looks; what only says where one is stays."""
    hints, parts = _compiled()
    for pattern, replacement in parts if hints.search(text) else ():
        text = pattern.sub(replacement, text)
    return text


@cache
def _compiled() -> tuple[re.Pattern[str], Sequence[tuple[re.Pattern[str], str]]]:
    """Made when they are needed: a list of jobs has no text to mask, and waits for nothing."""
    before = [(re.compile(f"(?i){pattern}"), rf"\1{MASK}") for pattern in _BEFORE]
    url = (re.compile(_IN_A_URL), rf"\1:{MASK}@")
    return re.compile(_HINTS), [(re.compile(_KEY), MASK), url, *before, (re.compile(_OF_A_HOST), MASK)]


def is_secret(path: tuple[str, ...]) -> bool:
    """Whether a value at this path is a secret by the name of its field."""
    if "headers" in path and path[-1].lower() in _SECRET_HEADERS:
        return True
    named = [position for position, part in enumerate(path) if _SECRET.search(part)]
    if not named or _A_PLACE.search(path[-1]):
        return False
    return not REFERENCE_KEYS.intersection(path[named[0] + 1 :])
