"""How does an instance's working directory go away?"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def remove_if_empty(folder: str) -> bool:
    """Whether it is gone. Quick, so the event loop may do it."""
    try:
        os.rmdir(folder)  # noqa: PTH106 -- on the way of every instance
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remove_tree(folder: str) -> None:
    """Remove a tree, whatever modes the job gave its folders."""

    def make_way(function: Callable[..., object], path: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(0o700)
            Path(path).chmod(0o700)
            function(path)

    shutil.rmtree(folder, onerror=make_way)
    shutil.rmtree(folder, ignore_errors=True)
