"""Which program wrote this cache? Another one does not read it."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from pathlib import Path

ROOMS = ("declaration", "lifecycle", "loading", "reconcile", "schedules", "sources", "vocabulary")
"""All that can have a say when a file is judged: this room, and those that it imports."""


@functools.cache
def program_stamp() -> str:
    """32 hex digits that differ whenever the same file could be judged differently.

    Over the Python version and the program's own files (name, size, time), as Python does for `.pyc`: this is
    true for an installed release as for a working copy, and asks nothing that must be imported.
    """
    package = Path(__file__).parent.parent
    seen = [sys.version, sys.implementation.cache_tag or ""]
    for room in ROOMS:
        for folder, _, names in os.walk(package / room):
            for name in sorted(names):
                if not name.endswith(".pyc"):
                    status = os.stat(f"{folder}/{name}")  # noqa: PTH116
                    seen.append(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(seen).encode("utf-8", "surrogateescape")).hexdigest()[:32]
