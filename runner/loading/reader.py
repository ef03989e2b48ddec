"""Which plain values do the documents of a YAML file hold?

One pass over the parser's events with a stack of our own: nothing recurses, an alias bomb is counted while
it is read, and nothing is built for a document that is refused. Events cost a quarter of what the C loader
needs. Positions are not kept: `places.find_places` reads the file again when there is a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml.cyaml import CParser
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

from runner.loading import limits, places, text
from runner.loading.scalars import MAY_BE_SPECIAL, NotANumber, plain_value
from runner.loading.syntax import hint_for
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


class _Refused(Exception):
    """The rest of the file is not read: it is beyond a limit."""


def read_documents(raw: bytes, file: str) -> Reading:
    """The documents of `raw`, or diagnostics that name `file`. Raises nothing, whatever the bytes are."""
    problem = text.problem_of(raw, file)
    if problem is not None:
        return Reading(diagnostics=[problem])
    reader = _Reader(raw, file)
    try:
        reader.run()
    except _Refused:
        pass
    except MarkedYAMLError as error:
        reader.syntax(error)
    except (YAMLError, ValueError, RecursionError, MemoryError) as error:
        reader.problem(None, "yaml-syntax", "Not valid YAML", str(error)[:300])
    if reader.has_duplicates:
        reader.duplicates()
    return reader.reading


class _Reader:
    def __init__(self, raw: bytes, file: str) -> None:
        self.raw = raw
        self.file = file
        self.reading = Reading()
        self.has_duplicates = False
        self.expanded = 0
        self.lines: list[str] | None = None

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
                before = len(self.reading.diagnostics)
                first, content = self.document(next_event)
                if content is None and type(first) is ScalarEvent and len(self.reading.diagnostics) == before:
                    empty.append(first)
                else:
                    line = first.start_mark.line + 1
                    self.reading.documents.append(ReadDocument(index, line, content))
                index += 1
            elif kind is StreamEndEvent or event is None:
                break
        self.empty(empty)

    def document(self, next_event: Any) -> tuple[Any, Any]:
        """The first event of the document and its content; reads up to its end."""
        stack: list[tuple[Any, Any, str | None, int]] = []  # container, pending key, anchor, nodes before it
        anchors: dict[str, tuple[Any, int] | None] = {}
        container: Any = None
        key: Any = _NOTHING
        is_map = False
        root: Any = None
        first: Any = None
        nodes = aliases = 0
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
                    raise _Refused
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
                    self.refuse(event, "alias", f"anchor '{event.anchor[:60]}' {why}", "Invalid alias")
                value, size = found
                nodes += size
                self.expanded += size
                if self.expanded > limits.NODES:
                    self.refuse(
                        event, "alias-bomb", f"aliases of more than {limits.NODES} values in one file"
                    )
                if aliases > limits.ALIASES:
                    self.refuse(event, "alias-bomb", f"more than {limits.ALIASES} aliases in one document")
            elif kind is DocumentEndEvent:
                return first, root
            else:  # the parser gives nothing else inside a document
                raise ValueError(f"unexpected {kind.__name__}")

            if nodes > limits.NODES:
                rule = "alias-bomb" if aliases else "too-many-values"
                self.refuse(event, rule, f"more than {limits.NODES} values in one document, aliases expanded")
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

    # Problems, in the order in which the reader meets them

    def problem(
        self, event: Any, rule: str, summary: str, detail: str = "", hint: str = "", severity: Any = "error"
    ) -> None:
        mark = getattr(event, "start_mark", None) if not hasattr(event, "line") else event
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        self.at(line, column, rule, summary, detail, hint, severity)

    def at(
        self,
        line: int,
        column: int,
        rule: str,
        summary: str,
        detail: str,
        hint: str = "",
        severity: Any = "error",
    ) -> None:
        if len(self.reading.diagnostics) >= limits.DIAGNOSTICS_PER_FILE:
            raise _Refused
        if self.lines is None:
            self.lines = text.lines_of(self.raw)
        source = text.snippet(self.lines, line)
        self.reading.diagnostics.append(
            Diagnostic(self.file, line, column, severity, rule, summary, detail, hint, source)
        )

    def refuse(self, event: Any, rule: str, detail: str, summary: str = "Beyond a limit") -> NoReturn:
        self.problem(event, rule, summary, detail)
        raise _Refused

    def directives(self, event: Any) -> None:
        if event.version is not None and tuple(event.version) != (1, 2):
            wrote = ".".join(str(part) for part in event.version)
            self.problem(
                event, "yaml-version", "Wrong YAML version", f"%YAML {wrote}; expected 1.2 or nothing"
            )
        if event.tags:
            self.problem(event, "yaml-tag", "Tags are not accepted", "a %TAG directive")

    def tag(self, event: Any) -> None:
        self.problem(
            event,
            "yaml-tag",
            "Tags are not accepted",
            f"'{event.tag[:80]}'; values are text, numbers, true, false, null, maps and lists",
            "quote the value if it begins with '!'",
        )

    def key(self, event: Any, value: Any) -> None:
        if isinstance(value, dict | list):
            self.problem(event, "key-not-text", "Key is not text", "a map or list stands as a key")
            return
        written = (
            "null" if value is None else str(value).lower() if value is True or value is False else value
        )
        self.problem(
            event,
            "key-not-text",
            "Key is not text",
            f"{written} is {_type_name(value)}",
            f'write "{written}"',
        )

    def merge(self, event: Any) -> None:
        self.problem(
            event,
            "merge-key",
            "Merge keys are not YAML 1.2",
            "'<<' is not a field",
            "write the fields out, or use an alias for a whole value",
        )

    def empty(self, events: list[Any]) -> None:
        """An empty file is never 'no objects': a truncated file must not look like a removal."""
        if not self.reading.documents and not self.reading.diagnostics:
            self.at(
                1,
                1,
                "empty-document",
                "Empty file",
                "there is no object in it",
                "delete the file if that is meant",
            )
        elif self.reading.documents:
            for event in events:
                self.problem(
                    event, "empty-document", "Empty document", "nothing between two '---'", "", "warning"
                )

    def syntax(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        if self.lines is None:
            self.lines = text.lines_of(self.raw)
        source = text.snippet(self.lines, mark.line + 1) if mark is not None else ""
        detail = "; ".join(part for part in (error.context, error.problem) if part)
        try:
            self.problem(mark, "yaml-syntax", "Not valid YAML", detail[:300], hint_for(detail, source))
        except _Refused:
            pass

    def duplicates(self) -> None:
        try:
            for twice in places.find_duplicates(self.raw):
                self.at(
                    twice.line,
                    twice.column,
                    "duplicate-key",
                    "Key stands twice",
                    f"'{twice.key[:80]}' stands first in line {twice.first_line}, column {twice.first_column}",
                    "keep one of the two",
                )
        except (_Refused, YAMLError):
            pass


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "a boolean", int: "a number", float: "a number"}.get(type(value), type(value).__name__)
