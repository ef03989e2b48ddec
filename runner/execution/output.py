"""What does a child print, and how is it kept?

One file per instance, one line per line: `2026-11-21T10:00:00.123Z <step> out|err <text>`.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from runner.execution.masks import NO_MASKS, Masks
from runner.vocabulary.duration import format_size

_LONGEST_LINE = 64 << 10  # bytes; a longer one is broken
_READ = 1 << 16  # bytes: a pipe's capacity, so one flood cannot hold up the others for long


class Output:
    """The two pipes that a child prints to, and the log that they go to. A pipe that is closed is -1."""

    __slots__ = ("err", "log", "out")

    def __init__(self, out: int, err: int, log: Log) -> None:
        self.out = out
        self.err = err
        self.log = log

    def read(self, descriptor: int, step: str) -> bool:
        """Take what was printed while `step` ran; False when nothing will come any more."""
        try:
            data = os.read(descriptor, _READ)
        except BlockingIOError:
            return True
        if data:
            self.log.write(step, "out" if descriptor == self.out else "err", data)
        return bool(data)

    def drain(self, step: str) -> None:
        """Take everything that is in the pipes now (their capacity bounds it)."""
        for stream, descriptor in (("out", self.out), ("err", self.err)):
            if descriptor < 0:
                continue
            for _ in range(16):
                try:
                    data = os.read(descriptor, _READ)
                except BlockingIOError:
                    break
                if not data:
                    break
                self.log.write(step, stream, data)

    def close_pipe(self, descriptor: int) -> None:
        """Nothing will come from that one any more."""
        os.close(descriptor)
        if descriptor == self.out:
            self.out = -1
        else:
            self.err = -1

    def close(self) -> None:
        """Close what is open, the log too."""
        for descriptor in (self.out, self.err):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self.out = self.err = -1
        self.log.close()


class Log:
    """The log file of one instance, made when there is something to write.

    Never raises for a full or missing disk: what cannot be written is dropped, and `problem` says why.
    """

    __slots__ = ("_descriptor", "_dropped", "_full", "_limit", "_masks", "_path", "_rest", "_size", "_step",
                 "problem", "received")  # fmt: skip

    def __init__(self, path: str, limit: int, masks: Masks = NO_MASKS) -> None:
        self._path = path
        self._limit = limit
        self._masks = masks
        self._descriptor = -1
        self._size = 0
        self._rest: dict[str, bytes] | None = None  # lines that have not ended yet
        self._step = "-"
        self._full = False
        self._dropped = 0
        self.received = 0
        self.problem: str | None = None

    def write(self, step: str, stream: str, data: bytes) -> None:
        """Take what was read from `stream` (`out` or `err`) while `step` ran."""
        self.received += len(data)
        if self._full:
            self._dropped += len(data)
            return
        if self._rest is None:
            self._rest = {"out": b"", "err": b""}
        if step != self._step:
            self._flush()
            self._step = step
        data = self._rest[stream] + data
        end = data.rfind(b"\n") + 1
        if end:
            self._rest[stream] = data[end:]
            self._append(stream, data[:end])
        elif len(data) > _LONGEST_LINE:
            data = self._masks.hide_bytes(data)
            # A secret may have begun in the last bytes, and so may a character.
            end = max(1, len(data) - self._masks.longest)
            while end > 1 and data[end : end + 1] and data[end] & 0xC0 == 0x80:
                end -= 1
            self._rest[stream] = data[end:]
            self._append(stream, data[:end] + b"\n")
        else:
            self._rest[stream] = data

    @property
    def is_full(self) -> bool:
        """Whether the limit has cut it."""
        return self._full and self.problem is None

    def close(self) -> None:
        """Write what has no line end yet, say what was dropped, close the file."""
        if self._rest is not None:
            self._flush()
        if self._dropped and self._descriptor >= 0:
            text = f"[runner] {format_size(self._dropped)} of output were not kept\n"
            self._put(self._prefix("err") + text.encode())
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _flush(self) -> None:
        if self._rest is not None:
            for stream, text in self._rest.items():
                if text and not self._full:
                    self._append(stream, text + b"\n")
                self._rest[stream] = b""

    def _append(self, stream: str, lines: bytes) -> None:
        """Write whole lines, each with its prefix, as far as the limit lets."""
        lines = self._masks.hide_bytes(lines)
        if not lines.isascii():
            lines = lines.decode("utf-8", "replace").encode()
        prefix = self._prefix(stream)
        text = prefix + lines.replace(b"\r\n", b"\n")[:-1].replace(b"\n", b"\n" + prefix) + b"\n"
        if self._descriptor < 0 and not self._open():
            return
        room = self._limit - self._size
        if len(text) > room:
            self._full = True
            kept = text.rfind(b"\n", 0, max(room, 0)) + 1
            self._dropped += len(lines) - text.count(b"\n", 0, kept)
            limit = format_size(self._limit)
            mark = f"[runner] the output limit of {limit} is reached; what follows is not kept\n"
            text = text[:kept] + prefix + mark.encode()
        self._put(text)

    def _prefix(self, stream: str) -> bytes:
        seconds, fraction = divmod(time.time(), 1)
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        return f"{clock}.{int(fraction * 1000):03d}Z {self._step} {stream} ".encode()

    def _open(self) -> bool:
        folder = Path(self._path).parent
        try:
            try:
                self._descriptor = _open_private(folder, self._path)
            except FileNotFoundError:
                for each in (folder.parent, folder):  # `parents` alone makes them with other permissions
                    each.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._descriptor = _open_private(folder, self._path)
            self._size = os.fstat(self._descriptor).st_size
        except OSError as error:
            self._give_up(error)
            return False
        return True

    def _put(self, text: bytes) -> None:
        try:
            while text:
                written = os.write(self._descriptor, text)
                self._size += written
                text = text[written:]
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._full = True
        self.problem = f"the log {self._path} cannot be written: {error.strerror}"


def _open_private(folder: Path, path: str) -> int:
    """The log, opened for appending; neither it nor its folder may be a link that a job has left there."""
    within = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(Path(path).name, flags, 0o600, dir_fd=within)
    finally:
        os.close(within)
