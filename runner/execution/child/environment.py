"""What does this process itself see as its environment?"""

from __future__ import annotations

from collections.abc import Mapping
from os import environ, putenv
from time import tzset

_inner: dict[bytes, bytes] = environ._data  # type: ignore[attr-defined]


def set_environment(env: Mapping[str, str]) -> None:
    """Add to `os.environ`, which the zygote emptied; its own methods touch twice as many pages."""
    for name, value in env.items():
        encoded_name = name.encode("utf-8", "surrogateescape")
        encoded = value.encode("utf-8", "surrogateescape")
        putenv(encoded_name, encoded)
        _inner[encoded_name] = encoded
    if "TZ" in env:
        tzset()


def look_on_path(env: Mapping[str, str]) -> None:
    """Have a program that is started from here be looked for on the PATH of `env` (posix_spawnp(3)), unless
    code of a step has made another one of its own."""
    if "PATH" in env and b"PATH" not in _inner:
        set_environment({"PATH": env["PATH"]})
