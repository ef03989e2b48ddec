"""Column changes as SQL: the same set of columns gives the same text, so SQLite parses each only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runner.store.sqlite.cells import as_info, as_json, as_json_or_none, instant_or_none

Cell = Callable[[Any], Any] | None

INSTANCE_COLUMNS: Mapping[str, Cell] = {
    "reason": None,
    "due_at": instant_or_none,
    "start_deadline": instant_or_none,
    "expires_at": instant_or_none,
    "started_at": instant_or_none,
    "first_started_at": instant_or_none,
    "attempt": None,
    "failures": None,
    "crashes": None,
    "first_error_at": instant_or_none,
    "session_id": None,
    "pid": None,
    "pid_started": None,
    "boot_id": None,
    "progress": None,
    "error": as_json_or_none,
    "info": as_info,
    "outputs": as_json,
    "locks": " ".join,
    "replaced_by": None,
    "metrics": as_json,
    "forced_at": instant_or_none,
    "pauses": ",".join,
    "paused_at": instant_or_none,
    "resume_as": None,
    "progress_said": as_json_or_none,
    "targets": None,
    "targets_ended": None,
    "targets_failed": None,
}
TASK_COLUMNS: Mapping[str, Cell] = {
    "next_try_at": instant_or_none,
    "reason": None,
    "progress": None,
    "metrics": as_json,
    "progress_said": as_json_or_none,
    "expires_at": instant_or_none,
    "completed_at": instant_or_none,
    "failures": None,
    "crashes": None,
    "error": as_json_or_none,
    "info": as_info,
    "pid": None,
    "pid_started": None,
}


class Changes:
    """Turns `pid=12, info={…}` into `, pid = ?, info = ?` and the cells for it."""

    def __init__(self, columns: Mapping[str, Cell]) -> None:
        self._columns = columns
        self._known: dict[tuple[str, ...], tuple[str, list[tuple[int, Callable[[Any], Any]]]]] = {}

    def assignments(self, changes: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """TypeError for what is no column that a caller may set."""
        names = tuple(changes)
        known = self._known.get(names)
        if known is None:
            for name in names:
                if name not in self._columns:
                    raise TypeError(f"{name!r} cannot be changed here; known: {', '.join(self._columns)}")
            text = "".join(f", {name} = ?" for name in names)
            cells = [(at, cell) for at, name in enumerate(names) if (cell := self._columns[name])]
            known = self._known[names] = (text, cells)
        text, cells = known
        values = [*changes.values()]
        for at, cell in cells:
            values[at] = cell(values[at])
        return text, values
