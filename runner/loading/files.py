"""What is in this file? Read once, never more than allowed, never waiting, never outside the root."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

from runner.loading import limits
from runner.loading.walk import Complaint, Fingerprint, is_inside
from runner.vocabulary.duration import format_size


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read: its bytes, their sha256 (raw), and what the file system said before."""

    raw: bytes
    sha256: bytes
    fingerprint: Fingerprint


def read_file(root: str, path: str, most: int = limits.FILE_BYTES) -> Content | Complaint:
    """The content of `path` below the resolved `root`, `most` bytes of it, or why there is none.

    Links are resolved and must stay below the root, which is checked on the open file. The kind is looked at
    before opening (opening a device may do something) and again after.
    """
    full = f"{root}/{path}"
    try:
        before = os.lstat(full)
        if stat.S_ISLNK(before.st_mode):
            full = os.path.realpath(full)
            if not is_inside(full, root):
                return _outside(path)
            before = os.lstat(full)
        if not stat.S_ISREG(before.st_mode):
            return _complaint_about(full, root, path, before.st_mode)
        if before.st_size > most:
            return _too_large(path, before.st_size, most)
        descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return Complaint(path, "missing-file", "No such file", "there is no file of that name")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        return Complaint(path, "unreadable", "Cannot be read", reason)
    try:
        return _read(root, path, descriptor, most)
    except OSError as error:
        return Complaint(path, "unreadable", "Cannot be read", error.strerror or str(error))
    finally:
        os.close(descriptor)


def _read(root: str, path: str, descriptor: int, most: int) -> Content | Complaint:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return _not_a_file(path, status.st_mode)
    if not is_inside(_opened(descriptor, root), root):
        return _outside(path)
    raw = os.read(descriptor, status.st_size + 1)
    while len(raw) <= most and (more := os.read(descriptor, most + 1 - len(raw))):
        raw += more
    if len(raw) > most:
        return _too_large(path, len(raw), most)
    fingerprint = Fingerprint(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    if len(raw) != status.st_size:  # it grew or shrank meanwhile: never taken for known
        fingerprint = fingerprint._replace(size=-1)
    return Content(raw, hashlib.sha256(raw).digest(), fingerprint)


def _opened(descriptor: int, otherwise: str) -> str:
    """Where the open file really stands: a folder on the way may have become a link since."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - ten thousand of them
    except OSError:  # no /proc
        return otherwise


def _complaint_about(full: str, root: str, path: str, mode: int) -> Complaint:
    """Of what stands outside nothing is told."""
    return _not_a_file(path, mode) if is_inside(os.path.realpath(full), root) else _outside(path)


def _outside(path: str) -> Complaint:
    return Complaint(
        path,
        "outside-root",
        "File outside the tree",
        f"'{path}' leads out of the source's root",
        "put the file into the tree, and name it relative to the file that declares it",
    )


def _not_a_file(path: str, mode: int) -> Complaint:
    what = "a folder" if stat.S_ISDIR(mode) else "a fifo, socket or device"
    return Complaint(path, "not-a-file", "Not a regular file", f"it is {what}; expected a regular file")


def _too_large(path: str, size: int, most: int) -> Complaint:
    return Complaint(
        path,
        "file-too-large",
        "File too large",
        f"{format_size(size)}; at most {format_size(most)} are read",
    )
