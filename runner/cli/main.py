"""The entry point: a table of commands, loaded only when one is used, and the exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from runner.cli import exits
from runner.cli.failing import show_failure
from runner.cli.meta import has_told_damage
from runner.cli.options import leading_options
from runner.vocabulary.errors import NotUnderstood, RunnerError

# Command → module in runner.cli.commands, and the line that `runner --help` shows without importing it.
COMMANDS: dict[str, str] = {
    "validate": "Check declarations, offline; every problem at once",
    "plan": "Show what apply would change",
    "apply": "Carry a plan out",
    "reconcile": "Plan and apply in one step, for CI and agents",
    "adopt": "Let a source manage an object",
    "release": "Stop managing an object without removing it",
    "uninstall": "Remove an object that no plan removes",
    "undo": "Bring back what was uninstalled",
    "rollback": "Go back to an earlier apply, and stay there until a newer commit",
    "history": "Show what was applied, or the revisions of an object",
    "diff": "Show what was changed between two applies",
    "blame": "Show who has set a field of an object",
    "up": "Reconcile, watch, schedule and execute, until stopped",
    "run": "Run one job in the foreground, in a scratch database",
    "status": "What needs a person",
    "jobs": "List, show, switch, pause, trigger and reset jobs",
    "instances": "List, show, end, pause and repeat runs",
    "groups": "Enable or disable all jobs of a group",
    "maintenance": "Hold every job for a while",
    "drain": "Let the daemon evict what can resume, and end",
    "logs": "Show or follow the log of a run",
    "state": "Show, set or clear the state that a job has saved",
    "schedule": "Show the next starts",
    "fmt": "Bring declarations into one layout; comments stay",
    "schema": "Print the JSON Schema of the declarations",
    "new": "Write a declaration to start from",
    "init": "Set up a project in this folder",
    "import": "Declare what a crontab starts",
    "db": "Check, back up, migrate and shrink the database",
    "token": "Make, list and revoke tokens for the HTTP interface",
    "doctor": "Is everything in place, and what is the daemon doing?",
    "completion": "Print the shell completion script",
}


MODULES = {"import": "import_"}
"""Commands whose name is a keyword of Python."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used: `jobs list` does not pay for pydantic."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"runner.cli.commands.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
        except (RunnerError, OSError) as problem:
            if not isinstance(problem, BrokenPipeError | NotUnderstood):
                show_failure(ctx, problem)
            raise
        if has_told_damage(ctx):
            raise click.exceptions.Exit(exits.ERROR)
        return result

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from runner.vocabulary.names import nearest

            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean '{close}'?" if close else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jobs-runner", prog_name="runner")
@leading_options
def runner(project: str | None, db: str | None) -> None:
    """Declare jobs in YAML, review the plan, and let them run, recorded and isolated.

    \b
    Example:
      runner up jobs.d
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code: 64 for wrong usage, never 2."""
    _prepare_streams()
    stdout = sys.stdout
    try:
        code = runner.main(args=arguments, prog_name="runner", standalone_mode=False)
    except BaseException as problem:
        reader_has_left = sys.stdout is not stdout  # then click replaces the stream, and leaves with 1
        code = exits.SUCCESS if reader_has_left else exits.code_for(_with_its_place(problem))
    try:
        sys.stdout.flush()
    except OSError as problem:  # that the reader (head, less) has left is no error of ours
        code = exits.code_for(_with_its_place(problem)) or code
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code if isinstance(code, int) else 0)


def _with_its_place(problem: BaseException) -> BaseException:
    """The problem; when it is that stdout takes nothing more, it says so."""
    if isinstance(problem, OSError) and problem.filename is None:
        *_, (frame, _) = traceback.walk_tb(problem.__traceback__)
        if frame.f_globals["__name__"].startswith(("runner.cli.", "click.utils")):  # where things are printed
            problem.filename = "standard output"
    return problem


def _prepare_streams() -> None:
    """Streams that whoever started us has closed are empty ones, and no character makes a print fail.

    Their descriptors too: the next file that is opened (a lock, a socket) would get one of the numbers that
    programs and libraries write to, and that a child takes for its own streams.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            free = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, and so this one
            os.set_inheritable(free, True)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # not every terminal has every character
            stream.reconfigure(errors="backslashreplace")
