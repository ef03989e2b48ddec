"""What do verbs act on? Jobs, groups, runs, or everything: how they are named, and what is asked first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from runner.cli.acting import Noun
from runner.cli.completing import names_of
from runner.cli.meta import note_damage
from runner.vocabulary.errors import Refused
from runner.vocabulary.printable import printable

if TYPE_CHECKING:
    from runner.store.port import Store

PREVIEWED = 20
"""Names shown in a preview; the rest is counted."""


def confirm(verb: str, objects: Sequence[str], *, yes: bool) -> None:
    """Show what would be acted on and ask, when it is more than one; Refused without an answer of yes."""
    if len(objects) < 2 or yes:
        return
    print(f"{verb} {len(objects)} objects:", file=sys.stderr)
    for name in objects[:PREVIEWED]:
        print(f"  {printable(name)}", file=sys.stderr)
    if len(objects) > PREVIEWED:
        print(f"  … and {len(objects) - PREVIEWED} more", file=sys.stderr)
    if not sys.stdin.isatty():
        raise Refused(
            f"{verb} of {len(objects)} objects needs --yes where nobody can be asked; nothing was done"
        )
    if not click.confirm("Go on?", err=True):
        raise Refused("nothing was done")


def _jobs(
    store: Store, verb: str, yes: bool, *, names: Sequence[str], selector: str | None, group: str | None
) -> list[str]:
    if not names and selector is None and group is None:
        raise click.UsageError("name at least one job, or select some with -l or --group")
    from runner.operations.selection import select_jobs

    with store.read() as reader:
        chosen, damaged = select_jobs(reader, names, selector=selector, group=group)
    for problem in damaged:
        print(f"Error: {printable(str(problem))}; it is left as it is", file=sys.stderr)
        note_damage()
    jobs = [job.name for job in chosen]
    if not jobs:
        print("No job fits; nothing was done.", file=sys.stderr)
    confirm(verb, [f"Job/{name}" for name in jobs], yes=yes)
    return jobs


def _groups(store: Store, verb: str, yes: bool, *, names: Sequence[str]) -> list[str]:
    """With the jobs that they switch: those are what is acted on."""
    from runner.operations.groups import members
    from runner.operations.selection import installed

    groups = list(dict.fromkeys(names))
    with store.read() as reader:
        jobs = {
            f"Job/{job.name}": f"Group/{name}"
            for name in groups
            for job in members(reader, installed(reader, "Group", name).name)
        }
    several = [f"Group/{name}" for name in groups] if len(groups) > 1 else []
    confirm(verb, [*several, *(f"{job} ({group})" for job, group in jobs.items())], yes=yes)
    return groups


def _runs(store: Store, verb: str, yes: bool, *, ids: Sequence[int]) -> list[int]:
    runs = list(dict.fromkeys(ids))
    confirm(verb, [f"instance {id}" for id in runs], yes=yes)
    return runs


def _all_jobs(store: Store, verb: str, yes: bool) -> list[str]:
    """Every installed job."""
    with store.read() as reader:
        jobs = [summary.name for summary in reader.objects.summaries("Job")]
    confirm(verb, [f"Job/{name}" for name in jobs], yes=yes)
    return jobs


def _held_jobs(store: Store, verb: str, yes: bool) -> list[str]:
    """Every installed job that a maintenance holds."""
    from runner.operations.maintenance import jobs_under_maintenance

    with store.read() as reader:
        jobs = jobs_under_maintenance(reader)
    if not jobs:
        print("No maintenance is on; nothing was done.", file=sys.stderr)
    confirm(verb, [f"Job/{name}" for name in jobs], yes=yes)
    return jobs


def _show_jobs(results: Sequence[Any], done: str, output: str) -> None:
    from runner.cli.views.acts import show_acts

    show_acts(results, done, output)


def _show_groups(results: Sequence[Any], done: str, output: str) -> None:
    from runner.cli.views.acts import show_switched

    show_switched(results, done, output)


def _show_runs(results: Sequence[Any], done: str, output: str) -> None:
    from runner.cli.views.acts import show_runs

    show_runs(results, output)


JOBS = Noun(
    options=(
        click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=names_of("Job")),
        click.option(
            "-l",
            "--selector",
            default=None,
            metavar="SELECTOR",
            help="All jobs with these labels: team=bi, team!=bi, team, !team; commas join.",
        ),
        click.option(
            "--group",
            default=None,
            metavar="G",
            shell_complete=names_of("Group"),
            help="All jobs of this group.",
        ),
    ),
    fields=("names", "selector", "group"),
    chosen=_jobs,
    show=_show_jobs,
)
GROUPS = Noun(
    options=(
        click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=names_of("Group")),
    ),
    fields=("names",),
    chosen=_groups,
    show=_show_groups,
)
RUNS = Noun(
    options=(
        click.argument("ids", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1), metavar="ID..."),
    ),
    fields=("ids",),
    chosen=_runs,
    show=_show_runs,
)
EVERYTHING = Noun(options=(), fields=(), chosen=_all_jobs, show=_show_jobs)
MAINTAINED = Noun(options=(), fields=(), chosen=_held_jobs, show=_show_jobs)
