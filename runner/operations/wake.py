"""Tell the daemon that there is something to look at; nobody minds when nobody listens."""

from __future__ import annotations

import socket
from pathlib import Path

SOCKET = "wake.sock"


def wake_daemon(state: Path) -> bool:
    """Whether a daemon listens on this state directory; it has been woken. Never fails, never waits."""
    return _knock(state, say_something=True)


def daemon_listens(state: Path) -> bool:
    """Whether a daemon listens on this state directory. Leaves it asleep."""
    return _knock(state, say_something=False)


def _knock(state: Path, *, say_something: bool) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knock:
        knock.setblocking(False)
        try:
            knock.connect(str(state / SOCKET))
            if say_something:
                knock.send(b"")
        except BlockingIOError:  # its queue is full: it will look anyway
            return True
        except (OSError, ValueError):  # no socket, nobody behind it, or a path that no socket can have
            return False
    return True
