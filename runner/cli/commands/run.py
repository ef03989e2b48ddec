"""`runner run`: a trial in the foreground."""

from __future__ import annotations

import functools
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.options import Where, common_options, output_option
from runner.cli.pairs import pairs
from runner.vocabulary.printable import printable

if TYPE_CHECKING:
    from runner.daemon.ending import WaitedFor
    from runner.execution.logs import LogLine
    from runner.operations.outcome import Finished, NotStarted
    from runner.operations.prepare_trial import Trial
    from runner.operations.tried_items import Given
    from runner.store.port import Store

_CODES = {"SUCCEEDED": exits.SUCCESS, "PARTIALLY_SUCCEEDED": exits.PARTIAL}


@click.command("run")
@click.argument("name_or_file")
@click.option("-p", "--param", "given", multiple=True, metavar="KEY=VALUE", help="An input of the job.")
@click.option("--slot", default=None, metavar="TIME", help="The slot that it runs for.")
@click.option("--step", default=None, metavar="STEP", help="Only this step, without its condition.")
@click.option(
    "--payload", "payloads", multiple=True, metavar="FILE", help="What a webhook brings: JSON; - is stdin."
)
@click.option(
    "--file", "files", multiple=True, metavar="PATH", help="A file that has arrived below its root."
)
@click.option("--items", default=None, metavar="FILE", help="What has arrived, as lines of JSON; - is stdin.")
@click.option("--dry-run", is_flag=True, help="Show what would run; run nothing.")
@output_option("text", "json")
@common_options
def command(
    name_or_file: str,
    given: tuple[str, ...],
    slot: str | None,
    step: str | None,
    payloads: tuple[str, ...],
    files: tuple[str, ...],
    items: str | None,
    dry_run: bool,
    output: str,
    where: Where,
) -> None:
    """Run one declared job now, in the foreground, in a scratch database that is thrown away.

    Its steps are real: they write where the declaration says. The exit code is the run's: 0 succeeded,
    4 in part, 1 anything else. A job that a trigger starts gets what has arrived for it from --payload,
    --file or --items (as `runner jobs items NAME -o json` prints it); no file is moved afterwards. With
    -o json stdout has the run as `instances show` tells it, and the log goes to stderr.

    \b
    Example:
      runner run sales-summary -p region=north
      echo '{"number": 17}' | runner run ship-order --payload -
    """
    from runner.access.permission import Actor
    from runner.daemon.clock import SystemClock
    from runner.daemon.trial import run_trial
    from runner.operations.login_name import login_name
    from runner.operations.prepare_trial import find_trial, install_trial
    from runner.store.open import open_store

    clock = SystemClock()
    cache = where.state if where.state.is_dir() else None
    trial = find_trial(name_or_file, project=where.project, state=cache, now=clock.now())
    params = pairs(given)
    if slot is not None and (payloads or files or items):
        raise click.UsageError("--slot and what has arrived exclude each other: an item has its own time")
    arrived = _arrived(payloads, files, items)
    if dry_run:
        _show(trial, step, params, output)
        return
    scratch = Path(tempfile.mkdtemp(prefix="runner-trial-"))
    try:
        store = open_store(scratch / "runner.db", create=True)
        try:
            start = install_trial(
                store,
                scratch,
                trial,
                project=where.project,
                step=step,
                given=params,
                slot=slot,
                actor=Actor(login_name()),
                now=clock.now(),
                arrived=arrived,
            )
            for note in start.notes:
                click.echo(f"note: {printable(note)}", err=True)
            listen = functools.partial(_print, err=output == "json")
            result = run_trial(store, scratch, where.project, start.id, start.job, listen, clock, _waits)
            if output == "json":
                _show_run(store, start.id, clock.now())
        finally:
            store.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    state, said = told(result)
    click.echo(f"{start.job}: {state}{said and f': {said}'}", err=True)
    raise click.exceptions.Exit(_CODES.get(state, exits.ERROR))


def _arrived(payloads: tuple[str, ...], files: tuple[str, ...], items: str | None) -> Given:
    from runner.operations.tried_items import Given, items_in, opened

    stdin = sys.stdin.buffer
    listed = opened([items] if items is not None else [], stdin)
    return Given(
        opened(payloads, stdin), files, items_in(listed[0].decode(errors="replace")) if listed else ()
    )


def _waits(those: Sequence[WaitedFor]) -> None:
    steps = ", ".join(dict.fromkeys(each.step for each in those))
    click.echo(f"Waiting for step {steps}, which is not interruptible; Ctrl-C once more ends it.", err=True)


def told(result: Finished | NotStarted) -> tuple[str, str]:
    """The state that it ended in, and why, as a terminal may show it: a job says what it likes."""
    from runner.operations.outcome import Finished

    if isinstance(result, Finished) and result.reason == "sleeping" and result.due_at is not None:
        until = f"{result.due_at.astimezone():%H:%M:%S}"
        return result.state, f"it sleeps until {until}; a trial does not wait, `runner up` does"
    if isinstance(result, Finished):
        return result.state, printable(str(result.error["description"]) if result.error else result.reason)
    return result.outcome, result.reason


def _print(line: LogLine, *, err: bool) -> None:
    from runner.cli.views.log_lines import shown

    click.echo(shown(line), err=err)


def _show_run(store: Store, id: int, now: datetime) -> None:
    from runner.cli.views.instances import show_details
    from runner.operations.show_instance import show_instance

    with store.read() as reader:
        show_details(show_instance(reader, id, now), "json", now)


def _show(trial: Trial, step: str | None, params: dict[str, str], output: str) -> None:
    from runner.reconcile.masking import masked

    spec = trial.document.resolved
    given = {name: masked(("with", name), value) for name, value in {**spec["with"], **params}.items()}
    if output == "json":
        from runner.cli.views.values import show_json

        file, line = trial.declared.place
        steps = [
            {key: entry[key] for key in ("name", "kind", "if")}
            for entry in spec["steps"]
            if step in (None, entry["name"])
        ]
        place = {"job": trial.declared.address.name, "source": {"file": file, "line": line}}
        show_json({**place, "env": sorted(spec["env"]), "with": given, "steps": steps})
        return
    click.echo(f"{trial.declared.address}  {trial.declared.place}")
    click.echo(f"  env      {', '.join(sorted(spec['env'])) or 'nothing declared'}")
    for name, value in given.items():
        click.echo(f"  input    {name} = {printable(str(value))}")
    if tasks := spec.get("tasks"):
        where = f" where {printable(str(tasks['where']))}" if tasks["where"] else ""
        click.echo(f"  targets  of {tasks['inventory']}{where}, {tasks['parallel']} at the same time")
    for entry in spec["steps"]:
        if step in (None, entry["name"]):
            condition = f"  if {printable(str(entry['if']))}" if entry["if"] else ""
            click.echo(f"  step     {entry['name']} ({entry['kind']}){condition}")
