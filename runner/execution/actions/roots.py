"""Where may a step read and write files? Beneath its declared root, after links are resolved.

A path is first resolved with its links and compared with the root, then opened folder by folder without
following any link, so that nothing that is swapped in between leads outside (openat, O_NOFOLLOW).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from runner.execution.actions.failure import ActionFailed
from runner.vocabulary.names import nearest
from runner.vocabulary.printable import is_one_plain_line

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a fifo that nobody writes to would wait for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Root:
    """A declared folder, its links resolved."""

    name: str
    path: str


def root_named(roots: Mapping[str, Any], name: str, *, write: bool = False) -> Root:
    """The declared root `name`, its folder opened for the asked access.

    A writable root that does not exist yet is made, unless it is declared with `create: false` (a mount that
    is missing must not become a folder on the local disk).
    """
    declared = roots.get(name)
    if declared is None:
        close = nearest(name, roots)
        hint = f"; did you mean {close!r}?" if close else f"; declared: {', '.join(sorted(roots)) or 'none'}"
        raise ActionFailed("unknown-root", f"there is no root {name!r}{hint}", retryable=False)
    if write and declared.get("access", "read") == "read":
        raise ActionFailed(
            "read-only-root",
            f"root {name} is declared with access: read, so nothing is written or deleted there; "
            "declare access: write in the Runner's roots, or use another root",
            retryable=False,
        )
    path = Path(str(declared["path"]))
    if write and declared.get("create", True):
        with _told(f"root {name} ({path})", "root-unusable"):
            path.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        raise ActionFailed(
            "root-missing",
            f"root {name}: {path} is not an existing folder; create or mount it",
            retryable=True,
        )
    return Root(name, os.path.realpath(path))


def resolve(root: Root, path: str) -> tuple[str, ...]:
    """The names that lead from the root to `path`, links resolved; ActionFailed when it leaves the root."""
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    if not text or "\0" in text:
        raise ActionFailed("bad-path", f"{path!r} is not a path beneath root {root.name}", retryable=False)
    if text.startswith("/"):
        raise ActionFailed(
            "outside-root",
            f"{text} is an absolute path; write it relative to root {root.name} ({root.path})",
            retryable=False,
        )
    real = os.path.realpath(os.path.join(root.path, text))  # noqa: PTH118
    if real != root.path and not real.startswith(root.path.rstrip("/") + "/"):
        raise ActionFailed(
            "outside-root",
            f"{text} leads out of root {root.name} ({root.path}) to {real}; steps reach files only beneath "
            "their declared root",
            retryable=False,
        )
    return tuple(part for part in real[len(root.path) :].split("/") if part)


@contextlib.contextmanager
def folder(root: Root, parts: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
    """A descriptor of the folder that `parts` lead to, no link followed; `create` makes missing ones."""
    descriptor = os.open(root.path, _FOLDER)
    try:
        for part in parts:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


class Input(NamedTuple):
    """A file that is read, and what it was when it was opened."""

    file: BinaryIO
    name: str
    before: os.stat_result

    @property
    def size(self) -> int:
        """Bytes."""
        return self.before.st_size

    def check_unchanged(self) -> None:
        """ActionFailed `input-changed` when somebody wrote to it meanwhile: what was read is not whole."""
        now = os.fstat(self.file.fileno())
        if (self.before.st_size, self.before.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
            raise ActionFailed(
                "input-changed",
                f"{self.name} changed while it was read; its writer should rename it into place at its end",
                retryable=True,
            )


@contextlib.contextmanager
def reading(root: Root, path: str) -> Iterator[Input]:
    """The regular file `path` beneath the root, opened; ActionFailed `input-missing` when it is not there."""
    parts = resolve(root, path)
    name = f"{path} in root {root.name}"
    if not parts:
        raise ActionFailed("bad-path", f"{path!r} is root {root.name} itself, not a file", retryable=False)
    with _told(name, "input-unreadable"), folder(root, parts[:-1]) as inside:
        descriptor = os.open(parts[-1], _FILE, dir_fd=inside)
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        raise ActionFailed("input-unreadable", f"{name} is not a regular file", retryable=False)
    with os.fdopen(descriptor, "rb", buffering=1 << 18) as file:
        yield Input(file, name, before)


@contextlib.contextmanager
def replacing(root: Root, path: str) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end, whole and durable, or not at all.

    It has no name until then (O_TMPFILE), so that a killed step leaves nothing behind; where the file system
    has no such files it is called `.NAME.RANDOM.partial`. Missing folders beneath the root are made. An
    existing file gives its mode to the new one.
    """
    parts = resolve(root, path)
    if not is_one_plain_line(path):
        raise ActionFailed(
            "bad-path",
            f"{path!r} holds control characters, so no file is made in root {root.name}; "
            "leave them out of the name (an expression may have brought them in)",
            retryable=False,
        )
    name = f"{path} in root {root.name}"
    if not parts or path.endswith("/"):
        raise ActionFailed(
            "bad-path", f"{path!r} names a folder in root {root.name}, not a file", retryable=False
        )
    temporary = f".{parts[-1][:200]}.{secrets.token_hex(6)}.partial"
    with _told(name, "output-unwritable"), folder(root, parts[:-1], create=True) as inside:
        mode = _mode_of(parts[-1], inside)
        if mode is not None and not stat.S_ISREG(mode):
            raise ActionFailed(
                "output-unwritable", f"{name} exists and is not a regular file", retryable=False
            )
        descriptor, named = _nameless(temporary, inside)
        file = os.fdopen(descriptor, "w+b", buffering=1 << 18)
        try:
            with file:
                if mode is not None:
                    os.fchmod(file.fileno(), stat.S_IMODE(mode))
                yield file
                file.flush()
                os.fsync(file.fileno())
                if not named:
                    os.link(
                        f"/proc/self/fd/{file.fileno()}", temporary, dst_dir_fd=inside, follow_symlinks=True
                    )
                    named = True
                os.rename(temporary, parts[-1], src_dir_fd=inside, dst_dir_fd=inside)
            os.fsync(inside)
        except BaseException:
            if named:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=inside)
            raise


def _nameless(temporary: str, inside: int) -> tuple[int, bool]:
    """A new empty file in that folder, and whether it already has the temporary name."""
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666, dir_fd=inside), False
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
            raise
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(temporary, flags, 0o666, dir_fd=inside), True


def _mode_of(name: str, inside: int) -> int | None:
    try:
        return os.stat(name, dir_fd=inside, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _told(name: str, code: str) -> Iterator[None]:
    """An operating system's refusal becomes a sentence that names the file and what to do."""
    try:
        yield
    except FileNotFoundError:
        raise ActionFailed(
            "input-missing", f"{name} does not exist; was it delivered?", retryable=True
        ) from None
    except PermissionError:
        raise ActionFailed(
            code, f"{name}: permission denied for the user that runs the runner", retryable=False
        ) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ActionFailed(
                "outside-root",
                f"{name}: a part of the path is a link or no folder, or became one while it was opened",
                retryable=False,
            ) from None
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "; make room on that disk" if full else ""
        raise ActionFailed(
            "disk-full" if full else code, f"{name}: {error.strerror}{advice}", retryable=True
        ) from None
