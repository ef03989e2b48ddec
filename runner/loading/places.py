"""Where in the file does a value stand? Asked only when there is a problem with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Twice:
    """A key that stands twice in one map; lines and columns count from 1."""

    key: str
    line: int
    column: int
    first_line: int
    first_column: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One value: which document, its path in it, and where its key (in a map) and it itself begin."""

    document: int
    path: Path
    key: tuple[int, int] | None
    value: tuple[int, int]


class Places:
    """The places of one document."""

    def __init__(self, marks: dict[Path, Mark]) -> None:
        self._marks = marks

    def of_key(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the key (or list item) at `path`, or of the nearest value around it."""
        mark = self._nearest(path)
        return mark.key or mark.value if mark else (0, 0)

    def of_value(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the value at `path`; of its key when the value begins on a later line."""
        mark = self._nearest(path)
        if mark is None:
            return 0, 0
        return mark.key if mark.key and mark.key[0] != mark.value[0] else mark.value

    def _nearest(self, path: Sequence[str | int]) -> Mark | None:
        for length in range(len(path), -1, -1):
            mark = self._marks.get(tuple(path[:length]))
            if mark is not None:
                return mark
        return None


def find_places(raw: bytes, document: int) -> Places:
    """The places of document number `document` (from 0) of a file, up to a syntax error."""
    return next((places for _, places in places_by_document(raw, (document,))), Places({}))


def places_by_document(raw: bytes, wanted: Collection[int]) -> Iterator[tuple[int, Places]]:
    """The places of each wanted document, one after the other, in one pass over the file."""
    current, marks = -1, dict[Path, Mark]()
    for mark in _marks(raw):
        if mark.document != current:
            if current in wanted:
                yield current, Places(marks)
            current, marks = mark.document, {}
        if current in wanted:
            marks.setdefault(mark.path, mark)
    if current in wanted:
        yield current, Places(marks)


def find_duplicates(raw: bytes) -> Iterator[Twice]:
    """Every key that stands twice, up to the first syntax error."""
    seen: dict[tuple[int, Path], tuple[int, int]] = {}
    for mark in _marks(raw):
        if mark.key is None:
            continue
        first = seen.setdefault((mark.document, mark.path), mark.key)
        if first != mark.key:
            yield Twice(str(mark.path[-1]), *mark.key, *first)
            # What stands below it is another map than the first one: its keys are no second ones.
            depth = len(mark.path)
            below = [
                place
                for place in seen
                if place[0] == mark.document and place[1][:depth] == mark.path and len(place[1]) > depth
            ]
            for place in below:
                del seen[place]


def _marks(raw: bytes) -> Iterator[Mark]:  # noqa: PLR0912
    next_event = CParser(raw).get_event
    document = -1
    # One frame for each open map (None or its pending key) or list (the next index).
    frames: list[list[Any]] = []
    path: list[str | int] = []
    while True:
        try:
            event = next_event()
        except YAMLError:  # told by the reader
            return
        kind = type(event)
        if kind is StreamEndEvent or event is None:
            return
        if kind is DocumentStartEvent:
            document += 1
            frames, path = [], []
            continue
        if kind is MappingEndEvent or kind is SequenceEndEvent:
            frames.pop()
            if path:
                path.pop()
            continue
        if kind not in (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent):
            continue
        at = (event.start_mark.line + 1, event.start_mark.column + 1)
        if frames and frames[-1][0] == "map" and frames[-1][1] is None:
            frames[-1][1] = (getattr(event, "value", None) or "", at)
            if kind in (MappingStartEvent, SequenceStartEvent):  # a map as a key: already refused
                return
            continue
        key = None
        if frames:
            frame = frames[-1]
            if frame[0] == "map":
                step, key = frame[1]
                frame[1] = None
            else:
                step = frame[1]
                frame[1] += 1
            here = (*path, step)
        else:
            here = ()
        yield Mark(document, here, key, at)
        if kind is MappingStartEvent or kind is SequenceStartEvent:
            if frames:
                path.append(here[-1])
            frames.append(["map", None] if kind is MappingStartEvent else ["list", 0])
