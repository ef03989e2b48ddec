"""How much room is left where the runner keeps its database, logs and copies?"""

from __future__ import annotations

import shutil
from pathlib import Path

LITTLE_SPACE = 200 * 2**20
"""Bytes; below this a night's logs may not fit."""

MAKE_ROOM = "make room, or move the state directory"


def free_space(state: Path) -> int:
    """Bytes that are free on the disk of the state directory, which need not exist yet."""
    existing = next(folder for folder in (state, *state.parents) if folder.exists())
    return shutil.disk_usage(existing).free
