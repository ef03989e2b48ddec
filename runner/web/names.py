"""By which names may the listener be called, from which origins, and with which URLs?

Host is checked against DNS rebinding, Origin against pages of other sites; a token in a URL is refused,
because URLs end up in logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from runner.access.token import PREFIX
from runner.web.problems import problem

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECRET_NAMES = frozenset({"token", "access_token", "api_key", "apikey", "authorization", "key", "secret"})


@dataclass(frozen=True, slots=True)
class Names:
    """By which names the listener may be called, and which origins may send requests."""

    hosts: frozenset[str]
    origins: frozenset[str]


def names_of(bind: str, hosts: Sequence[str], origins: Sequence[str], base_url: str) -> Names:
    """What the declaration allows, with loopback, the address itself, and the address for others."""
    base = urlsplit(base_url)
    own = {name.lower() for name in (*LOOPBACK, bind, *hosts, base.hostname or "")} - {"", "0.0.0.0", "::"}  # noqa: S104
    return Names(frozenset(own), frozenset({*origins, f"{base.scheme}://{base.netloc}"}))


class Headers:
    """The headers of a request: each may be there more than once."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def all(self, name: bytes) -> list[str]:
        """Every value of that name (lower case)."""
        return [value.decode("latin-1") for key, value in self._raw if key.lower() == name]

    def one(self, name: bytes) -> str:
        """The first value of that name; empty when there is none."""
        return next(iter(self.all(name)), "")


def refused(names: Names, scope: Mapping[str, Any], headers: Headers) -> dict[str, Any] | None:
    """The problem with where a request goes, where it comes from, or its URL; None when it may pass."""
    host = _host(headers.all(b"host"))
    if host is None:
        return problem("bad-host", "Bad Host", 400, "exactly one Host header is needed")
    if host not in names.hosts:
        detail = "the listener is not called by that name; declare it in spec.web.hosts of the Runner"
        return problem("wrong-host", "Wrong Host", 421, detail)
    origins = headers.all(b"origin")
    foreign = headers.one(b"sec-fetch-site") not in ("", "same-origin", "none")
    own = {f"{scheme}://{headers.one(b'host').lower()}" for scheme in ("http", "https")}
    if any(origin not in names.origins | own for origin in origins) or (foreign and not origins):
        detail = "pages of that origin may not send requests here; spec.web.origins of the Runner allows one"
        return problem("wrong-origin", "Wrong Origin", 403, detail)
    query = scope.get("query_string", b"").decode("latin-1")
    path = str(scope.get("path", ""))
    named = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True, max_num_fields=None)}
    if PREFIX in query or PREFIX in path or named & _SECRET_NAMES:
        detail = "a token belongs into the header Authorization; revoke it, because URLs end up in logs"
        return problem("token-in-url", "Token in the URL", 400, detail)
    return None


def _host(given: Sequence[str]) -> str | None:
    """The name without its port, in lower case; None when there is not exactly one that can be read."""
    if len(given) != 1 or any(letter in given[0] for letter in "/?#@ \\,"):
        return None
    try:
        parts = urlsplit(f"//{given[0]}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname
