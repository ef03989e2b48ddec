"""Runs a program for a git source: bounded in time and output, in a group of its own, ended by a stop.

Never through a shell, with an environment that is made here: nothing of the machine's or the user's
configuration, which could name programs to run, is read.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.git.complaints import classify, complaint_of, is_too_much
from runner.vocabulary.errors import RunnerError

LARGEST_ANSWER = 64 * 2**20
"""Bytes on stdout: the names of 200,000 files fit in. A remote that lists more is cut off."""

LARGEST_COMPLAINT = 256 * 2**10

LARGEST_FILE = 4 * 2**30
"""Bytes of a file that git writes: the history of commits and folders of the largest known projects. Never
more than half of what is free: the database is on the same disk."""

MOST_MEMORY = 2**30
"""Bytes of data of one process: a list of a million files fits in. A tree of 10 folders with 10 folders each,
and so on, is small in a pack and endless in memory."""

COLLECTED_WITHIN_S, COLLECT_EVERY_S = 1.0, 0.005
"""Of processes that were killed; one that cannot end is left."""

_KEPT = (
    "PATH", "TMPDIR", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy",
    "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
)  # fmt: skip
"""How the machine reaches others is its operator's business; none of these names a program."""

_OPTIONS = (
    "--no-pager",
    "--no-replace-objects",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.attributesFile=/dev/null",
    "-c", "core.excludesFile=/dev/null",
    "-c", "core.autocrlf=false",
    "-c", "core.alternateRefsCommand=",
    "-c", "credential.helper=",
    "-c", "diff.external=",
    "-c", "submodule.recurse=false",
    "-c", "fetch.recurseSubmodules=false",
    "-c", "fetch.showForcedUpdates=false",
    "-c", "transfer.advertiseSID=false",
    "-c", "transfer.bundleURI=false",
    "-c", "http.followRedirects=false",
    "-c", "http.lowSpeedLimit=100",
    "-c", "http.lowSpeedTime=60",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "gc.autoDetach=false",
    "-c", "protocol.allow=never",
    "-c", "protocol.version=2",
    "-c", "advice.detachedHead=false",
)  # fmt: skip


class GitFailed(RunnerError):
    """It did not go; `reason` is a word of sources/outcome.py, the message one sentence."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Said:
    """How a program ended, and what it said."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def complaint(self) -> str:
        """The lines of stderr that say what is wrong, as one printable sentence."""
        return complaint_of(self.err)


@dataclass(slots=True)
class Program:
    """Runs git (and gpg) for one source; `stop` may be called from any thread.

    `home` is an empty private folder that stands for the user's. `scheme` is the one transport that is
    allowed. `given` and `descriptors` are what credentials need; `secrets` are blotted out of what is told.
    """

    home: Path
    scheme: str
    timeout_s: float
    given: dict[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    secrets: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End what runs, and let nothing more run."""
        self._stopped.set()
        process = self._process
        if process is not None:
            _kill(process)

    def git(
        self,
        folder: Path,
        *arguments: str,
        ok: Sequence[int] = (0,),
        within_s: float | None = None,
        feed: bytes = b"",
    ) -> Said:
        """Run git in `folder`; GitFailed when it ends with another code than those in `ok`."""
        allowed = ("-c", f"protocol.{self.scheme}.allow=always")
        said = self.run(["git", *_OPTIONS, *allowed, *arguments], folder, within_s, feed)
        if is_too_much(said.err, said.code):
            raise GitFailed(
                "TooLarge",
                f"git needs more than {MOST_MEMORY >> 20} MiB of memory, or a file of more than "
                f"{LARGEST_FILE >> 20} MiB or half of what is free on the disk; what is installed stays",
            )
        if said.code not in ok:
            raise GitFailed(*classify(self._blotted(said.err), said.code))
        return said

    def run(
        self, command: Sequence[str], folder: Path, within_s: float | None = None, feed: bytes = b""
    ) -> Said:
        """Run a program; GitFailed when it is not there, takes too long, says too much or was stopped.

        `feed` is its standard input.
        """
        if self._stopped.is_set():
            raise GitFailed("Stopped", "the runner stops")
        with tempfile.TemporaryFile(dir=self.home) if feed else open(os.devnull, "r+b") as told:  # noqa: PTH123
            told.write(feed)
            told.seek(0)
            return self._run(command, folder, within_s, told.fileno())

    def _run(self, command: Sequence[str], folder: Path, within_s: float | None, told: int) -> Said:
        try:
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=self._environment(),
                stdin=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
                pass_fds=self.descriptors,
            )
        except FileNotFoundError:
            if not folder.is_dir():
                raise GitFailed("LocalCopyDamaged", f"there is no folder {folder}") from None
            raise GitFailed("GitMissing", f"there is no program {command[0]}; install it") from None
        except OSError as problem:
            raise GitFailed("Trouble", f"{command[0]} cannot be started: {problem}") from None
        self._process = process
        try:
            self._bound(process.pid)
            if self._stopped.is_set():
                raise GitFailed("Stopped", "the runner stops")
            out, err = self._heard(process, command[0], min(self.timeout_s, within_s or self.timeout_s))
        finally:
            _kill(process)
            process.wait()
            _collect(process.pid)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            self._process = None
        if self._stopped.is_set():
            raise GitFailed("Stopped", "the runner stops")
        return Said(process.returncode, out, err.decode("utf-8", "replace"))

    def _heard(self, process: subprocess.Popen[bytes], name: str, timeout_s: float) -> tuple[bytes, bytes]:
        assert process.stdout is not None and process.stderr is not None
        out, err = bytearray(), bytearray()
        until = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, (out, LARGEST_ANSWER))
            selector.register(process.stderr, selectors.EVENT_READ, (err, LARGEST_COMPLAINT))
            while selector.get_map():
                ready = selector.select(max(until - time.monotonic(), 0))
                if not ready:
                    raise GitFailed("TimedOut", f"{name} did not end within {timeout_s:.0f} s")
                for key, _ in ready:
                    part = os.read(key.fd, 2**16)
                    if not part:
                        selector.unregister(key.fileobj)
                        continue
                    kept, limit = key.data
                    if len(kept) + len(part) <= limit:
                        kept += part
                    elif kept is out:
                        raise GitFailed("TooLarge", f"{name} said more than {LARGEST_ANSWER >> 20} MiB")
        try:
            process.wait(max(until - time.monotonic(), 1.0))
        except subprocess.TimeoutExpired:
            raise GitFailed("TimedOut", f"{name} did not end within {timeout_s:.0f} s") from None
        return bytes(out), bytes(err)

    def _bound(self, pid: int) -> None:
        """What it starts inherits it. No function of ours runs in the child: the daemon has threads."""
        largest = min(LARGEST_FILE, half_of_what_is_free(self.home))
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, largest))
            resource.prlimit(pid, resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        home = str(self.home)
        return {
            "PATH": os.defpath,
            **kept,
            "LC_ALL": "C",
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "GNUPGHOME": home,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_ALLOW_PROTOCOL": self.scheme,
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_EDITOR": "/bin/false",
            "GIT_DISCOVERY_ACROSS_FILESYSTEM": "0",
            **self.marks,
            **self.given,
        }

    def _blotted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "(masked)")
        return text


def half_of_what_is_free(folder: Path) -> int:
    """Bytes on the disk of `folder` that a source may take at once."""
    return shutil.disk_usage(folder).free // 2


def _collect(group: int) -> None:
    """What git had started falls to a daemon, which adopts orphans: nobody else would ever collect it."""
    until = time.monotonic() + COLLECTED_WITHIN_S
    with contextlib.suppress(ChildProcessError):  # there is nothing (more) of it
        while time.monotonic() < until:
            if os.waitpid(-group, os.WNOHANG) == (0, 0):
                time.sleep(COLLECT_EVERY_S)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole group: git starts helpers, and they ssh."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
