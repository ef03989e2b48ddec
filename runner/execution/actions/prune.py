"""Deletes or archives files beneath a declared root, by age, number or size; never a link, never outside.

The newest `keep` files always stay. Of the others go those changed longer ago than `olderThan`, and the
oldest beyond `maxSize`; with `keep` alone, all others. Archived files are moved to `archive/` in the root.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.roots import Root, folder, root_named
from runner.vocabulary.duration import format_size, parse_duration, parse_size

if TYPE_CHECKING:
    from runner.execution.child.context import StepContext

ARCHIVE = "archive"
NAMES = 100
"""Names in the outputs; the log has them all."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DEPTH = 40
"""Folders below the root; more are a loop of mounts."""


class Found(NamedTuple):
    """A regular file beneath the root."""

    path: str
    size: int
    changed_ns: int
    inode: int


def perform(action: Mapping[str, Any], step: StepContext, *, now_ns: int | None = None) -> dict[str, Any]:
    """Prune; outputs are `files` and `bytes` in all, `deleted`, `archived`, and the first `names`."""
    keep = action.get("keep")
    older_than = parse_duration(str(action["olderThan"])) if action.get("olderThan") else None
    max_size = parse_size(str(action["maxSize"])) if action.get("maxSize") is not None else None
    if keep is None and older_than is None and max_size is None:
        raise ActionFailed("bad-prune", "one of olderThan, keep and maxSize is needed; nothing was removed")
    dry_run = bool(action.get("dryRun"))
    root = root_named(step.roots, action["root"], write=not dry_run)
    archives = action.get("action") == "archive"
    found = list(files_beneath(root, action.get("match") or "*", archived=not archives))
    now = time.time_ns() if now_ns is None else now_ns
    before_ns = None if older_than is None else now - round(older_than.total_seconds() * 1e9)
    going = choose(found, keep=keep, before_ns=before_ns, max_size=max_size)
    if not dry_run:
        going = _removed(root, going, step, archives=archives)
    verb = ("would be " if dry_run else "") + ("archived" if archives else "deleted")
    for file in going:
        step.log(f"{verb}: {file.path} ({format_size(file.size)})")
    step.log(f"{len(going)} of {len(found)} files {verb}")
    count = 0 if dry_run else len(going)
    return {
        "files": len(going),
        "bytes": sum(file.size for file in going),
        "deleted": 0 if archives else count,
        "archived": count if archives else 0,
        "names": [file.path for file in going[:NAMES]],
    }


def choose(
    found: Sequence[Found], *, keep: int | None, before_ns: int | None, max_size: int | None
) -> list[Found]:
    """Which files go, the oldest first; of files changed at one instant, the last by name is the newest."""
    newest_first = sorted(found, key=lambda file: (file.changed_ns, file.path), reverse=True)
    going = []
    staying = sum(file.size for file in newest_first[: keep or 0])
    full = False
    for file in newest_first[keep or 0 :]:
        too_old = before_ns is not None and file.changed_ns < before_ns
        # Once one does not fit, all older ones go: a small old file must not outlive a large newer one.
        full = full or (max_size is not None and staying + file.size > max_size)
        if too_old or full or (before_ns is None and max_size is None):
            going.append(file)
        else:
            staying += file.size
    return going[::-1]


def files_beneath(root: Root, match: str, *, archived: bool = True) -> Iterator[Found]:
    """The regular files whose path matches, in order of their paths; links and other devices are left out.

    `*` and `?` do not match a `/` or a leading dot, `**` matches any folders. Without `archived`, what is in
    `archive/` is left out too.
    """
    pattern = compiled(match)
    deep = match.count("/") if "**" not in match else DEPTH
    with folder(root, ()) as descriptor:
        device = os.fstat(descriptor).st_dev
        for found in _walk(descriptor, "", pattern, deep, device):
            if archived or not found.path.startswith(ARCHIVE + "/"):
                yield found


def _walk(descriptor: int, prefix: str, pattern: re.Pattern[str], deep: int, device: int) -> Iterator[Found]:
    with os.scandir(descriptor) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path = prefix + name
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            if pattern.fullmatch(path):
                yield Found(path, status.st_size, status.st_mtime_ns, status.st_ino)
        elif stat.S_ISDIR(status.st_mode) and deep > 0 and status.st_dev == device:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                inner = os.open(name, _FOLDER, dir_fd=descriptor)
                try:
                    yield from _walk(inner, path + "/", pattern, deep - 1, device)
                finally:
                    os.close(inner)


@lru_cache
def compiled(match: str) -> re.Pattern[str]:
    """The glob as a pattern for a whole path relative to the root."""
    if match.startswith("/") or ".." in match.split("/") or "\0" in match:
        raise ActionFailed("bad-prune", f"match: {match!r} must be relative to the root, without ..")
    parts = match.split("/")
    text = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            text += r"(?:[^/.][^/]*/)*" + (r"[^/.][^/]*" if last else "")
        else:
            text += _part(part) + ("" if last else "/")
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        raise ActionFailed("bad-prune", f"match: {match!r} is not a pattern like logs/*.csv") from None


def _part(part: str) -> str:
    text = "" if part.startswith(".") else r"(?!\.)"
    position = 0
    while position < len(part):
        char = part[position]
        closing = part.find("]", position + 2) if char == "[" else -1
        if char == "*":
            text += "[^/]*" if not text.endswith("[^/]*") else ""
        elif char == "?":
            text += "[^/]"
        elif closing > 0:
            inside = part[position + 1 : closing].replace("\\", r"\\").replace("[", r"\[")
            text += "(?!/)[" + ("^" + inside[1:] if inside[0] in "!^" else inside) + "]"
            position = closing
        else:
            text += re.escape(char)
        position += 1
    return text


def _removed(root: Root, going: Sequence[Found], step: StepContext, *, archives: bool) -> list[Found]:
    """Those that are gone now. One that was changed or replaced since it was looked at stays."""
    gone, failures = [], []
    for file in going:
        *parts, name = file.path.split("/")
        try:
            with folder(root, tuple(parts)) as inside:
                status = os.stat(name, dir_fd=inside, follow_symlinks=False)
                if (status.st_ino, status.st_mtime_ns) != (file.inode, file.changed_ns):
                    step.log(f"stays, because it was changed meanwhile: {file.path}")
                    continue
                if archives:
                    _archive(root, inside, tuple(parts), name)
                else:
                    os.unlink(name, dir_fd=inside)
            gone.append(file)
        except FileNotFoundError:
            step.log(f"was removed by somebody else: {file.path}")
        except OSError as error:
            failures.append(f"{file.path}: {error.strerror}")
    if failures:
        raise ActionFailed(
            "files-remain",
            f"{len(failures)} of {len(going)} files could not be removed from root {root.name}; "
            f"first {failures[0]}",
            retryable=True,
            info={"removed": len(gone), "remaining": failures[:NAMES]},
        )
    return gone


def _archive(root: Root, inside: int, parts: tuple[str, ...], name: str) -> None:
    """Move it to the same place beneath `archive/`, under a numbered name when that is taken."""
    with folder(root, (ARCHIVE, *parts), create=True) as there:
        for number in range(1, 10_000):
            target = name if number == 1 else f"{name}.{number}"
            try:
                # A hard link fails where a name is taken; a rename would overwrite it.
                os.link(name, target, src_dir_fd=inside, dst_dir_fd=there, follow_symlinks=False)
                os.unlink(name, dir_fd=inside)
            except FileExistsError:
                continue
            except PermissionError:
                # No hard links on this file system, or not to a file of somebody else.
                with contextlib.suppress(FileNotFoundError):
                    os.stat(target, dir_fd=there, follow_symlinks=False)
                    continue
                os.rename(name, target, src_dir_fd=inside, dst_dir_fd=there)
            return
    raise FileExistsError(17, "its name is taken in the archive")
