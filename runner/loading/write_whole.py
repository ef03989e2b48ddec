"""How does a file get its new content, all of it or nothing?"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_whole(
    path: Path, content: bytes | Iterable[bytes], *, mode: int = 0o600, durable: bool = False
) -> None:
    """Put the content in the place of the file; whoever reads it meanwhile sees the one or the other.

    `durable`: on return it survives a power cut. OSError when the disk does not take it: the file is as it
    was then, and nothing is left beside it; the same for what is no regular file: a device stays a device.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines((content,) if isinstance(content, bytes) else content)
            os.fchmod(descriptor, mode)
            if durable:
                file.flush()
                os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # the name, too
        finally:
            os.close(folder)
