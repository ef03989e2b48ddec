"""How are a stop (TERM) and a step's timeout (ALRM) delivered to whatever the child is doing?

While a program runs, the signal goes to its process group and the wait for it goes on. While the job's own
Python code runs, an exception that is no `Exception` is raised in it. At any other moment it is only
noted, so that no message to the supervisor is cut in half.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from _signal import SIG_SETMASK, pthread_sigmask, set_wakeup_fd  # type: ignore[import-not-found]
from collections.abc import Iterator
from os import getpid, getppid
from types import FrameType

from runner.execution.processes import die_with_parent


class StopRequested(BaseException):
    """The supervisor wants this instance to end; clean up and let it pass."""


class StepTimeout(BaseException):
    """The step used up its timeout; clean up and let it pass."""


class FallsAsleep(BaseException):
    """The instance sleeps, which is recorded, and this process is to end; clean up and let it pass."""


NO_SHIELD = signal.SIGRTMIN
"""From the zygote: the TERM that comes with it is not to wait for the end of any step."""

PAUSE_WANTED = signal.SIGRTMIN + 1
"""From the zygote: code that makes checkpoints is to end at the next one."""

_SIGHUP, _SIGKILL = int(signal.SIGHUP), int(signal.SIGKILL)  # numbers: an enum's are more pages to copy

STEP_GRACE_S = 5.0
"""Between TERM and KILL for the program of a step that ran into its timeout."""


class Interruption:
    """What was asked of this process, and what it is doing. One per process, because signals are."""

    __slots__ = (
        "_bell", "_shielded", "_told", "_zygote", "armed", "patient", "pausing", "program", "stopping",
        "timed_out",
    )  # fmt: skip

    def __init__(self) -> None:
        self._bell = -1  # readable once a stop was asked for; made when somebody waits for that
        self._told = False
        self._shielded = False
        self.pausing = False
        self.patient = False  # the code asks for itself whether it is to stop
        self.stopping = False
        self.timed_out = False
        self.armed = False
        self.program = 0  # the process group that runs for the current step
        self._zygote = 0

    def prepare(self, zygote: int) -> None:
        """In the zygote, for its children: the handlers that they inherit. TERM stays blocked until then, and
        nothing of one that came earlier is left."""
        self._zygote = zygote
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, NO_SHIELD, PAUSE_WANTED))
        self.stopping = self._told = False
        signal.signal(signal.SIGHUP, self._on_orphaned)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(NO_SHIELD, self._on_no_shield)
        signal.signal(PAUSE_WANTED, self._on_pause)
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def arrive(self) -> None:
        """In the child: signals are its own from here on; a TERM that came before arrives now."""
        set_wakeup_fd(-1)
        # The functions of `signal` itself make enums of everything: a tenth of a child's whole life.
        pthread_sigmask(SIG_SETMASK, ())

    def check(self) -> None:
        """Raise what was noted while nothing could be raised."""
        if self.stopping:
            raise StopRequested
        if self.timed_out:
            raise StepTimeout

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, an interruption is raised at once."""
        self.armed = True
        try:
            self.check()
            yield
        finally:
            self.armed = False

    def wait(self, seconds: float) -> None:
        """Return after that time, or as soon as a stop or a pause is asked for."""
        if self._bell < 0:
            self._bell = os.eventfd(0, os.EFD_CLOEXEC)
        if not self.stopping and not self.pausing:  # from here on the bell rings
            poll = select.poll()
            poll.register(self._bell, select.POLLIN)
            poll.poll(seconds * 1000)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Inside, an interruption is only noted; a step's timeout is raised at the end."""
        armed, self.armed = self.armed, False
        try:
            yield
        finally:
            self.armed = armed
        if armed and self.timed_out:
            self.armed = False
            raise StepTimeout

    def start_timer(self, seconds: float) -> None:
        """Let the step time out after that many seconds."""
        self.timed_out = False
        # After the first alarm the others come every STEP_GRACE_S: for a program they are the KILL.
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), STEP_GRACE_S)

    def stop_timer(self) -> None:
        """No more timeout: the step is over."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def shield(self) -> None:
        """From here on a stop waits for the end of the step."""
        self._shielded = True

    def unshield(self) -> None:
        """The step is over: a stop that waited is wanted now."""
        self._shielded = False
        self.stopping = self._told

    def note_stop(self) -> None:
        """A stop was told in words; code that asks for it sees it from now on."""
        self._told = self.stopping = True

    def _on_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._told = True
        if not self._shielded:
            self._stop()

    def _on_no_shield(self, _signal: int, _frame: FrameType | None) -> None:
        self._told = True
        self._shielded = False
        self._stop()

    def _on_pause(self, _signal: int, _frame: FrameType | None) -> None:
        self.pausing = True
        self._ring()

    def _ring(self) -> None:
        if self._bell >= 0:
            os.eventfd_write(self._bell, 1)

    def _stop(self) -> None:
        self.stopping = True
        self._ring()
        if self.program:
            _kill(self.program, signal.SIGTERM)
        elif self.armed and not self.patient:
            self.armed = False  # once: `finally` blocks may take their time
            raise StopRequested

    def _on_alarm(self, _signal: int, _frame: FrameType | None) -> None:
        again, self.timed_out = self.timed_out, True
        if self.program:
            _kill(self.program, signal.SIGKILL if again else signal.SIGTERM)
        elif self.armed:
            self.armed = False
            raise StepTimeout

    def guard_program(self) -> None:
        """From here on the zygote's death is a signal that can still be acted on: the kernel's SIGKILL
        would end this process and leave the program to init."""
        die_with_parent(_SIGHUP)
        self._on_orphaned(_SIGHUP, None)

    def unguard_program(self) -> None:
        """The program is over: die with the zygote, whatever code is running."""
        self.program = 0
        die_with_parent(_SIGKILL)
        self._on_orphaned(_SIGHUP, None)

    def _on_orphaned(self, _signal: int, _frame: FrameType | None) -> None:
        if getpid() != self._zygote and getppid() != self._zygote:
            if self.program:
                _kill(self.program, signal.SIGKILL)
            os.killpg(0, signal.SIGKILL)


def _kill(group: int, signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal_number)


INTERRUPTION = Interruption()
