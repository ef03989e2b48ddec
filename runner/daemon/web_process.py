"""Starts the listener as a process of its own, keeps it up, and tells where it is.

It has its own interpreter and database connection, so nothing that a client does slows the loop here, and
none of its libraries is in this process. The socket is opened here: a port that is taken is told in one
sentence, is tried again, and keeps no job from running.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runner.execution.marks import MARK, mark_of

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Before it is started again, or the port tried again."""

STOP_S = 5.0
"""For its end; it gives answers under way three seconds."""

BACKLOG = 1024


class WebProcess:
    """There is one when `adjust` was last called with settings; `up` hears its address."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        project: Path,
        database: Path,
        up: Callable[[str], None],
        trouble: Callable[[str, BaseException], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._project = project
        self._database = database
        self._up = up
        self._trouble = trouble
        self.changed = changed
        self._settings: Mapping[str, Any] | None = None
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._pause_s = FIRST_PAUSE_S
        self.reachable = False

    def adjust(self, settings: Mapping[str, Any] | None) -> None:
        """Be as the Runner declares it now: there or not, and where."""
        if settings == self._settings:
            return
        self._end()
        self._settings = settings
        self._pause_s = FIRST_PAUSE_S
        if settings is not None:
            self._begin()

    def call(self) -> None:
        """There may be a webhook to call."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it has just ended, or has enough to read
                self._process.stdin.write(b"\n")

    async def stop(self) -> None:
        """Let answers under way end, and be gone."""
        self._settings = None
        process = self._end()
        if process is not None:
            await self._loop.run_in_executor(None, _wait, process)

    def _begin(self) -> None:
        self._again = None
        settings = self._settings
        if settings is None or self._process is not None:
            return
        try:
            if self._socket is None:
                self._socket = _listening(settings["bind"], settings["port"])
            self._start(settings, self._socket)
        except OSError as problem:
            place = f"{settings['bind']}:{settings['port']}"
            self._trouble(f"opening the listener on {place} (jobs run without it)", _told(problem, place))
            self._later()

    def _start(self, settings: Mapping[str, Any], listening: socket.socket) -> None:
        address = _url(_name(settings), listening.getsockname()[1])
        env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **_inherited()}
        env[MARK] = mark_of(self._database.parent)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.web.main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=env,
            cwd="/",
            pass_fds=(listening.fileno(),),
            process_group=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        told = {
            "socket": listening.fileno(),
            "project": str(self._project),
            "database": str(self._database),
            "bind": settings["bind"],
            "hosts": list(settings["hosts"]),
            "origins": list(settings["origins"]),
            "base_url": (settings["baseUrl"] or address).rstrip("/"),
        }
        with contextlib.suppress(OSError):  # it has ended already, which is heard below
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
        os.set_blocking(self._process.stdin.fileno(), False)
        self._loop.add_reader(self._process.stdout.fileno(), self._heard, self._process, address)

    def _heard(self, process: subprocess.Popen[bytes], address: str) -> None:
        assert process.stdout is not None
        if os.read(process.stdout.fileno(), 4096):
            if not self.reachable:  # the one word that it says may come in pieces
                self._pause_s = FIRST_PAUSE_S
                self.reachable = True
                self._up(address)
                self.changed()
            return
        self._forget(process)
        self._process, self.reachable = None, False
        code = process.poll()
        died = RuntimeError(f"it ended by itself ({'killed' if code is None else f'exit code {code}'})")
        self._trouble("serving HTTP (the listener is started again)", died)
        self._loop.run_in_executor(None, _wait, process)
        self._later()

    def _later(self) -> None:
        self._again = self._loop.call_later(self._pause_s, self._begin)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _end(self) -> subprocess.Popen[bytes] | None:
        process, self._process, self.reachable = self._process, None, False
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if process is not None:
            self._forget(process)
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        return process

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._loop.remove_reader(process.stdout.fileno())
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()


def _listening(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ipaddress.ip_address(bind).version == 6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bind, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _name(settings: Mapping[str, Any]) -> str:
    """By which others call it: no address means all of them."""
    bind = str(settings["bind"])
    anywhere = ipaddress.ip_address(bind).is_unspecified
    return str(settings["hosts"][0]) if anywhere and settings["hosts"] else bind


def _url(bind: str, port: int) -> str:
    return f"http://[{bind}]:{port}" if ":" in bind else f"http://{bind}:{port}"


def _told(problem: OSError, place: str) -> OSError:
    return OSError(
        f"{place}: {problem.strerror or problem}; end what uses it, or declare another spec.web.port"
    )


def _inherited() -> dict[str, str]:
    """What credentials may be read from: the environment of the daemon is where `from: {env: …}` looks."""
    return {name: value for name, value in os.environ.items() if name != "RUNNER_TOKEN"}


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
