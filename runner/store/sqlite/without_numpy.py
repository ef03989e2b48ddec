"""How is sqlite-utils imported without numpy and pandas? It takes them along wherever they are installed.

They would stay in the memory of a daemon that has made or migrated its database, for types that no table of
ours has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LEFT_OUT = ("numpy", "pandas")


@contextmanager
def without_numpy() -> Iterator[None]:
    """Within the block there is neither, unless it was imported before. None in sys.modules says so (the
    import system, "The module cache").
    """
    modules: dict[str, Any] = sys.modules
    left_out = [name for name in _LEFT_OUT if name not in modules]
    modules.update(dict.fromkeys(left_out))
    try:
        yield
    finally:
        for name in left_out:
            del modules[name]
