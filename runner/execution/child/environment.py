"""What does this process itself see as its environment?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import putenv

_inner: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]


def set_environment(env: Mapping[str, str]) -> None:
    """Add to `os.environ`, which the zygote emptied; its own methods touch twice as many pages."""
    for name, value in env.items():
        encoded_name = name.encode("utf-8", "surrogateescape")
        encoded = value.encode("utf-8", "surrogateescape")
        putenv(encoded_name, encoded)
        _inner[encoded_name] = encoded
