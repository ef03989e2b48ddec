"""Which contents of installed files have gone from the state directory, and how do they come back?"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from runner.operations.blobs import blob_path, has_blob, store_blob
from runner.store.port import Reader
from runner.vocabulary.errors import RunnerError


class _Contents(Protocol):
    def blob(self, sha256: str) -> bytes: ...


def missing_blobs(reader: Reader, state: Path) -> list[str]:
    """The sha256 of each content that something installed or waiting names and that is not there."""
    return sorted(sha256 for sha256 in reader.revisions.blobs_in_use() if not _is_there(state, sha256))


def damaged_blobs(reader: Reader, state: Path) -> list[Path]:
    """The copies that are there and are not what was applied; every one is read."""
    in_use = sorted(sha256 for sha256 in reader.revisions.blobs_in_use() if _is_there(state, sha256))
    return [blob_path(state, sha256) for sha256 in in_use if not has_blob(state, sha256)]


def restore_blobs(reader: Reader, state: Path, tree: _Contents) -> None:
    """Keep again what is missing and what the tree still has.

    Nothing differs between what is declared and what is installed then, so no plan ever says it. A content
    that only an earlier revision named is left out: its run fails and says so.
    """
    for sha256 in missing_blobs(reader, state):
        try:
            content = tree.blob(sha256)
        except (KeyError, RunnerError):
            continue
        store_blob(state, sha256, content)


def _is_there(state: Path, sha256: str) -> bool:
    return blob_path(state, sha256).is_file()
