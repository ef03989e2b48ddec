"""What was known of the whole tree when it was last loaded? The index of the cache.

One file of sections with checksums, each decoded only when it is asked for: an unchanged tree of 10,000
files is recognised by comparing two pieces of memory, and its objects are looked at one by one.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import zlib
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runner.loading.findings import Finding
from runner.loading.walk import Scan
from runner.loading.write_whole import write_whole

MAGIC = b"runner-index-2\n"
ABSENT = (-1, -1, -1, -1)
"""The fingerprint of a named file that is not there."""


class Held(NamedTuple):
    """What is kept of one declaration; the digests are empty while there are errors in the tree."""

    number: int
    line: int
    kind: str
    name: str
    facts: dict[str, Any]
    digest: str
    execution_digest: str
    protected: bool
    files: dict[str, str]

    @property
    def address(self) -> str:
        return f"{self.kind}/{self.name}"


class Record(NamedTuple):
    """What is kept of one file."""

    sha256: bytes
    held: list[Held]
    findings: list[Finding]


class Named(NamedTuple):
    """A file that objects name, by its path below the root: its fingerprint, and the sha256 in hex."""

    fingerprint: tuple[int, ...]
    sha256: str


def pack_record(record: Record) -> bytes:
    """The record as bytes."""
    return marshal.dumps((record.sha256, [tuple(held) for held in record.held], record.findings))


def unpack_record(packed: bytes) -> Record:
    """What `pack_record` wrote."""
    sha256, held, findings = marshal.loads(packed)  # noqa: S302 - ours, with a checksum
    return Record(sha256, [Held(*each) for each in held], findings)


class Snapshot:
    """A tree as it was loaded; what is stored is decoded when it is asked for by its name."""

    SECTIONS = ("scan", "named", "summary", "findings", "figures", "records", "addresses", "digests")

    def __init__(self, sections: Mapping[str, memoryview]) -> None:
        self._sections = sections
        self._decoded: dict[str, Any] = {}
        self.is_racy = False
        """Whether a file was read in the instant in which it changed: it will be read again anyway."""
        self.is_worth_saving = True

    @classmethod
    def make(
        cls,
        *,
        scan: Scan,
        read: Iterable[int],
        racy_after_ns: int,
        named: dict[str, Named],
        valid: bool,
        digest: str,
        findings: list[tuple[str, Finding]],
        records: list[bytes],
        addresses: list[str],
        owners: array[int],
        digests: list[str],
    ) -> Snapshot:
        """A snapshot of what was just loaded, with the figures of the files that were `read` for it.

        Those that changed after `racy_after_ns` will be read again.
        """
        figures = _without_racy(scan.figures, read, racy_after_ns)
        kept = {
            path: each if max(each.fingerprint[1:3]) < _racy_from(each.fingerprint, racy_after_ns)
            else Named((-2, *each.fingerprint[1:]), each.sha256)
            for path, each in named.items()
        }  # fmt: skip
        values: dict[str, Any] = {
            "scan": _seen(scan),
            "named": {path: tuple(each) for path, each in kept.items()},
            "summary": (valid, digest, len(scan.paths), len(addresses)),
            "findings": findings,
            "figures": figures.tobytes(),
            "records": records,
            "addresses": ("\0".join(addresses), owners.tobytes()),
            "digests": "\0".join(digests),
        }
        snapshot = cls({})
        snapshot._decoded = values
        snapshot.is_racy = figures != scan.figures
        return snapshot

    def __getitem__(self, section: str) -> Any:
        """The value of a section."""
        if section not in self._decoded:
            self._decoded[section] = marshal.loads(self._sections[section])  # noqa: S302 - see `open`
        return self._decoded[section]

    def is_of(self, scan: Scan) -> bool:
        """Whether nothing that `scan` saw differs from what was seen then."""
        return bool(self["figures"] == scan.figures.tobytes() and self["scan"] == _seen(scan))

    def paths(self) -> list[str]:
        joined = self["scan"][0]
        return joined.split("\0") if joined else []

    def figures(self) -> array[int]:
        return array("q", self["figures"])

    def addresses(self) -> list[str]:
        """`Kind/name` of every object, sorted."""
        joined = self["addresses"][0]
        return joined.split("\0") if joined else []

    def owners(self) -> array[int]:
        """For each of `addresses`, the position of its file in `paths` and `records`."""
        return array("q", self["addresses"][1])

    def digests(self) -> list[str]:
        joined = self["digests"]
        return joined.split("\0") if joined else []

    def save(self, path: Path, stamp: str) -> None:
        """Write it atomically, readable by its owner alone. A full or read-only disk means: no cache."""
        packed = [marshal.dumps(self[name]) for name in self.SECTIONS]
        head = marshal.dumps([(len(each), zlib.crc32(each)) for each in packed])
        start = MAGIC + stamp.encode() + b"\n"
        with contextlib.suppress(OSError):
            sums = len(head).to_bytes(4, "big") + zlib.crc32(head).to_bytes(4, "big")
            write_whole(path, (start, sums, head, *packed))

    @classmethod
    def open(cls, path: Path, stamp: str) -> Snapshot | None:
        """The snapshot at `path`; None if there is none, or it is damaged, foreign or of another program."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
                content = memoryview(file.readall())
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return cls._divide(content, MAGIC + stamp.encode() + b"\n")

    @classmethod
    def _divide(cls, content: memoryview, start: bytes) -> Snapshot | None:
        at = len(start)
        if bytes(content[:at]) != start:
            return None
        length = int.from_bytes(content[at : at + 4], "big")
        head = content[at + 8 : at + 8 + length]
        if zlib.crc32(head) != int.from_bytes(content[at + 4 : at + 8], "big"):
            return None
        at += 8 + length
        sections = {}
        for name, (size, checksum) in zip(cls.SECTIONS, marshal.loads(head), strict=True):  # noqa: S302
            sections[name] = content[at : at + size]
            if zlib.crc32(sections[name]) != checksum:
                return None
            at += size
        return cls(sections) if at == len(content) else None


def _seen(scan: Scan) -> tuple[str, list[tuple[str, ...]]]:
    """Everything that a scan saw, except the figures."""
    return "\0".join(scan.paths), [tuple(complaint) for complaint in scan.complaints]


def _without_racy(figures: array[int], read: Iterable[int], racy_after_ns: int) -> array[int]:
    """The figures, with an impossible size for each file that may still change within the same instant.

    git's rule: a file changed in the instant in which it was read may change once more and look the same.
    """
    kept = array("q", figures)
    for position in read:
        fingerprint = tuple(figures[position * 4 : position * 4 + 4])
        if max(fingerprint[1:3]) >= _racy_from(fingerprint, racy_after_ns):
            kept[position * 4] = -2
    return kept


def _racy_from(fingerprint: tuple[int, ...], read_at_ns: int) -> int:
    """Times from here on are too close to the reading to tell a later change.

    Clocks of file systems tick every 4 to 10 ms; those that keep whole seconds only (or even ones) are
    recognised by it.
    """
    whole_seconds = fingerprint[1] % 1_000_000_000 == 0
    return read_at_ns - (2_000_000_000 if whole_seconds else 20_000_000)
