"""What does a program tell through the files that its environment names, and what does it find there?

`$RUNNER_STATE` is what it goes on from: it finds there what was recorded last, or no file at a fresh start.
`$RUNNER_INFO` is for people, `$RUNNER_PROGRESS` says how far it is. State and info are a JSON map, or lines
as in `$RUNNER_OUTPUT`. They are looked at while the program runs and once more at its end; a file that is
not whole at that moment is read the next time.

Lean on purpose: the zygote imports this before it forks, and only a program that writes such a file imports
what reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.outputs import is_there

if TYPE_CHECKING:
    from runner.execution.child.context import StepContext

MAX_STATE = 1 << 20  # bytes, as for Python code
MAX_INFO = 256 << 10
MAX_PROGRESS = 4096
MAX_DONE = 64 << 10
MOST_ITEMS = 100
"""Items that a program is given at a time."""

_Stamp = tuple[int, int, int]


class ProgramFiles:
    """The files of one step, from before its program starts until it has ended."""

    __slots__ = ("_as_lines", "_done", "_given", "_items", "_seen", "_state", "_step", "_talks", "paths")

    def __init__(self, step: StepContext) -> None:
        self._step = step
        base = f"{step.workdir}/.{step.name}"
        self.paths = {
            "RUNNER_STATE": f"{base}.state",
            "RUNNER_INFO": f"{base}.info",
            "RUNNER_PROGRESS": f"{base}.progress",
        }
        self._items = _consumes(step)
        self._given: list[int] = []
        self._done: set[int] = set()
        if self._items:
            self.paths["RUNNER_ITEMS"] = f"{base}.items"
            self.paths["RUNNER_ITEMS_DONE"] = f"{base}.done"
        self._seen: dict[str, _Stamp | None] = {}
        self._talks = False
        saved = step.saved
        self._state: str | None = None
        self._as_lines = False
        if saved.get("step") == step.name:
            self._state = saved.get("state")
            self._as_lines = bool((saved.get("cursor") or {}).get("lines"))

    def prepare(self) -> None:
        """Put down what was recorded, and nothing that was not."""
        for name, path in self.paths.items():
            if is_there(path):
                _remove(path, name)
            if name == "RUNNER_STATE" and self._state is not None:
                with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
                    file.write(_as_lines(self._state) if self._as_lines else self._state + "\n")
            if name == "RUNNER_ITEMS":
                self._put_down_items(path)
            if is_there(path):
                self._seen[name] = _stamp(path)

    def _put_down_items(self, path: str) -> None:
        given = self._step.take(self._step.name, MOST_ITEMS)
        self._given = [item["id"] for item in given]
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in given)

    def look(self) -> None:
        """Report and record what is new and whole; what is not yet is left for the next time."""
        changed = self._changed()
        if not changed:
            return
        try:
            record = self._record(changed, at_end=False)
        except ActionFailed:
            return
        self._keep_seen(changed)
        if record is not None:
            self._commit(record)

    def finish(self) -> dict[str, Any] | None:
        """The record of the completed step; ActionFailed when what it wrote last is no state."""
        record = self._record(self._changed(), at_end=True)
        # Who names no item that is done with has done all of them.
        named = bool(self._done or (record and record.get("items")))
        left = [] if named else self._given
        if record is None and not self._talks and self._state is None and not left:
            return None
        record = record or self._numbered({})
        if left:
            record["items"] = left
        record["m"] = "complete"
        self._remember(record, step="")
        return record

    def rescue(self) -> None:
        """Record what a program that failed or was stopped had reached."""
        changed = self._changed()
        try:
            record = self._record(changed, at_end=True)
        except ActionFailed as problem:
            self._step.warn(problem.description, code=problem.code)
            return
        if record is not None:
            self._commit(record)

    def _changed(self) -> dict[str, _Stamp]:
        changed = {}
        for name, path in self.paths.items():
            if is_there(path) and (stamp := _stamp(path)) and stamp != self._seen.get(name):
                changed[name] = stamp
        return changed

    def _keep_seen(self, changed: Mapping[str, _Stamp]) -> None:
        self._seen.update(changed)

    def _record(self, changed: Mapping[str, _Stamp], *, at_end: bool) -> dict[str, Any] | None:
        """What is to be recorded; None for nothing new. Progress is said at once."""
        new: dict[str, Any] = {}
        if "RUNNER_STATE" in changed:
            text, as_lines = self._read_map("RUNNER_STATE", "state", MAX_STATE, at_end)
            if text is not None and text != self._state:
                self._as_lines = as_lines
                new["state"] = text
        if "RUNNER_INFO" in changed:
            info = self._read_info(at_end)
            if info is not None and info != self._step.saved.get("info"):
                new["info"] = info
        if "RUNNER_ITEMS_DONE" in changed and (done := self._read_done(at_end)):
            new["items"] = done
        if "RUNNER_PROGRESS" in changed:
            self._say_progress()
        return self._numbered(new) if new else None

    def _numbered(self, new: Mapping[str, Any]) -> dict[str, Any]:
        number = (self._step.saved.get("n") or 0) + 1
        return {"m": "checkpoint", "n": number, "cursor": {"lines": True} if self._as_lines else {}, **new}

    def _commit(self, record: dict[str, Any]) -> None:
        if not self._talks:
            self._talks = True
            self._step.say({"m": "performing", "step": self._step.name, "is_class": False})
        self._step.commit(self._step.name, record)
        self._remember(record, step=self._step.name)

    def _read_done(self, at_end: bool) -> list[int]:
        """The ids in its whole lines that are new; ActionFailed at the end for one that it was not given."""
        content = self._content("RUNNER_ITEMS_DONE", "items", MAX_DONE)
        lines = content.split("\n")
        if not at_end:
            lines.pop()  # it may be half of one
        words = [line.strip() for line in lines if line.strip()]
        given = {str(id): id for id in self._given}
        strange = [word for word in words if word not in given]
        if strange:
            text = f"$RUNNER_ITEMS_DONE holds {strange[0][:50]!r}, and $RUNNER_ITEMS has no item with that id"
            raise ActionFailed("items-unknown", text)
        return [id for id in dict.fromkeys(given[word] for word in words) if id not in self._done]

    def _remember(self, record: Mapping[str, Any], step: str) -> None:
        self._done.update(record.get("items") or ())
        self._state = record.get("state", self._state)
        kept = {"step": step, "n": record["n"], "cursor": record["cursor"], "state": self._state}
        self._step.saved.update(kept)
        if "info" in record:
            self._step.saved["info"] = record["info"]

    def _read_map(self, name: str, what: str, limit: int, at_end: bool) -> tuple[str | None, bool]:
        """The compact JSON of a file and whether it was lines; None when it is empty."""
        content = self._content(name, what, limit)
        if not content.strip():
            return None, False
        if content.lstrip().startswith("{"):
            try:
                value = json.loads(content)
            except (ValueError, RecursionError) as error:
                raise ActionFailed(f"{what}-not-json", f"${name} is not JSON: {str(error)[:200]}") from None
            return _checked(value, what, limit), False
        return _checked(self._lines(name, what, content, at_end), what, limit), True

    def _read_info(self, at_end: bool) -> str | None:
        content = self._content("RUNNER_INFO", "info", MAX_INFO)
        if content.lstrip().startswith("{") or not content.strip():
            return self._read_map("RUNNER_INFO", "info", MAX_INFO, at_end)[0]
        from runner.sdk.failures import JobCodeError
        from runner.sdk.info import Info

        info = Info(self._step.saved.get("info"), MAX_INFO)
        try:
            info.update(self._lines("RUNNER_INFO", "info", content, at_end))
            return info.unrecorded()
        except JobCodeError as error:
            raise ActionFailed(error.code, error.description) from None
        except (TypeError, ValueError) as error:
            raise ActionFailed("info-not-json", f"$RUNNER_INFO: {error}") from None

    def _content(self, name: str, what: str, limit: int) -> str:
        from runner.execution.actions.outputs import content_of

        # JSON with blanks may be longer than what is counted, which is compact.
        found = content_of(
            self.paths[name], f"${name}", limit * 2, f"{what}-too-large", no_file=f"{what}-no-file"
        )
        try:
            return found.decode("utf-8")
        except UnicodeDecodeError:
            raise ActionFailed(f"{what}-not-json", f"${name} is not UTF-8 text") from None

    def _lines(self, name: str, what: str, content: str, at_end: bool) -> dict[str, Any]:
        from runner.execution.actions.outputs import assignments

        if not at_end and not content.endswith("\n"):
            raise ActionFailed(f"{what}-not-json", f"${name} is being written")
        return assignments(
            content, f"${name}", f"{what}-not-json", lambda key: bool(key) and key.isprintable()
        )

    def _say_progress(self) -> None:
        from runner.execution.actions.outputs import content_of

        try:
            found = content_of(self.paths["RUNNER_PROGRESS"], "$RUNNER_PROGRESS", 1 << 20, "bad-progress")
        except ActionFailed:
            return  # a remark, which never fails a step
        lines = found[-MAX_PROGRESS:].decode("utf-8", "replace").strip().splitlines()
        if lines:
            self._step.say({"m": "progress", **_progress(lines[-1].strip())})


def _consumes(step: StepContext) -> bool:
    """Whether the run was started to work through items."""
    trigger = step.variables.get("trigger")
    return isinstance(trigger, dict) and "consume" in trigger


def _checked(value: Any, what: str, limit: int) -> str:
    from runner.sdk.failures import JobCodeError
    from runner.sdk.values import encoded

    try:
        return encoded(value, what, limit)
    except JobCodeError as error:
        raise ActionFailed(error.code, error.description) from None


def _progress(line: str) -> dict[str, Any]:
    """`3/10 files`, `40% of the rows`, `3 files`, or text alone."""
    import re

    found = re.match(r"(\d{1,18}(?:\.\d+)?)\s*(?:/\s*(\d{1,18}(?:\.\d+)?)|(%))?(?:\s+|$)", line)
    if found is None:
        return {"done": None, "total": None, "text": line[:500]}
    done, total, percent = found.groups()
    whole = 100.0 if percent else None if total is None else float(total)
    return {"done": float(done), "total": whole, "text": line[found.end() :][:500]}


def _as_lines(state: str) -> str:
    """As the program wrote it: `name=text`, and `name:=JSON` for what is no text of one line."""
    lines = []
    for name, value in json.loads(state).items():
        plain = isinstance(value, str) and value.isprintable()
        lines.append(f"{name}={value}" if plain else f"{name}:={json.dumps(value)}")
    return "".join(f"{line}\n" for line in lines)


def _remove(path: str, name: str) -> None:
    """What an earlier attempt left in a working directory that is kept; a link, not what it leads to."""
    try:
        os.unlink(path)  # noqa: PTH108 -- pathlib is not lean
    except FileNotFoundError:
        pass
    except OSError as error:
        what = name.removeprefix("RUNNER_").lower()
        text = f"${name} of an earlier attempt cannot be removed ({error.strerror})"
        raise ActionFailed(f"{what}-no-file", text) from None


def _stamp(path: str) -> _Stamp | None:
    """What changes when somebody writes the file, or puts something else in its place; None for nothing."""
    try:
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116 -- pathlib is not lean
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
