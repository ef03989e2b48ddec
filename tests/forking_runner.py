"""The process that has imported the runner, and forks the commands of tests (see imported_runner).

Run as `python -P forking_runner.py REQUESTS LISTENER`, two descriptors. It has one thread, and ends when
nobody can ask any more.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

MOST_BYTES = 1 << 20
OTHERS = ("asyncio", "croniter", "httpx2", "jsonschema_rs", "ruamel.yaml", "sqlite_utils", "watchfiles")
"""What the runner imports only where it is used."""
NOT_OURS = ("runner.web", "runner.execution.actions")
"""What only other processes of the runner import, which are started by themselves here too."""


def serve(requests: socket.socket, listener: socket.socket) -> None:
    """Fork what is asked for, and say how each ended: to tests directly, to programs that connect."""
    endings: dict[int, socket.socket] = {}
    woken, waking = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests; they end what they started
    poll = select.poll()
    for each in (requests, listener, woken):
        poll.register(each, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == woken:
                os.read(woken, 4096)
                _tell_ends(endings)
                continue
            if descriptor == listener.fileno():
                ending, _ = listener.accept()
                message, streams = _received(ending)
            else:
                message, streams = _received(requests)
                if not message:
                    return
                ending = socket.socket(fileno=streams.pop(0))
            if (pid := os.fork()) == 0:
                become(json.loads(message), streams)
            endings[pid] = ending
            ending.send(str(pid).encode())
            for stream in streams:
                os.close(stream)


def _received(asking: socket.socket) -> tuple[bytes, list[int]]:
    size = array.array("i").itemsize
    message, ancillary, _, _ = asking.recvmsg(MOST_BYTES, socket.CMSG_SPACE(4 * size))
    return message, list(array.array("i", ancillary[0][2])) if ancillary else []


def _tell_ends(endings: dict[int, socket.socket]) -> None:
    while endings:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with endings.pop(pid) as ending, contextlib.suppress(OSError):
            ending.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(order: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be the command, in a process that looks as if it had just been started."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if order["new_session"]:
            os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 1 << 10)
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        time.tzset()
        unbuffered = bool(order["env"].get("PYTHONUNBUFFERED"))
        for number, name, errors in (
            (0, "stdin", "strict"),
            (1, "stdout", "strict"),
            (2, "stderr", "backslashreplace"),
        ):
            stream = open(number, "r" if number == 0 else "w", errors=errors, closefd=False)  # noqa: SIM115
            if number:
                stream.reconfigure(line_buffering=number == 2, write_through=unbuffered)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        sys.argv = ["runner", *order["arguments"]]
        from runner.cli.main import main

        code = _code_of(main)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _code_of(main: Any) -> int:
    """What an interpreter would end with after this."""
    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    else:
        return 0
    return 1


def import_all() -> None:
    """Everything that a command may import."""
    import runner

    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.startswith(NOT_OURS) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in OTHERS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # some installations have it; a thread would not be forked
    import_all()
    serve(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
