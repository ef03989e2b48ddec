"""Move files that are done with where their trigger says; a crash in between moves none twice."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from runner.execution.actions.roots import Root, folder
from runner.store.arrivals import DONE, FAILED, MOVING, Item
from runner.store.port import Store, Transaction

GONE = "its file was gone, or is another one now"


def move_files(
    store: Store,
    roots: Mapping[str, str],
    now: datetime,
    trouble: Callable[[str, BaseException], None],
) -> list[Item]:
    """Move what is to be moved; what is settled now. What cannot be moved is told, and tried again later."""
    with store.read() as reader:
        items = reader.arrivals.moving()
    settled = []
    for item in items:
        file = item.data.get("file") or {}
        try:
            note = _move(item, file, roots)
        except OSError as problem:
            trouble(f"moving {file.get('path')} in root {file.get('root')}", problem)
            continue
        store.transact(lambda tx, item=item, note=note: _settle(tx, item, note, now))  # type: ignore[misc]
        settled.append(item)
    return settled


def _settle(tx: Transaction, item: Item, note: str, now: datetime) -> None:
    state = DONE if item.reason == "succeeded" else FAILED
    reason = "" if state == DONE else item.reason
    reason = "; ".join(filter(None, (reason, note)))
    if tx.arrivals.settle([item.id], state, reason=reason, at=now, expected=MOVING):
        tx.arrivals.forget_key(item.id)  # put back where it was, it arrives again


def _move(item: Item, file: Mapping[str, Any], roots: Mapping[str, str]) -> str:
    """A note when there was nothing to move."""
    path, name = roots.get(str(file.get("root"))), str(file.get("path"))
    if path is None:
        return f"there is no root {file.get('root')} any more, so its file was not moved"
    root = Root(str(file["root"]), os.path.realpath(path, strict=True))
    aside = item.aftercare["done" if item.reason == "succeeded" else "failed"]
    *above, last = name.split("/")
    into = [part for part in str(aside).split("/") if part not in ("", ".")]
    with contextlib.ExitStack() as stack:
        try:
            here = stack.enter_context(folder(root, tuple(above)))
            found = os.stat(last, dir_fd=here, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return GONE
        if found.st_ino != item.aftercare.get("inode") or not stat.S_ISREG(found.st_mode):
            return GONE
        there = stack.enter_context(folder(root, (*into, *above), create=True))
        target = last
        if _exists(target, there):
            stem, dot, suffix = last.rpartition(".")
            target = f"{stem}.{item.id}{dot}{suffix}" if stem else f"{last}.{item.id}"
        os.rename(last, target, src_dir_fd=here, dst_dir_fd=there)
        os.fsync(there)
    return ""


def _exists(name: str, inside: int) -> bool:
    try:
        os.stat(name, dir_fd=inside, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
