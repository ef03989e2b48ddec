"""What did an instance print, and how is it kept and read?

One file per instance, one line per line: `2026-11-21T10:00:00.123Z <step> out|err <text>`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from runner.vocabulary.duration import format_size

MASKED = "***"
SHORTEST_MASK = 4
"""Characters: masking shorter texts would blank out half of every log, and tell their places."""
_LONGEST_LINE = 64 << 10  # bytes; a longer one is broken


class Masks:
    """The secrets of one instance, and their replacement."""

    __slots__ = ("_bytes", "_text", "longest")

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            # The lines of a key are masked each: it may be printed over several reads.
            for text in (secret, secret.strip(), *secret.splitlines()):
                for form in (text, quote(text, safe=""), repr(text)[1:-1], *_base64_forms(text)):
                    if len(form) >= SHORTEST_MASK and form.strip():
                        forms.add(form)
        ordered = sorted(forms, key=len, reverse=True)
        self.longest = len(ordered[0].encode()) if ordered else 0
        self._text = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        encoded = [re.escape(form.encode("utf-8", "surrogateescape")) for form in ordered]
        self._bytes = re.compile(b"|".join(encoded)) if ordered else None

    def hide(self, text: str) -> str:
        """`text` without the secrets."""
        return text if self._text is None else self._text.sub(MASKED, text)

    def hide_bytes(self, data: bytes) -> bytes:
        """`data` without the secrets."""
        return data if self._bytes is None else self._bytes.sub(MASKED.encode(), data)

    def hide_all(self, value: Any) -> Any:
        """The same JSON value with every text in it hidden."""
        if self._text is None:
            return value
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(name): self.hide_all(inner) for name, inner in value.items()}
        return [self.hide_all(inner) for inner in value] if isinstance(value, list) else value


def _base64_forms(secret: str) -> Iterator[str]:
    """How a secret looks in base64, alone and within a longer text: in `Authorization: Basic …` a name leads.

    Both alphabets, with and without padding, and in lines of 64 and 76 characters. Within a longer text it
    begins at one of three places of a group; what depends on its neighbours there is left out.
    """
    data = secret.encode("utf-8", "surrogateescape")
    if len(data) < SHORTEST_MASK:
        return
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        alone = encode(data).decode()
        yield alone
        yield alone.rstrip("=")
        for width in (64, 76):
            if len(alone) > width:
                yield from (alone[at : at + width] for at in range(0, len(alone), width))
        for before in range(3):
            within = encode(b"\0" * before + data).decode()
            first, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
            yield within[first:end]


NO_MASKS = Masks(())


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


class LogLine(NamedTuple):
    """One line as it was kept; `at` is UTC text, `stream` is `out` or `err`."""

    at: str
    step: str
    stream: str
    text: str


def read_log(path: Path | str, step: str | None = None) -> Iterator[LogLine]:
    """The lines of a log (of one step, if named); none when the instance printed nothing."""
    with contextlib.suppress(FileNotFoundError), Path(path).open("rb") as file:
        for line in file:
            if (parsed := _parsed(line)) is not None and step in (None, parsed.step):
                yield parsed


def follow_log(
    path: Path | str,
    stop: Callable[[], bool],
    step: str | None = None,
    *,
    wait: Callable[[float], None] = time.sleep,
    every_s: float = 0.05,
) -> Iterator[LogLine]:
    """As `read_log`, then what is added, until `stop()` says that the instance has ended and all is read."""
    position, rest = 0, b""
    while True:
        ended = stop()  # asked first: what was written before the end is then read after it
        with contextlib.suppress(FileNotFoundError), Path(path).open("rb") as file:
            file.seek(position)
            while part := file.read(1 << 16):
                position += len(part)
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if (parsed := _parsed(line)) is not None and step in (None, parsed.step):
                        yield parsed
        if ended:
            return
        wait(every_s)


def follow_targets(
    folder: Path | str,
    stop: Callable[[], bool],
    *,
    wait: Callable[[float], None] = time.sleep,
    every_s: float = 0.05,
) -> Iterator[LogLine]:
    """What the targets of a run print, each in a log of its own in `folder`, until `stop()`.

    The step of a line is `target/step`. Lines of one target keep their order.
    """
    positions: dict[str, int] = {}
    while True:
        ended = stop()
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            grown = sorted(
                (entry.name, entry.path)
                for entry in entries
                if entry.name.endswith(".log") and entry.stat().st_size > positions.get(entry.name, 0)
            )
            for name, path in grown:
                with Path(path).open("rb") as file:
                    file.seek(positions.get(name, 0))
                    part = file.read()
                whole = part[: part.rfind(b"\n") + 1]  # what ends later is read again then
                positions[name] = positions.get(name, 0) + len(whole)
                for line in whole.splitlines():
                    if (parsed := _parsed(line)) is not None:
                        yield parsed._replace(step=f"{name.removesuffix('.log')}/{parsed.step}")
        if ended:
            return
        wait(every_s)


def _parsed(line: bytes) -> LogLine | None:
    words = line.rstrip(b"\n").decode("utf-8", "replace").split(" ", 3)
    return LogLine(*words) if len(words) == 4 else None
