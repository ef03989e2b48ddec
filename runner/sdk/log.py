"""How does a job write to its instance's log?"""

from __future__ import annotations

from collections.abc import Callable


class Log:
    """Lines in the instance's log, in order with what is printed; `log(text)` is `log.info(text)`."""

    __slots__ = ("_write",)

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def __call__(self, text: object) -> None:
        self._write(str(text))

    def debug(self, text: object) -> None:
        """A line that starts with DEBUG."""
        self._write(f"DEBUG {text}")

    def info(self, text: object) -> None:
        """A line as it is."""
        self._write(str(text))

    def warning(self, text: object) -> None:
        """A line that starts with WARNING; nothing is stored beside the log (that is `Job.warn`)."""
        self._write(f"WARNING {text}")

    def error(self, text: object) -> None:
        """A line that starts with ERROR; nothing is stored beside the log (that is `Job.error`)."""
        self._write(f"ERROR {text}")
