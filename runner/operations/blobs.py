"""The contents of named files, kept by their sha256 in the state directory; children read only these."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from runner.loading.write_whole import write_whole
from runner.vocabulary.errors import RunnerError, StoreUnavailable


def blob_path(state: Path, sha256: str) -> Path:
    """Where the content with this sha256 (hex) lies."""
    return state / "blobs" / sha256[:2] / sha256


def store_blob(state: Path, sha256: str, content: bytes) -> None:
    """Keep `content`: durable on return, readable by the owner alone; nothing happens when it is there.

    RunnerError when it is not what was digested; StoreUnavailable when the disk does not take it.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RunnerError(f"A file with sha256 {sha256[:12]}… has changed since it was read; make a new plan")
    path = blob_path(state, sha256)
    try:
        if renew_blob(state, sha256):
            return
        for folder in (path.parent.parent, path.parent):  # `parents` alone makes them with other permissions
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, content, durable=True)
    except OSError as problem:
        raise StoreUnavailable(
            f"{path} cannot be written ({problem.strerror}); nothing was applied"
        ) from problem


def renew_blob(state: Path, sha256: str) -> bool:
    """Whether that content is there, whole; if so it counts as just written, so that it is not collected."""
    try:
        os.utime(blob_path(state, sha256))
    except OSError:
        return False
    return has_blob(state, sha256)


def has_blob(state: Path, sha256: str) -> bool:
    """Whether that content is there, whole: a half-written one (a crash, a full disk) does not count."""
    try:
        return hashlib.sha256(blob_path(state, sha256).read_bytes()).hexdigest() == sha256
    except OSError:
        return False
