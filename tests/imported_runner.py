"""A runner that is imported once: each command of a test is a process that is forked from it.

Most of what a command costs is the start of its interpreter, and a run of the tests gives a thousand
commands. What is forked is a process of its own as ever, with its own streams, working directory,
environment, session and signals, and it goes through the same entry point; only everything has been imported
before. With RUNNER_TESTS_START_ANEW in the environment every command is the installed program instead, as a
person starts it; .ci/run does that too.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

RUNNER = str(Path(sys.executable).with_name("runner"))
FORKING = str(Path(__file__).with_name("forking_runner.py"))


def start_runner(*arguments: str, cwd: Path, **options: Any) -> Started:
    """Start a command there; the options are those of Popen. Its streams are text."""
    if "RUNNER_TESTS_START_ANEW" in os.environ or "LD_PRELOAD" in (options.get("env") or {}):
        return subprocess.Popen([RUNNER, *arguments], cwd=cwd, text=True, **options)
    return ForkedRunner(arguments, cwd, **options)


def run_runner(
    *arguments: str, cwd: Path, timeout_s: float, input: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """What a command said there, and its exit code."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start_runner(*arguments, cwd=cwd, **{**pipes, **options})
    try:
        out, err = process.communicate(input, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess([RUNNER, *arguments], process.returncode, out, err)


@functools.cache
def programs() -> Path:
    """A folder for PATH, whose program `runner` is one that forks, for what people write in a shell."""
    if "RUNNER_TESTS_START_ANEW" in os.environ:
        return Path(RUNNER).parent
    _imported_once()
    program = _folder() / "bin" / "runner"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable} -SE\nSOCKET = {str(_folder() / 'socket')!r}\n{ASKING}")
    program.chmod(0o755)
    return program.parent


ASKING = """\
import array, json, os, signal, socket, sys

asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
asked.connect(SOCKET)
order = {"arguments": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "new_session": False}
descriptors = array.array("i", [0, 1, 2])
asked.sendmsg([json.dumps(order).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
pid = int(asked.recv(64))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(pid, number))
code = int(asked.recv(64))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class ForkedRunner:
    """A command that was forked; what a Popen can do that tests ask of it.

    It is no child of this process: the one that forked it says how it ended.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        env: dict[str, str] | None = None,
        start_new_session: bool = False,
    ) -> None:
        self.args = [RUNNER, *arguments]
        self.returncode: int | None = None
        self._lock = threading.Lock()
        order = {
            "arguments": arguments,
            "cwd": str(cwd),
            "env": dict(os.environ if env is None else env),
            "new_session": start_new_session,
        }
        self._ending, its_ending = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        passed: list[int] = []
        self.stdin = self._ours(0, stdin, passed)
        self.stdout = self._ours(1, stdout, passed)
        self.stderr = self._ours(2, stderr, passed)
        descriptors = array.array("i", [its_ending.fileno(), *passed])
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
        _imported_once().sendmsg([json.dumps(order).encode()], control)
        its_ending.close()
        for descriptor in passed:
            os.close(descriptor)
        self.pid = int(self._ending.recv(64))

    @staticmethod
    def _ours(number: int, wanted: int | None, passed: list[int]) -> IO[str] | None:
        """Our end of a stream, if it is a pipe; its own end is passed on."""
        if wanted == subprocess.PIPE:
            reading, writing = os.pipe()
            passed.append(reading if number == 0 else writing)
            return os.fdopen(writing, "w") if number == 0 else os.fdopen(reading)
        if wanted == subprocess.DEVNULL:
            passed.append(os.open(os.devnull, os.O_RDWR))
        else:
            passed.append(
                os.dup(passed[1] if wanted == subprocess.STDOUT else number if wanted is None else wanted)
            )
        return None

    def poll(self) -> int | None:
        """Its exit code, or None while it runs; below zero the signal that ended it."""
        return self._look(socket.MSG_DONTWAIT)

    def _look(self, flags: int) -> int | None:
        with self._lock:
            if self.returncode is None:
                try:
                    said = self._ending.recv(64, flags)
                except BlockingIOError:
                    return None
                assert said, "who forked it is gone"
                self.returncode = int(said)
                self._ending.close()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended."""
        if self.poll() is None and self.returncode is None:
            import select

            poll = select.poll()
            poll.register(self._ending, select.POLLIN)
            if not poll.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        code = self._look(0)
        assert code is not None
        return code

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """All that it said on its two streams, and its end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        said = {"out": "", "err": ""}

        def read(name: str, stream: IO[str]) -> None:
            with stream:
                said[name] = stream.read()

        streams = [(name, it) for name, it in (("out", self.stdout), ("err", self.stderr)) if it is not None]
        readers = [threading.Thread(target=read, args=each, daemon=True) for each in streams]
        for reader in readers:
            reader.start()
        if self.stdin is not None:
            with self.stdin:
                self.stdin.write(input or "")
        for reader in readers:
            reader.join(None if deadline is None else max(deadline - time.monotonic(), 0))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline is None else max(deadline - time.monotonic(), 0.1))
        return said["out"], said["err"]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended this moment
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Started = subprocess.Popen[str] | ForkedRunner


@functools.cache
def _imported_once() -> socket.socket:
    """Where to ask for a process; who forks them is started with the first question, and ends with us."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(_folder() / "socket"))
    listener.listen(100)
    with theirs, listener:
        passed = (theirs.fileno(), listener.fileno())
        forking = subprocess.Popen(
            [sys.executable, "-P", FORKING, *map(str, passed)], pass_fds=passed, cwd="/"
        )

    def end() -> None:
        ours.close()
        forking.wait()

    atexit.register(end)
    return ours


@functools.cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="runner-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
