"""Which files differ from what was known of them, and what do they say now?"""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runner.loading.examination import Examined, examine_files
from runner.loading.files import Content
from runner.loading.findings import Finding
from runner.loading.memory import Memory
from runner.loading.resolving import record_of
from runner.loading.snapshot import Record, Snapshot, pack_record, unpack_record
from runner.loading.verdict import examine, pack
from runner.loading.walk import Complaint, Scan

NO_CONTENT = b"\0" * 32
"""Instead of a sha256, of a file that could not be read."""

FEW_REMOVED = 20
"""Removed files whose names are looked for in all others; for more, judging everything anew costs less."""


@dataclass(slots=True)
class Changes:
    """The tree's records by position, packed; and those that changed, as they are and as they were.

    `places` has, by the position of a file before, its position now; -1 for one that was removed. Empty when
    the paths are the same.
    """

    packed: list[bytes] = field(default_factory=list)
    now: dict[int, Record] = field(default_factory=dict)
    was: dict[int, Record] = field(default_factory=dict)
    removed: list[Record] = field(default_factory=list)
    same_paths: bool = False
    places: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)


def find_changes(scan: Scan, before: Snapshot | None, memory: Memory) -> Changes:
    """What changed between the snapshot and the scan; reads only files whose figures differ."""
    changes = Changes()
    old = _known(scan, before, changes)
    unknown = [position for position, each in enumerate(changes.packed) if not each]
    changes.read = unknown
    changes.was = {position: unpack_record(old[position]) for position in unknown if position in old}
    for position, answer in zip(unknown, _answers(scan, unknown, changes, memory), strict=True):
        if isinstance(answer, Record):  # touched, with the same content: nothing to judge again
            changes.packed[position] = pack_record(answer)
            del changes.was[position]
            continue
        if isinstance(answer, Complaint):
            record = Record(NO_CONTENT, [], [finding_of(answer)])
        else:
            record = record_of(*answer)
            memory.fresh[answer.sha256] = answer.packed
        changes.now[position] = record
    return changes


def only_removed(scan: Scan, changes: Changes) -> bool:
    """Whether no path came, and nothing that is left names a job of the files that went.

    Names are looked for in the packed records, as pieces of memory: one hit too many only costs time.
    """
    came = len(changes.places) - len(changes.removed) != len(scan.paths)
    if came or len(changes.removed) > FEW_REMOVED or any(c.severity == "error" for c in scan.complaints):
        return False
    gone = [held for record in changes.removed for held in record.held]
    if any(held.kind != "Job" or held.facts["files"] for held in gone):
        return False
    left = b"\0".join((*changes.packed, *map(pack_record, changes.now.values())))
    return not any(_is_named(left, text) for held in gone for text in (held.name, held.address))


def _is_named(packed: bytes, text: str) -> bool:
    """Whether `text` is among the strings of packed records, alone or with a `#part` behind it."""
    exactly = marshal.dumps(text)[1:]  # its length and its letters, whatever the flags before them
    return exactly in packed or f"{text}#".encode() in packed


def without_removed(
    changes: Changes, addresses: Sequence[str], owners: Sequence[int], digests: Sequence[str]
) -> tuple[list[str], array[int], list[str]]:
    """The same, by address, without what was declared in removed files; owners are positions of now."""
    places = [changes.places[at] for at in owners]
    return (
        [each for each, at in zip(addresses, places, strict=True) if at >= 0],
        array("q", [at for at in places if at >= 0]),
        [each for each, at in zip(digests, places, strict=True) if at >= 0],
    )


def finding_of(complaint: Complaint) -> Finding:
    """The complaint as a finding about the file as a whole."""
    c = complaint
    return (0, 0, c.severity, c.rule, c.summary, c.detail, c.hint, "")


def _known(scan: Scan, before: Snapshot | None, changes: Changes) -> dict[int, bytes]:
    """Fills `packed` with what is still known; returns the old records of the others, by new position."""
    count = len(scan.paths)
    changes.packed = [b""] * count
    if before is None:
        return {}
    paths, records, figures = before.paths(), before["records"], before["figures"]
    now = scan.figures.tobytes()
    if paths == scan.paths:
        changes.same_paths = True
        changes.packed = list(records)
        old = {}
        for position in _differing_rows(figures, now, 0, count):
            old[position] = records[position]
            changes.packed[position] = b""
        return old
    old = {}
    at = {path: position for position, path in enumerate(paths)}
    changes.places = [-1] * len(paths)
    for position, path in enumerate(scan.paths):
        row = at.pop(path, None)
        if row is not None:
            changes.places[row] = position
            if figures[row * 32 : row * 32 + 32] == now[position * 32 : position * 32 + 32]:
                changes.packed[position] = records[row]
            else:
                old[position] = records[row]
    changes.removed = [unpack_record(records[row]) for row in at.values()]
    return old


def _differing_rows(was: bytes, now: bytes, start: int, end: int) -> Iterator[int]:
    """Rows of 32 bytes that differ; halves the memory, so that a few among many are found quickly."""
    if was[start * 32 : end * 32] == now[start * 32 : end * 32]:
        return
    if end - start == 1:
        yield start
        return
    middle = (start + end) // 2
    yield from _differing_rows(was, now, start, middle)
    yield from _differing_rows(was, now, middle, end)


def _answers(
    scan: Scan, positions: Sequence[int], changes: Changes, memory: Memory
) -> list[Examined | Complaint | Record]:
    paths = [scan.paths[position] for position in positions]
    if memory.contents.is_empty() and not changes.was and not memory.given:
        examined = examine_files(memory.root, paths, memory.second_process(len(paths)))
        return [examined[path] for path in paths]
    answers: dict[str, Examined | Complaint | Record] = {}
    unread: dict[str, Content] = {}
    for position, path in zip(positions, paths, strict=True):
        content = memory.read(path)
        was = changes.was.get(position)
        if isinstance(content, Complaint):
            answers[path] = content
        elif was is not None and was.sha256 == content.sha256:
            answers[path] = was
        else:
            unread[path] = content
    cached = memory.contents.get({content.sha256 for content in unread.values()})
    missing = [path for path, content in unread.items() if content.sha256 not in cached]
    if (second := memory.second_process(len(missing))) is not None:
        answers.update(examine_files(memory.root, missing, second))
    for path, content in unread.items():
        if path not in answers:
            packed = cached.get(content.sha256) or pack(examine(content.raw))
            answers[path] = Examined(content.sha256, packed)
    return [answers[path] for path in paths]
