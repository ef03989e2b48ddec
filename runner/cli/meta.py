"""What do the parts of one command leave for each other? Notes among click's `meta`."""

from __future__ import annotations

from typing import Any

import click

_OUTPUT = "runner.output"
_DOCUMENT_SHOWN = "runner.document-shown"
_DAMAGE_TOLD = "runner.damage-told"


def remember_output(context: click.Context, _option: click.Parameter, value: Any) -> Any:
    """Callback of `-o`."""
    context.meta[_OUTPUT] = value
    return value


def output_of(context: click.Context) -> str | None:
    """The format that was asked for; None of a command that has none."""
    return context.meta.get(_OUTPUT)


def note_document() -> None:
    """A JSON or YAML document is about to be printed: a second one on stdout would make it none."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_DOCUMENT_SHOWN] = True


def has_document(context: click.Context) -> bool:
    """Whether stdout has its one document already."""
    return bool(context.meta.get(_DOCUMENT_SHOWN))


def note_damage() -> None:
    """Damaged rows were left out of what is shown: the command is to end with ERROR."""
    click.get_current_context().meta[_DAMAGE_TOLD] = True


def has_told_damage(context: click.Context) -> bool:
    """Whether damaged rows were left out."""
    return bool(context.meta.get(_DAMAGE_TOLD))
