"""`runner new`: write a declaration to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from runner.cli.options import Where, common_options
from runner.declaration.declared import KINDS
from runner.declaration.editors import SCHEMA, modeline
from runner.declaration.scaffold import LIBRARY_CODE, library_file, scaffold
from runner.vocabulary.errors import Refused
from runner.vocabulary.names import is_object_name


def _word(kind: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("-")


WORDS = {_word(kind): kind for kind in KINDS}


class _Kind(click.Choice[str]):
    """`job-type`, and `JobType` as it stands in a file."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        words = {kind.lower(): word for word, kind in WORDS.items()}
        return super().convert(words.get(str(value).lower(), value), param, ctx)


@click.command("new")
@click.argument("kind", metavar="KIND", type=_Kind(list(WORDS), case_sensitive=False))
@click.argument("name")
@common_options
def command(kind: str, name: str, where: Where) -> None:
    """Write jobs.d/NAME.yaml with an object to start from, and print its path; never overwrite.

    KIND is job, schedule, job-type, library, group, inventory, calendar, connection, authorization or runner.

    \b
    Example:
      runner new job sales-summary
    """
    if not is_object_name(name):
        raise click.BadParameter(
            f"{name!r} is not a name; use lower-case letters, digits and inner hyphens, 63 at most",
            param_hint="NAME",
        )
    folder = where.project / "jobs.d"
    file = folder / f"{name}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    known = modeline(up=1) if (where.project / SCHEMA).is_file() else ""
    contents = {file: known + scaffold(WORDS[kind], name)}
    if WORDS[kind] == "Library":
        contents = {folder / library_file(name): LIBRARY_CODE, **contents}
    for path in contents:
        if path.exists() or path.is_symlink():
            raise Refused(f"{_shown(path)} exists already and was left as it is; choose another name")
    for path, content in contents.items():
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(content)
        except FileExistsError:
            raise Refused(
                f"{_shown(path)} was made by someone else meanwhile; it was left as it is"
            ) from None
        click.echo(_shown(path))


def _shown(file: Path) -> str:
    shown = os.path.relpath(file)
    return str(file) if shown.startswith("..") else shown
