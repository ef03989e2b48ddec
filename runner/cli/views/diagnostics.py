"""Diagnostics for people, for scripts and for GitHub's annotations."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from runner.reconcile.masking import masked_text
from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.printable import visible

_COLOURS = {"error": "31", "warning": "33", "note": "36"}
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_WIDTH = 120


def show_text(diagnostics: Sequence[Diagnostic], stream: TextIO | None = None) -> None:
    """Each with its place, value, source line and hint, in the order given."""
    stream = sys.stderr if stream is None else stream
    coloured = stream.isatty() and not os.environ.get("NO_COLOR")
    for each in diagnostics:
        severity = _coloured(each.severity, _COLOURS[each.severity]) if coloured else each.severity
        print(f"{visible(each.place)}: {severity}[{each.rule}]: {visible(each.summary)}", file=stream)
        for line in each.detail.splitlines():
            print(f"  {visible(line)}", file=stream)
        if each.source.strip() and each.line:
            for line in _snippet(each):
                print(line, file=stream)
        if each.hint:
            print(f"  hint: {visible(each.hint)}", file=stream)


def as_json(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """The documented keys, one object for each."""
    return [each.as_json() for each in diagnostics]


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub Actions shows at the line of the file."""
    return "".join(f"{_workflow_command(each)}\n" for each in diagnostics)


def counted(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`; empty when there is nothing."""
    parts = []
    for severity in _COLOURS:
        count = sum(each.severity == severity for each in diagnostics)
        if count:
            parts.append(f"{count} {severity}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _snippet(diagnostic: Diagnostic) -> list[str]:
    """The source line and a caret below the column, cut around it when the line is long."""
    source, column = masked_text(diagnostic.source.replace("\t", " ")), diagnostic.column
    cut = max(0, column - _WIDTH) if column > _WIDTH else 0
    shown = visible(source[cut : cut + _WIDTH + 40])
    number = str(diagnostic.line)
    lines = [f"  {number} | {shown}"]
    if 0 < column <= len(source) + 1:
        lines.append(f"  {' ' * len(number)} | {' ' * (column - 1 - cut)}^")
    return lines


def _workflow_command(each: Diagnostic) -> str:
    properties = {"file": each.file, "title": f"{each.summary} [{each.rule}]"}
    if each.line:
        properties |= {"line": str(each.line), "col": str(each.column)}
    message = "\n".join(part for part in (each.detail, f"hint: {each.hint}" if each.hint else "") if part)
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::{_COMMANDS[each.severity]} {listed}::{_escaped(message or each.summary)}"


def _escaped(text: str, more: str = "") -> str:
    """As GitHub's toolkit escapes: percent, line ends, and in properties also colon and comma."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for character in more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour};1m{text}\x1b[0m"
