"""How does a step run a program, so that it ends with its step, its instance or its machine?

The program gets a process group of its own, inside the instance's session: a timeout of the step then
reaches the program and what it started, and not the harness. If the harness itself dies, its orphans are
adopted and killed by the zygote.
"""

from __future__ import annotations

import contextlib
import os
import signal
from _signal import (  # type: ignore[import-not-found]
    SIG_BLOCK,
    SIG_DFL,
    SIG_UNBLOCK,
    SIGCHLD,
    pthread_sigmask,
)
from _signal import signal as set_handler
from collections.abc import Callable, Mapping, Sequence
from select import POLLIN, poll

from runner.execution.actions.failure import ActionFailed
from runner.execution.child.interruption import INTERRUPTION, NO_SHIELD, StepTimeout, StopRequested

# As plain numbers and from `_signal`: `signal` itself makes enums of everything, pages of it.
_BLOCKED = tuple(map(int, (signal.SIGTERM, signal.SIGALRM, signal.SIGHUP, NO_SHIELD)))
# CPython ignores these; a program expects the default.
_RESET = (*_BLOCKED, *map(int, (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGCHLD)))


LOOK_EVERY_MS = 250
_POLL = poll()


def run_program(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, watch: Callable[[], None] | None = None
) -> int:
    """Run `argv` in `cwd` with exactly `env`, output to the log, until it ends; `watch` meanwhile. Its exit
    code, or -signal.

    Raises ActionFailed when it cannot be started or timed out, StopRequested when it ended because the
    instance is being stopped. A program that ends with success although it was told to stop has succeeded.
    """
    if not argv:
        raise ActionFailed("program-not-found", "there is no program to run: argv is empty")
    set_handler(SIGCHLD, SIG_DFL)  # the zygote's handler has nothing to do here
    pthread_sigmask(SIG_BLOCK, _BLOCKED)
    try:
        INTERRUPTION.check()
        INTERRUPTION.guard_program()
        pid = INTERRUPTION.program = _spawn(argv, env, cwd)
    except BaseException:
        INTERRUPTION.unguard_program()
        raise
    finally:
        pthread_sigmask(SIG_UNBLOCK, _BLOCKED)
    try:
        if watch is not None:
            _watch(pid, watch)
        _, status = os.waitpid(pid, 0)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        raise
    finally:
        INTERRUPTION.unguard_program()
    code = os.waitstatus_to_exitcode(status)
    if INTERRUPTION.timed_out:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # what it started and did not end
        raise StepTimeout
    if INTERRUPTION.stopping and code != 0:
        raise StopRequested
    return code


def _watch(pid: int, watch: Callable[[], None]) -> None:
    """Look now and then, until the program has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return  # too many descriptors: then it is looked at when it has ended
    try:
        _POLL.register(descriptor, POLLIN)
        while not _POLL.poll(LOOK_EVERY_MS):
            watch()
    finally:
        _POLL.unregister(descriptor)
        os.close(descriptor)


def _where(program: str, env: Mapping[str, str], cwd: str) -> str:
    """Where it was looked for: only a bare name is on the path (posix_spawnp(3))."""
    if "/" in program:
        return f"or the one its first line names is not; the step runs in {cwd}"
    return f"looked in PATH={env.get('PATH', '')}"


def _spawn(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> int:
    here = os.getcwd()  # noqa: PTH109 -- pathlib is not lean
    try:
        if cwd != here:
            os.chdir(cwd)
        return os.posix_spawnp(argv[0], list(argv), env, setpgroup=0, setsigdef=_RESET, setsigmask=())
    except FileNotFoundError:
        raise ActionFailed(
            "program-not-found",
            f"{argv[0]!r} is not an existing program ({_where(argv[0], env, cwd)})",
        ) from None
    except PermissionError:
        raise ActionFailed("program-not-executable", f"{argv[0]!r} may not be executed") from None
    except (OSError, ValueError) as error:
        retryable = isinstance(error, BlockingIOError | MemoryError)
        raise ActionFailed("program-not-started", f"{argv[0]!r}: {error}", retryable) from None
    finally:
        if cwd != here:
            os.chdir(here)
