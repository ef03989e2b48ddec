"""What does a folder, a file or a stream declare? The whole of it, or every reason why not."""

from __future__ import annotations

import gc
import os
import stat
import time
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from runner.declaration.declared import Declared, Document
from runner.loading import limits
from runner.loading.contents import Contents
from runner.loading.files import Content
from runner.loading.findings import Finding, is_error, to_diagnostic
from runner.loading.location import Location, locate, locate_stream
from runner.loading.memory import Memory
from runner.loading.objects import Objects
from runner.loading.snapshot import ABSENT, Snapshot, unpack_record
from runner.loading.stamp import program_stamp
from runner.loading.walk import Complaint, Fingerprint, Scan, fingerprint_of, scan_folder
from runner.vocabulary.diagnostic import Diagnostic, has_errors, in_order
from runner.vocabulary.duration import format_size
from runner.vocabulary.identity import Address


class Kept(NamedTuple):
    """By position: paths below the root and what is kept of each file; addresses and the file of each.

    Two files with the same record declare the same at the same lines, with the same digests.
    """

    paths: list[str]
    records: list[bytes]
    addresses: list[str]
    owners: array[int]


class Tree:
    """What was found. With an error among the diagnostics there are no objects: unreadable is not empty."""

    def __init__(
        self, location: Location, snapshot: Snapshot, scan: Scan, memory: Memory, *, unchanged: bool
    ) -> None:
        self.root = Path(location.root)
        self.source = location.source
        self.prefix = location.prefix
        """What stands before the paths below the root, for people."""
        self.partial = location.part is not None
        self.unchanged = unchanged
        """Whether no file had to be read: all of this is what was known from the last time."""
        self.file_count = (
            sum(location.is_part(path) for path in scan.paths) if self.partial else len(scan.paths)
        )
        self.diagnostics = _diagnostics(location, snapshot, scan)
        self._location, self._snapshot, self._memory = location, snapshot, memory
        self._objects: Objects | None = None
        self._resolver: Any = None
        self.digest: str = snapshot["summary"][1] if not self.partial else self._partial_digest()

    @property
    def objects(self) -> Mapping[Address, Declared]:
        """Every declared object; empty when there are errors."""
        return {} if self._objects_or_none() is None else self._known()

    def digests(self) -> Mapping[str, str]:
        """The digest of every object by its address as text, without making any object."""
        return self._known().digests() if self._objects_or_none() is not None else {}

    def document(self, address: Address) -> Document:
        """The whole of one object: as written, as resolved, and the files that it names."""
        _, at, record, held = self._known().held(address)
        declared, resolved = self._made_resolver().resolved(at, record, held)
        written = {"metadata": declared["metadata"], "spec": declared.get("spec") or {}}
        return Document(written, resolved, dict(held.files))

    def blob(self, sha256: str) -> bytes:
        """The content of a file that an object names, as it was digested; RunnerError if that is gone."""
        for path, named in self._snapshot["named"].items():
            if named[1] == sha256:
                return self._memory.blob(path, sha256)
        raise KeyError(sha256)

    def save(self, index: Path, stamp: str) -> None:
        """Keep what is known for the next load."""
        if self._snapshot.is_worth_saving:
            self._snapshot.save(index, stamp)

    def kept(self) -> Kept:
        """Everything that is kept of the whole tree, to be compared with what was kept at another time."""
        snapshot = self._snapshot
        return Kept(snapshot.paths(), snapshot["records"], snapshot.addresses(), snapshot.owners())

    def hashes(self) -> set[bytes]:
        """The sha256 of every declaration."""
        return {unpack_record(packed).sha256 for packed in self._snapshot["records"]}

    def _objects_or_none(self) -> Objects | None:
        if self._objects is None and not has_errors(self.diagnostics) and self._snapshot["summary"][0]:
            is_part = self._location.is_part if self.partial else None
            self._objects = Objects(self._snapshot, self._location.shown, is_part)
        return self._objects

    def _known(self) -> Objects:
        objects = self._objects_or_none()
        if objects is None:
            raise KeyError("the tree has errors, so it has no objects")
        return objects

    def _made_resolver(self) -> Any:
        if self._resolver is None:
            from runner.loading.build import special_owners
            from runner.loading.resolving import Resolver
            from runner.loading.snapshot import Named

            snapshot = self._snapshot
            special = {at: unpack_record(snapshot["records"][at]) for at in special_owners(snapshot)}
            named = {path: Named(*each) for path, each in snapshot["named"].items()}
            self._resolver = Resolver(snapshot.paths(), self._memory, named, special)
        return self._resolver

    def _partial_digest(self) -> str:
        from runner.loading.build import digest_of_all

        digests = self.digests()
        return digest_of_all(list(digests), list(digests.values()))


def load_tree(
    path: Path | None = None,
    *,
    project: Path,
    state: Path | None = None,
    now: datetime | None = None,
    known_sources: Iterable[str] = (),
    known_addresses: Collection[str] = (),
    location: Location | None = None,
) -> Tree:
    """The tree at `path` (a folder or a file; None: the project's `jobs.d`). Never raises for what is in it.

    `state` is the state directory, whose cache makes the next load quick; None reads everything. A folder or
    file inside one of `known_sources` (or `jobs.d`) is a part of that source: its neighbours are known to its
    references, but only its own objects and diagnostics are in the tree. `known_addresses` are installed
    objects; they are asked when a file is read without its neighbours. With `location` none is sought.
    """
    location = location or locate(path, project, known_sources)
    cache = None if location.alone else _cache_folder(state)
    stamp = program_stamp()
    memory = Memory(location.root, Contents(cache, stamp))
    index = (
        cache / f"index-{sha256(location.root.encode('utf-8', 'replace')).hexdigest()[:16]}"
        if cache
        else None
    )
    return _load(location, memory, index, stamp, known_addresses if location.alone else ())


def load_stream(raw: bytes, *, base: Path, project: Path, known_addresses: Collection[str] = ()) -> Tree:
    """The tree that a stream of documents declares; always partial. Its paths are relative to `base`."""
    location = locate_stream(base, project)
    memory = Memory(location.root, Contents(None, ""))
    if len(raw) > limits.STREAM_BYTES:
        detail = f"more than {format_size(limits.STREAM_BYTES)} on standard input"
        scan = Scan(complaints=[Complaint("-", "stream-too-large", "Stream too large", detail)])
    elif not raw.strip():
        detail = "nothing came on standard input"
        hint = "did the command before the pipe fail? `set -o pipefail` tells"
        scan = Scan(complaints=[Complaint("-", "empty-document", "Nothing to read", detail, hint)])
    else:
        figures = (len(raw), 0, 0, 0)
        memory.given["-"] = Content(raw, sha256(raw).digest(), Fingerprint(*figures))
        scan = Scan(["-"], array("q", figures))
    tree = _built(location, scan, None, memory, known_addresses)
    from runner.loading.origin import with_origins  # with the parser, which an unchanged tree does not need

    tree.diagnostics = with_origins(tree.diagnostics, raw, project)
    return tree


def _load(location: Location, memory: Memory, index: Path | None, stamp: str, known: Collection[str]) -> Tree:
    read_at_ns = time.time_ns()
    scan = _scan(location)
    before = Snapshot.open(index, stamp) if index is not None else None
    if before is not None and before.is_of(scan) and _named_unchanged(location.root, before):
        return Tree(location, before, scan, memory, unchanged=True)
    tree = _built(location, scan, before, memory, known, read_at_ns)
    if index is not None:
        if memory.contents.put(memory.fresh):
            memory.contents.forget_old(len(scan.paths), tree.hashes)
            memory.fresh.clear()
        memory.contents.close()
        tree.save(index, stamp)
    return tree


def _built(
    location: Location,
    scan: Scan,
    before: Snapshot | None,
    memory: Memory,
    known: Collection[str],
    read_at_ns: int = 0,
) -> Tree:
    from runner.loading.build import build_snapshot

    try:
        with _no_collection():
            now = build_snapshot(scan, before, memory, read_at_ns=read_at_ns, known=known)
    finally:
        memory.close()
    return Tree(location, now, scan, memory, unchanged=False)


def _scan(location: Location) -> Scan:
    try:
        status = os.stat(location.root)  # noqa: PTH116
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        detail = f"there is no {location.shown('')}" if missing else str(error.strerror)
        rule, summary = (
            ("missing-path", "No such file or folder") if missing else ("unreadable", "Cannot be read")
        )
        hint = "`runner init` sets up a project, or name another folder" if missing else ""
        return Scan(complaints=[Complaint("", rule, summary, detail, hint)])
    if not stat.S_ISDIR(status.st_mode):
        return Scan(
            complaints=[Complaint("", "not-a-file", "Not a file or folder", "it is a fifo or device")]
        )
    if not location.alone:
        return scan_folder(location.root)
    assert location.part is not None
    figures = fingerprint_of(f"{location.root}/{location.part}")
    return Scan([location.part], array("q", figures or ABSENT))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without cyclic garbage collection: it would go again and again over what is being built."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _named_unchanged(root: str, before: Snapshot) -> bool:
    for path, each in before["named"].items():
        if (fingerprint_of(f"{root}/{path}") or ABSENT) != each[0]:
            return False
    return True


def _cache_folder(state: Path | None) -> Path | None:
    """The cache's folder, made private; None when there is no state directory or it cannot be written."""
    if state is None or not state.is_dir():
        return None
    folder = state / "cache"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return folder if private else None


def _diagnostics(location: Location, snapshot: Snapshot, scan: Scan) -> tuple[Diagnostic, ...]:
    found: list[tuple[str, Finding]] = list(snapshot["findings"])
    found += [(c.path, (0, 0, c.severity, c.rule, c.summary, c.detail, c.hint, "")) for c in scan.complaints]
    mine = [(path, finding) for path, finding in found if location.is_part(path)]
    refused = any(complaint.severity == "error" for complaint in scan.complaints)
    if not any(location.is_part(path) for path in scan.paths) and not refused:
        mine.append(("", _nothing_there(location)))
    elsewhere = [(path, finding) for path, finding in found if is_error(finding)]
    if not elsewhere and not any(is_error(each) for _, each in mine) and not snapshot["addresses"][0]:
        there = "no object" if mine else "nothing but a kustomization"
        mine.append((location.part or "", _nothing_there(location, there)))
    if elsewhere and not any(is_error(finding) for _, finding in mine):
        mine.append((location.part or "", _errors_elsewhere(location, elsewhere)))
    return in_order(to_diagnostic(path, finding, location.shown) for path, finding in mine)


def _errors_elsewhere(location: Location, found: list[tuple[str, Finding]]) -> Finding:
    first = min(to_diagnostic(path, finding, location.shown).place for path, finding in found)
    detail = f"nothing is wrong here, but {location.shown('')} has errors, the first at {first}"
    hint = f"see all of them with `runner validate {location.shown('')}`"
    return (0, 0, "error", "source-invalid", "Errors in the same source", detail, hint, "")


def _nothing_there(location: Location, there: str = "no .yaml or .yml file") -> Finding:
    what = location.shown(location.part or "")
    detail = f"there is {there} in {what}; an empty source would remove everything it declared"
    hint = "to remove everything, keep one file, for example with a Runner object"
    return (0, 0, "error", "nothing-declared", "No declarations", detail, hint, "")
