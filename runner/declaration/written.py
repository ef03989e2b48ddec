"""What can be read of a document as it is written? Its schema tells what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def texts_in(value: Any) -> Iterator[tuple[int, str]]:
    """The texts of a list, each with its position."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str):
            yield index, item
