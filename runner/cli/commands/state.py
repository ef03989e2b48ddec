"""`runner state`: what a job's code has saved."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import click

from runner.cli.acting import acting_options, opened
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor

FORMATS = ("text", "json", "yaml")


@click.group()
def command() -> None:
    """Show, set or clear the state that a job has saved.

    \b
    Example:
      runner state show contact-import
    """


@command.command("show")
@click.argument("name", shell_complete=names_of("Job"))
@output_option(*FORMATS)
@common_options
def show(name: str, output: str, where: Where) -> None:
    """Show what the runs of a job have saved, and what it keeps for good.

    \b
    Example:
      runner state show contact-import -o json
    """
    from runner.cli.views.state import show_saved
    from runner.operations.state import show_state

    with opened(where, read_only=True) as store, store.read() as reader:
        saved = show_state(reader, name)
    show_saved(saved, output)


@command.command("set")
@click.argument("name", shell_complete=names_of("Job"))
@click.argument("assignments", nargs=-1, metavar="KEY=TEXT|KEY:=JSON…")
@click.option("--remove", "removed", multiple=True, metavar="KEY", help="Remove a key; once for each.")
@click.option(
    "--file", type=click.File("r", encoding="utf-8"), help="A JSON map in the place of all; - is stdin."
)
@click.option("--persistent", is_flag=True, help="What the job keeps for good, instead of a run's state.")
@click.option(
    "--instance", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="Default: the newest run with state."
)
@click.option("--target", metavar="NAME", help="Of a run over an inventory.")
@click.option("--allow-protected", is_flag=True, help="Also of a job of a protected type.")
@acting_options
@output_option(*FORMATS)
@common_options
def set_(
    *,
    name: str,
    assignments: tuple[str, ...],
    removed: tuple[str, ...],
    file: TextIO | None,
    persistent: bool,
    instance: int | None,
    target: str | None,
    allow_protected: bool,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Change what a run has saved, or what the job keeps for good; refused (exit 3) while it is RUNNING.

    \b
    Example:
      runner state set contact-import row:=1200 --reason "the file was cut"
    """
    from runner.cli.views.state import show_set
    from runner.operations.state import set_state

    if persistent and (instance is not None or target is not None):
        raise click.UsageError("--persistent belongs to the job, not to one of its runs")
    if file is not None and (assignments or removed):
        raise click.UsageError("--file takes the place of everything, so nothing stands beside it")
    if file is None and not assignments and not removed:
        raise click.UsageError("nothing to set; write KEY=TEXT, KEY:=JSON, --remove KEY or --file")
    values = _assigned(assignments) if file is None else _map_of(file)
    now = datetime.now(UTC)
    with opened(where) as store:
        changed = store.transact(
            lambda tx: set_state(
                tx,
                name,
                values=values,
                removed=removed,
                whole=file is not None,
                actor=actor,
                reason=reason,
                now=now,
                persistent=persistent,
                instance=instance,
                target=target,
                allow_protected=allow_protected,
            )
        )
    show_set(changed, output)


def _assigned(assignments: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        is_json = key.endswith(":")
        key = key.removesuffix(":")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} is not KEY=TEXT or KEY:=JSON", param_hint="KEY=TEXT")
        if key in values:
            raise click.BadParameter(f"{key!r} is given twice", param_hint="KEY=TEXT")
        values[key] = _json(value, f"the value of {key}") if is_json else value
    return values


def _map_of(file: TextIO) -> dict[str, Any]:
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise click.BadParameter("it is not UTF-8 text", param_hint="--file") from None
    value = _json(text, "the file")
    if not isinstance(value, dict):
        raise click.BadParameter("it holds no JSON map", param_hint="--file")
    return value


def _json(text: str, what: str) -> Any:
    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON number")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as problem:
        raise click.BadParameter(f"{what} is not JSON: {str(problem)[:200]}") from None


@command.command("clear")
@click.argument("name", shell_complete=names_of("Job"))
@click.option(
    "--instance", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="Only what this run has saved."
)
@click.option("--persistent", is_flag=True, help="Also what the job keeps for good.")
@click.option("--allow-protected", is_flag=True, help="Also of a job of a protected type.")
@acting_options
@output_option(*FORMATS)
@common_options
def clear(
    *,
    name: str,
    instance: int | None,
    persistent: bool,
    allow_protected: bool,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Delete what the runs of a job have saved; refused (exit 3) while it is RUNNING.

    \b
    Example:
      runner state clear contact-import --reason "start from the first page"
    """
    from runner.cli.views.state import show_cleared
    from runner.operations.state import clear_state

    now = datetime.now(UTC)
    with opened(where) as store:
        cleared = store.transact(
            lambda tx: clear_state(
                tx,
                name,
                actor=actor,
                reason=reason,
                now=now,
                instance=instance,
                persistent=persistent,
                allow_protected=allow_protected,
            )
        )
    show_cleared(cleared, output)
