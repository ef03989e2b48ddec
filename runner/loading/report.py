"""What does the reader say about what it refuses?"""

from __future__ import annotations

import contextlib
from typing import Any, NoReturn

from ruamel.yaml.error import MarkedYAMLError

from runner.loading import limits, places, text
from runner.loading.quoted_line import quoted_line
from runner.loading.syntax import hint_for
from runner.vocabulary.diagnostic import Diagnostic


class Stop(Exception):
    """The rest of the file is not read: it is beyond a limit, or there is enough to say about it."""


class Report:
    """The diagnostics of one file, with their places and source lines."""

    def __init__(self, raw: bytes, file: str) -> None:
        self.raw = raw
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.lines: list[str] | None = None

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
        if len(self.diagnostics) >= limits.DIAGNOSTICS_PER_FILE:
            raise Stop
        if self.lines is None:
            self.lines = text.lines_of(self.raw)
        source = quoted_line(self.lines, line)
        self.diagnostics.append(
            Diagnostic(self.file, line, column, severity, rule, summary, detail, hint, source)
        )

    def refuse(
        self, event: Any, rule: str, detail: str, summary: str = "Beyond a limit", hint: str = ""
    ) -> NoReturn:
        self.problem(event, rule, summary, detail, hint)
        raise Stop

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

    def empty(self, events: list[Any], *, has_documents: bool) -> None:
        """An empty file is never 'no objects': a truncated file must not look like a removal."""
        if not has_documents and not self.diagnostics:
            self.at(
                1,
                1,
                "empty-document",
                "Empty file",
                "there is no object in it",
                "delete the file if that is meant",
            )
        elif has_documents:
            for event in events:
                self.problem(
                    event, "empty-document", "Empty document", "nothing between two '---'", "", "warning"
                )

    def syntax(self, error: MarkedYAMLError) -> None:
        """What the parser says; at the end of the file it stands behind the last text that there is."""
        mark = error.problem_mark or error.context_mark
        if self.lines is None:
            self.lines = text.lines_of(self.raw)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        if line and not any(each.strip() for each in self.lines[line - 1 :]):
            while line > 1 and not text.snippet(self.lines, line).strip():
                line -= 1
                column = len(text.snippet(self.lines, line)) + 1
        detail = "; ".join(part for part in (error.context, error.problem) if part)
        hint = hint_for(detail, text.snippet(self.lines, line))
        with contextlib.suppress(Stop):
            self.at(line, column, "yaml-syntax", "Not valid YAML", detail[:300], hint)

    def duplicates(self) -> None:
        try:
            for twice in places.find_duplicates(self.raw):
                self.at(
                    twice.line,
                    twice.column,
                    "duplicate-key",
                    "Key stands twice",
                    f"'{twice.key[:80]}' stands first in line {twice.first_line}, "
                    f"column {twice.first_column}",
                    "begin each object with a line '---'"
                    if twice.key == "apiVersion" and twice.column == 1
                    else "keep one of the two",
                )
        except Stop:
            pass


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "a boolean", int: "a number", float: "a number"}.get(type(value), type(value).__name__)
