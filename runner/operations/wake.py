"""Tell the daemon that there is something to look at; nobody minds when nobody listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

SOCKET = "wake.sock"


def wake_daemon(state: Path) -> bool:
    """Whether a daemon has been woken. Never fails, never waits; a daemon that is not woken polls."""
    try:
        folder = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knock:
            knock.setblocking(False)
            knock.connect(f"/proc/self/fd/{folder}/{SOCKET}")  # a socket's own path holds 108 bytes only
            knock.send(b"")
    except BlockingIOError:  # its queue is full: it will look anyway
        return True
    except OSError:
        return False
    finally:
        os.close(folder)
    return True
