"""What an object is called: kind and name."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """`Job/sales-summary`: unique among everything declared and installed."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `text` writes; ValueError when it is not `Kind/name`."""
        kind, slash, name = text.partition("/")
        if not slash or not kind or not name:
            raise ValueError(f"{text!r} is not an address; write it like Job/sales-summary")
        return cls(kind, name)


class Place(NamedTuple):
    """Where something stands: a path relative to the project, and the line (from 1)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
