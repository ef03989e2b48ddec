"""What was read in this load? Kept by content, so that apply stores exactly what was digested."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from runner.loading import limits
from runner.loading.contents import Contents
from runner.loading.files import Content, read_file
from runner.loading.second_process import SecondProcess, is_worth_it
from runner.loading.verdict import Verdict, examine, unpack
from runner.loading.walk import Complaint
from runner.vocabulary.errors import RunnerError

KEPT_BYTES = 32 * 2**20  # of named files; what is beyond is read again when it is needed


@dataclass(slots=True)
class Memory:
    """Verdicts by the sha256 (raw) of their file, named files by theirs (hex)."""

    root: str
    contents: Contents
    fresh: dict[bytes, bytes] = field(default_factory=dict)
    given: dict[str, Content] = field(default_factory=dict)
    """Contents that stand in no file: a stream."""
    _blobs: dict[str, bytes] = field(default_factory=dict)
    _kept: int = 0
    _second: SecondProcess | None = None

    def read(self, path: str, most: int = limits.FILE_BYTES) -> Content | Complaint:
        """The content of a file below the root, or why there is none."""
        return self.given[path] if path in self.given else read_file(self.root, path, most)

    def keep(self, sha256: str, raw: bytes) -> None:
        """Keep the content of a named file."""
        if self._kept + len(raw) <= KEPT_BYTES and sha256 not in self._blobs:
            self._blobs[sha256] = raw
            self._kept += len(raw)

    def second_process(self, files: int = 0) -> SecondProcess | None:
        """The second process, started when that many files are worth it; the one there is, for no files."""
        if self._second is None and is_worth_it(files):
            self._second = SecondProcess()
        return self._second

    def close(self) -> None:
        """Let go of the second process and of the cache's file; what was read stays."""
        if self._second is not None:
            self._second.close()
            self._second = None
        self.contents.close()

    def verdict(self, path: str, sha256: bytes) -> Verdict:
        """The verdict on the file at `path` when it had this content; RunnerError when it has changed."""
        packed = self.fresh.get(sha256) or self.contents.get([sha256]).get(sha256)
        if packed is not None:
            return unpack(packed)
        content = self.read(path)
        if isinstance(content, Complaint) or content.sha256 != sha256:
            raise RunnerError(f"{path} was changed while it was read; try again")
        return examine(content.raw)

    def blob(self, path: str, sha256: str) -> bytes:
        """The content of a named file; RunnerError when it has changed since it was digested."""
        if sha256 in self._blobs:
            return self._blobs[sha256]
        content = self.read(path, limits.INVENTORY_BYTES)
        if isinstance(content, Complaint) or hashlib.sha256(content.raw).hexdigest() != sha256:
            raise RunnerError(f"{path} was changed after it was read; try again")
        return content.raw
