"""Is the database whole, and does everything in it obey the lifecycle?"""

from __future__ import annotations

from pathlib import Path

from runner.store.admin import Checked, check


def check_database(path: Path) -> Checked:
    """Integrity, references, invariants and file modes; changes nothing, also beside a running daemon."""
    return check(path)
