"""Reads one secret text from where it is kept: an environment variable, a file, a systemd credential."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

LIMIT = 64 * 1024
"""Bytes of one secret. A password, token or key is far below it; a log file named by mistake is above."""

SOURCES = ("env", "file", "systemdCredential")

Warn = Callable[[str], None]


class Unreadable(Exception):
    """There is no usable secret at this source; the message says where it was looked for and what now."""


def read_env(name: str, environ: Mapping[str, str]) -> str:
    """The value of the environment variable `name`; Unreadable when it is unset or empty."""
    value = environ.get(name)
    if value is None:
        raise Unreadable(f"environment variable {name} is not set; set it where the runner is started")
    if not value:
        raise Unreadable(f"environment variable {name} is empty; give it a value where the runner is started")
    return value


def read_file(path: Path, warn: Warn) -> str:
    """The text of the file `path` without its last line end.

    Links are followed, because mounted secrets (Kubernetes) are links. `warn` is told when others than the
    owner may read the file.
    """
    mode, content = _content(path, str(path))
    if is_open(mode):
        warn(f"{told_open(path, mode)}; run: chmod 600 {path}")
    return _text(content, f"file {path}")


def is_open(mode: int) -> bool:
    """Whether others than the owner may read a file with this mode."""
    return bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def told_open(path: Path, mode: int) -> str:
    """The same in words."""
    return f"file {path} can be read by others (mode {stat.S_IMODE(mode):04o})"


def read_systemd_credential(name: str, environ: Mapping[str, str]) -> str:
    """The systemd credential `name`, from the directory that systemd gives the service."""
    if not name or "/" in name or name in (".", ".."):
        raise Unreadable(f"{name!r} is not the name of a systemd credential; a name has no '/'")
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise Unreadable(
            f"systemd credential {name}: CREDENTIALS_DIRECTORY is not set; add LoadCredential={name}:PATH to "
            "the unit, and start the runner by it"
        )
    path = Path(folder) / name
    _, content = _content(path, f"systemd credential {name} ({path})")
    return _text(content, f"systemd credential {name} ({path})")


def _content(path: Path, what: str) -> tuple[int, bytes]:
    """Mode and content; never blocks on a fifo, and never reads more than the limit."""
    try:
        # O_NONBLOCK: opening a fifo that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unreadable(f"{what} does not exist; create it, or correct the path") from None
    except OSError as error:
        raise Unreadable(
            f"{what} cannot be opened ({error.strerror}); let the user that runs the runner read it"
        ) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable(f"{what} is not a regular file; name the file that holds the secret")
        content = bytearray()
        while len(content) <= LIMIT and (chunk := os.read(descriptor, LIMIT + 1 - len(content))):
            content += chunk
    except OSError as error:
        raise Unreadable(f"{what} cannot be read ({error.strerror}); check the disk it is on") from None
    finally:
        os.close(descriptor)
    if len(content) > LIMIT:
        raise Unreadable(
            f"{what} is larger than {LIMIT // 1024} KiB; name the file that holds only the secret"
        )
    return mode, bytes(content)


def _text(content: bytes, what: str) -> str:
    """The secret as text without one trailing line end, which editors and `echo` add."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        # `from None`: the decode error carries the content.
        raise Unreadable(
            f"{what} is not UTF-8 text; store the secret as text, for example as base64"
        ) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if "\0" in text:
        raise Unreadable(f"{what} contains a NUL byte; store the secret as text, for example as base64")
    if not text:
        raise Unreadable(f"{what} is empty; write the secret into it")
    return text
