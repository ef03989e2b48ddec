"""What came of the daemon's last reload? Read from the note that it leaves in the state directory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_CAUSES = {
    "invalid": ("was refused", "runner validate"),
    "partial": ("was not whole", "runner validate"),
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
    waits_for: str = ""
    """Why the daemon has not loaded what changed since: git is at work, and with which file it says so."""


def last_reload(state: Path) -> LastReload | None:
    """None when no daemon has loaded anything here yet (or its note cannot be read)."""
    try:
        note = json.loads((state / "reload.json").read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict):
        return None
    waits_for = _waits_for(note.get("waiting"))
    if note.get("ok"):
        return LastReload(True, "the last reload was applied", "", waits_for)
    happened, command = _CAUSES.get(str(note.get("cause")), _CAUSES["invalid"])
    return LastReload(False, f"the last reload {happened}: {note.get('text', '')}", command, waits_for)


def _waits_for(waiting: object) -> str:
    """Empty when the file is gone: then the note is about to be replaced."""
    if not isinstance(waiting, dict) or not Path(str(waiting.get("file"))).exists():
        return ""
    return f"{waiting.get('why')} ({waiting['file']})"
