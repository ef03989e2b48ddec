"""Tell the daemon that there is something to look at; nobody minds when nobody listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

SOCKET = "wake.sock"

A_START = b"start"
"""Said when nothing but a start was asked for; otherwise nothing is said."""


DRAIN = b"drain"
"""Said to make the daemon evict what can resume, and end."""

SOURCES = b"sources"
"""Said when somebody has asked for a look at a git source."""


def wake_daemon(state: Path, *, for_a_start: bool = False) -> bool:
    """Whether a daemon has been woken. Never fails, never waits; a daemon that is not woken polls."""
    return knock(state, A_START if for_a_start else b"")


def knock(state: Path, word: bytes) -> bool:
    """Whether a daemon hears the word."""
    try:
        folder = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.connect(f"/proc/self/fd/{folder}/{SOCKET}")  # a socket's own path holds 108 bytes only
            door.send(word)
    except BlockingIOError:  # its queue is full: it will look anyway
        return word != DRAIN
    except OSError:
        return False
    finally:
        os.close(folder)
    return True
