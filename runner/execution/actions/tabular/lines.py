"""Text files line by line in bounded memory, plain or gzip, with problems named by their line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NoReturn, cast

from runner.execution.actions.failure import ActionFailed

LINE_LIMIT = 16 * 1024 * 1024
"""Characters of one line. A file without line ends is not rows, and must not fill the memory."""


def incomplete(name: str, reason: str) -> ActionFailed:
    """A half-written input: its writer may still be at it, so trying again may help."""
    return ActionFailed("input-incomplete", f"{name} is half-written: {reason}", retryable=True)


def invalid(name: str, reason: str) -> ActionFailed:
    """An input that no second look makes better."""
    return ActionFailed("input-invalid", f"{name}: {reason}")


class Lines:
    """The lines of a file from its beginning; `number` is the current one, `ended` whether it has its end."""

    def __init__(self, file: BinaryIO, *, encoding: str, name: str) -> None:
        self.name = name
        self.number = 0
        self.ended = True
        file.seek(0)
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        plain = cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file
        if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            encoding = "utf-8-sig"  # a byte order mark is no part of the first name
        try:
            buffered = io.BufferedReader(_Unclosed(plain), 1 << 18)
            self._text = io.TextIOWrapper(buffered, encoding=encoding, newline="")
        except LookupError:
            raise ActionFailed("bad-encoding", f"{encoding!r} is not a text encoding, as utf-8 is") from None

    def __iter__(self) -> Iterator[str]:
        while True:
            try:
                line = self._text.readline(LINE_LIMIT)
            except EOFError:
                raise incomplete(self.name, f"the compressed data ends after line {self.number}") from None
            except (UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
                self._fail(error)
            if not line:
                return
            self.number += 1
            self.ended = line[-1] in "\r\n"
            if not self.ended and len(line) >= LINE_LIMIT:
                raise invalid(
                    self.name, f"line {self.number} is longer than {LINE_LIMIT // 2**20} Mi characters"
                )
            if "\0" in line:
                raise invalid(self.name, f"line {self.number} has a NUL character; is it a text file?")
            yield line

    def _fail(self, error: Exception) -> NoReturn:
        if isinstance(error, UnicodeDecodeError):
            if error.reason == "unexpected end of data":
                raise incomplete(self.name, f"it ends inside a character after line {self.number}") from None
            raise invalid(
                self.name,
                f"after line {self.number} there are bytes that are not {error.encoding}; name its encoding",
            ) from None
        raise invalid(self.name, f"the compressed data is damaged after line {self.number}") from None


class _Unclosed(io.RawIOBase):
    """Reads on from a file that stays open when the text layer over it goes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        content = self._file.read(len(view))
        view[: len(content)] = content
        return len(content)
