"""Is this the address of a repository that may be handed to git, and what kind of one?

git has transports that run programs (`ext::`), and ssh takes a host that begins with a dash for an option:
only what is known to be harmless passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Scheme = Literal["https", "http", "ssh", "git", "file"]

LONGEST = 1024
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
_PATH = r"[^\s\x00-\x20\x7f?#]+"
_URL = re.compile(
    rf"(?P<scheme>https|http|ssh|git)://(?:(?P<user>{_USER})@)?(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?"
    rf"/(?P<path>{_PATH})\Z"
)
_SCP = re.compile(rf"(?:(?P<user>{_USER})@)(?P<host>{_HOST}):(?P<path>(?![-/:]){_PATH}|/{_PATH})\Z")
_FILE = re.compile(r"(?:file://)?(?P<path>/[^\x00-\x1f\x7f]+)\Z")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Remote:
    """`url` is what git is given, without credentials. `host` is empty for a folder of this machine."""

    url: str
    scheme: Scheme
    host: str = ""

    @property
    def proves_itself(self) -> bool:
        """Whether it is certain who answers: not over http and git to another machine."""
        return self.scheme not in ("http", "git") or self.host in _LOOPBACK

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, as git names it when it asks for a password."""
        start = self.url.find("/", self.url.find("://") + 3)
        return self.url[:start]


def parse_remote(text: str) -> Remote:
    """The address; ValueError that says what is wrong with it and what is accepted, without repeating it.

    A password in it would stand in files and process lists; it belongs into an Authorization.
    """
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    if (found := _URL.match(text)) is not None:
        scheme = found["scheme"]
        if found["user"] and scheme != "ssh":
            raise ValueError("a user in the URL; put user and password into an Authorization")
        if found["port"] and not 0 < int(found["port"]) < 65536:
            raise ValueError("the port is no number from 1 to 65535")
        return Remote(text, scheme, found["host"].lower())  # type: ignore[arg-type]
    if (found := _FILE.match(text)) is not None:
        return Remote(f"file://{found['path']}", "file")
    if (found := _SCP.match(text)) is not None:
        return Remote(text, "ssh", found["host"].lower())
    if re.match(r"[a-z0-9+]+://[^/]*:[^/]*@", text, re.IGNORECASE):
        raise ValueError("a password in the URL; put user and password into an Authorization")
    raise ValueError(
        "write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH, without blanks, "
        "'?' and '#'"
    )
