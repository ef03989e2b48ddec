"""What came of the daemon's last reload? Read from the note that it leaves in the state directory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_CAUSES = {
    "invalid": ("was refused", "runner validate"),
    "refused": ("was refused", "runner plan"),
    "trouble": ("failed", "runner plan"),
}
"""Cause → what happened, and the command that says more."""


@dataclass(frozen=True, slots=True)
class LastReload:
    """`text` says what happened and why; `command` is the one that says more."""

    ok: bool
    text: str
    command: str


def last_reload(state: Path) -> LastReload | None:
    """None when no daemon has loaded anything here yet (or its note cannot be read)."""
    try:
        note = json.loads((state / "reload.json").read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict):
        return None
    if note.get("ok"):
        return LastReload(True, "the last reload was applied", "")
    happened, command = _CAUSES.get(str(note.get("cause")), _CAUSES["invalid"])
    return LastReload(False, f"the last reload {happened}: {note.get('text', '')}", command)
