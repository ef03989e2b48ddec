"""What did the tree look like when it was last applied? Kept in the cache, so that a plan looks only at what
differs since.

Safe to delete, and never believed on its own: it counts only while the database names the same token for the
same source.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import stat
import zlib
from array import array
from pathlib import Path

from runner.loading.tree import Kept, Tree
from runner.loading.write_whole import write_whole

MAGIC = b"runner-applied-1\n"


def token_of(tree: Tree) -> str:
    """A digest of all that the tree declares, and where; stored with an apply that leaves nothing undone."""
    kept = tree.kept()
    everything = hashlib.sha256(("\0".join(kept.paths)).encode("utf-8", "surrogateescape"))
    everything.update(b"".join(kept.records))
    return f"{tree.digest}+{everything.hexdigest()[:32]}"


def remember(state: Path, tree: Tree, token: str) -> None:
    """Keep what was applied; a disk that does not take it makes the next plan slower, nothing else."""
    kept = tree.kept()
    packed = marshal.dumps(
        (token, "\0".join(kept.paths), kept.records, "\0".join(kept.addresses), kept.owners.tobytes())
    )
    path = _path(state, tree.source)
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, (MAGIC, zlib.crc32(packed).to_bytes(4, "big"), packed))


def recall(state: Path, source: str, token: str) -> Kept | None:
    """What was kept under this token; None when there is nothing, or something else, or it is damaged."""
    try:
        descriptor = os.open(_path(state, source), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return None
        content = memoryview(file.read())
    start = len(MAGIC) + 4
    checksum = int.from_bytes(content[len(MAGIC) : start], "big")
    if content[: len(MAGIC)] != MAGIC or zlib.crc32(content[start:]) != checksum:
        return None
    try:
        was, paths, records, addresses, owners = marshal.loads(content[start:])  # noqa: S302 - ours
    except (ValueError, EOFError, TypeError):
        return None
    if was != token:
        return None
    return Kept(
        paths.split("\0") if paths else [],
        records,
        addresses.split("\0") if addresses else [],
        array("q", owners),
    )


def changed_between(was: Kept, now: Kept) -> set[str]:
    """The addresses, as text, that are declared in files that came, went or differ."""
    if was.paths == now.paths:
        if was.records == now.records:
            return set()
        differ = {
            at for at, pair in enumerate(zip(was.records, now.records, strict=True)) if pair[0] != pair[1]
        }
        return _declared_in(was, differ) | _declared_in(now, differ)
    before, after = (
        dict(zip(was.paths, was.records, strict=True)),
        dict(zip(now.paths, now.records, strict=True)),
    )
    gone = {at for at, path in enumerate(was.paths) if after.get(path) != before[path]}
    come = {at for at, path in enumerate(now.paths) if before.get(path) != after[path]}
    return _declared_in(was, gone) | _declared_in(now, come)


def _declared_in(kept: Kept, files: set[int]) -> set[str]:
    return {address for address, at in zip(kept.addresses, kept.owners, strict=True) if at in files}


def _path(state: Path, source: str) -> Path:
    name = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state / "cache" / f"applied-{name}"
