"""Which plain values do the documents of a YAML file hold?

One pass over the parser's events with a stack of our own: nothing recurses, an alias bomb is counted while
it is read, and nothing is built for a document that is refused. Events cost a quarter of what the C loader
needs. Positions are not kept: `places.find_places` reads the file again when there is a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from runner.loading import limits, text
from runner.loading.report import Report, Stop
from runner.loading.scalars import MAY_BE_SPECIAL, NotANumber, plain_value
from runner.vocabulary.diagnostic import Diagnostic

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """One document: its place in the file, and its content as plain Python values."""

    index: int
    line: int
    content: Any


@dataclass(slots=True)
class Reading:
    """What a file holds. With an error among the diagnostics, the documents are not to be used."""

    documents: list[ReadDocument] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read_documents(raw: bytes, file: str, *, nodes: int = limits.NODES) -> Reading:
    """The documents of `raw`, or diagnostics that name `file`. Raises nothing, whatever the bytes are.

    `nodes` is how many values one document may have, aliases expanded.
    """
    problem = text.problem_of(raw, file)
    if problem is not None:
        return Reading(diagnostics=[problem])
    reader = _Reader(raw, file, nodes)
    try:
        reader.run()
    except Stop:
        pass
    except MarkedYAMLError as error:
        reader.syntax(error)
    except (YAMLError, ValueError, RecursionError, MemoryError) as error:
        reader.problem(None, "yaml-syntax", "Not valid YAML", str(error)[:300])
    if reader.has_duplicates:
        reader.duplicates()
    return Reading(reader.documents, reader.diagnostics)


class _Reader(Report):
    def __init__(self, raw: bytes, file: str, most: int) -> None:
        super().__init__(raw, file)
        self.most = most
        self.documents: list[ReadDocument] = []
        self.has_duplicates = False
        self.expanded = 0

    def run(self) -> None:
        parser = CParser(self.raw)
        next_event = parser.get_event
        empty: list[Any] = []
        index = 0
        while True:
            event = next_event()
            kind = type(event)
            if kind is DocumentStartEvent:
                if index >= limits.DOCUMENTS:
                    self.refuse(event, "too-many-documents", f"more than {limits.DOCUMENTS} documents")
                self.directives(event)
                before = len(self.diagnostics)
                first, content = self.document(next_event)
                if content is None and type(first) is ScalarEvent and len(self.diagnostics) == before:
                    empty.append(first)
                else:
                    line = first.start_mark.line + 1
                    self.documents.append(ReadDocument(index, line, content))
                index += 1
            elif kind is StreamEndEvent or event is None:
                break
        self.empty(empty, has_documents=bool(self.documents))

    def document(self, next_event: Any) -> tuple[Any, Any]:  # noqa: PLR0912, PLR0915 - the hot loop
        """The first event of the document and its content; reads up to its end."""
        stack: list[tuple[Any, Any, str | None, int]] = []  # container, pending key, anchor, nodes before it
        anchors: dict[str, tuple[Any, int] | None] = {}
        container: Any = None
        key: Any = _NOTHING
        is_map = False
        root: Any = None
        first: Any = None
        nodes = aliases = 0
        most = self.most
        while True:
            event = next_event()
            kind = type(event)
            if first is None:
                first = event
            if kind is ScalarEvent:
                nodes += 1
                value: Any = event.value
                if event.tag is not None:
                    self.tag(event)
                elif event.implicit[0] and (not value or value[0] in MAY_BE_SPECIAL):
                    try:
                        value = plain_value(value)
                    except NotANumber as error:
                        self.problem(event, "number", "Number out of range", f"{error}")
                        value = 0
                if event.anchor is not None:
                    anchors[event.anchor] = (value, 1)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                nodes += 1
                if event.tag is not None:
                    self.tag(event)
                if event.anchor is not None:
                    anchors[event.anchor] = None  # not complete: an alias to it would be a cycle
                if is_map and key is _NOTHING:
                    self.problem(event, "key-not-text", "Key is not text", "a map or list stands as a key")
                    raise Stop
                if len(stack) >= limits.DEPTH:
                    self.refuse(event, "too-deep", f"more than {limits.DEPTH} maps and lists in each other")
                stack.append((container, key, event.anchor, nodes))
                is_map = kind is MappingStartEvent
                container = {} if is_map else []
                key = _NOTHING
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = container
                container, key, anchor, began = stack.pop()
                is_map = type(container) is dict
                if anchor is not None:
                    anchors[anchor] = (value, nodes - began + 1)
            elif kind is AliasEvent:
                aliases += 1
                found = anchors.get(event.anchor)
                if found is None:
                    why = "is used inside itself" if event.anchor in anchors else "is not defined"
                    detail = f"anchor '{event.anchor[:60]}' {why}"
                    hint = "quote the value if it begins with '*'"
                    self.refuse(event, "alias", detail, "Invalid alias", hint)
                value, size = found
                nodes += size
                self.expanded += size
                if self.expanded > most:
                    self.refuse(event, "alias-bomb", f"aliases of more than {most} values in one file")
                if aliases > limits.ALIASES:
                    self.refuse(event, "alias-bomb", f"more than {limits.ALIASES} aliases in one document")
            elif kind is DocumentEndEvent:
                return first, root
            else:  # the parser gives nothing else inside a document
                raise ValueError(f"unexpected {kind.__name__}")

            if nodes > most:
                rule = "alias-bomb" if aliases else "too-many-values"
                self.refuse(event, rule, f"more than {most} values in one document, aliases expanded")
            if is_map:
                if key is not _NOTHING:
                    container[key] = value
                    key = _NOTHING
                elif type(value) is not str:
                    self.key(event, value)
                    key = str(value)[:100]
                elif value in container:
                    self.has_duplicates = True
                    key = value
                else:
                    key = value
                    if value == "<<":
                        self.merge(event)
            elif container is not None:
                container.append(value)
            else:
                root = value
