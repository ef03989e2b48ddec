"""`runner reconcile`: plan and apply in one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli import exits
from runner.cli.acting import Duration
from runner.cli.asking_sources import A_COMMIT
from runner.cli.options import Where, common_options, output_option
from runner.cli.planning import (
    FORMATS,
    declared_at,
    guard_options,
    invalid_option,
    path_options,
    refuse_without_database,
    show_applied,
    show_plan,
    show_warnings,
)

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.operations.plan import Stream
    from runner.reconcile.agreed import Agreed


@click.command("reconcile")
@path_options
@click.option("--dry-run", is_flag=True, help="Show the plan, refuse what would be refused, change nothing.")
@click.option(
    "--with-source",
    is_flag=True,
    help="Have the git source named by PATH, or all, asked and applied now, instead of a folder.",
)
@click.option(
    "--wait",
    "waits",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[COMMIT]",
    help="Wait until removed jobs are gone; with --with-source until COMMIT is applied.",
)
@click.option("--timeout", type=Duration(), default=None, metavar="30m", help="With --wait: exit 124 then.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are (or were) changes.")
@click.option(
    "--expect",
    metavar="FILE",
    default=None,
    type=click.Path(dir_okay=False),
    help="Change only what the plan in FILE lists (of `plan --out` or `plan -o json`); leave the rest alone.",
)
@click.option(
    "--expect-digest", metavar="D", default=None, help="Refuse any plan but the one with this digest."
)
@guard_options
@invalid_option
@output_option(*FORMATS)
@common_options
@click.pass_context
def command(
    context: click.Context,
    *,
    path: str | None,
    base: str | None,
    dry_run: bool,
    with_source: bool,
    waits: str | None,
    timeout: timedelta | None,
    detailed_exitcode: bool,
    expect: str | None,
    expect_digest: str | None,
    create: bool,
    allow_delete: int | None,
    allow_protected: bool,
    adopt: bool,
    heal: bool,
    on_invalid: str | None,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Plan and apply in one step, for CI and agents; nobody is asked.

    With --with-source a git source is looked at now, by the daemon when one runs; it returns when that is
    done, and with --wait COMMIT when that commit (or one after it) is applied.

    The guards hold all the same: much is removed only with --allow-delete, protected objects change only with
    --allow-protected. With --expect, what was not reviewed is left alone, and the exit code is 4. PATH is
    relative to the working directory; the default is jobs.d of the project.

    \b
    Example:
      runner reconcile jobs.d --allow-delete 4
      runner reconcile --with-source --wait 4f2c9e1
    """
    wait, commit = waits is not None, None
    if waits and A_COMMIT.match(waits) and with_source:
        commit = waits
    elif waits:  # what follows --wait is the PATH
        if path is not None:
            raise click.UsageError(f"--wait takes a commit, with --with-source; {waits!r} is none")
        path = waits
    if timeout is not None and not (wait or with_source):
        raise click.UsageError("--timeout goes with --wait")
    if with_source:
        if dry_run or expect is not None or base is not None:
            raise click.UsageError("--with-source goes with --wait and --timeout only")
        lifted = {"allow_delete": allow_delete, "allow_protected": allow_protected, "adopt": adopt}
        _with_source(where, actor, path, commit, timeout, {**lifted, "heal": heal}, output)
        return
    if not create:
        refuse_without_database(where, "reconcile")
    agreed = _agreed(expect, expect_digest)
    source = declared_at(path, base, where)
    looks = {"heal": heal, "on_invalid": on_invalid}
    allowed = {"allow_delete": allow_delete, "allow_protected": allow_protected, "adopt": adopt}
    if dry_run:
        left, changes = _rehearse(source, where, agreed, actor, output, allowed, looks)
    else:
        left, changes = _reconcile(
            source, where, agreed, actor, output, allowed, looks, create=create, wait=(wait, timeout)
        )
    if left:
        context.exit(exits.PARTIAL)
    if detailed_exitcode and changes:
        context.exit(exits.CHANGES_PRESENT)


def _agreed(expect: str | None, digest: str | None) -> Agreed:
    from runner.operations.saved_plan import agreed_in
    from runner.reconcile.agreed import Agreed

    agreed = Agreed() if expect is None else agreed_in(Path(expect).absolute())
    return replace(agreed, whole=digest)


def _rehearse(
    source: Path | Stream | None,
    where: Where,
    agreed: Agreed,
    actor: Actor,
    output: str,
    allowed: dict[str, Any],
    looks: dict[str, Any],
) -> tuple[list[str], bool]:
    """What would be left alone, and whether anything would be changed."""
    from runner.operations.apply import refuse_by_guards
    from runner.operations.plan import make_plan_for
    from runner.operations.reconcile import agreed_part, left_alone
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    now = datetime.now().astimezone()
    try:
        store = open_store(where.database, read_only=True)
    except NoDatabase:
        planned = agreed_part(make_plan_for(source, where.project, None, now), agreed, None)
        has_database = False
    else:
        try:
            planned = make_plan_for(source, where.project, store, now, outlook=True, **looks)
            planned, has_database = agreed_part(planned, agreed, store), True
        finally:
            store.close()
    show_warnings(planned)
    show_plan(planned.plan, where, output, database=has_database)
    refuse_by_guards(planned, actor, **allowed)
    return left_alone(planned, planned.plan), not planned.plan.is_empty


def _reconcile(
    source: Path | Stream | None,
    where: Where,
    agreed: Agreed,
    actor: Actor,
    output: str,
    allowed: dict[str, Any],
    looks: dict[str, Any],
    *,
    create: bool,
    wait: tuple[bool, timedelta | None],
) -> tuple[list[str], bool]:
    """What was left alone, and whether anything was changed."""
    from runner.operations.apply import refuse_by_guards
    from runner.operations.audit import Approval
    from runner.operations.no_database_yet import is_to_be_made, made_elsewhere, no_database_yet
    from runner.operations.plan import make_plan_for
    from runner.operations.reconcile import agreed_part, left_alone, reconcile
    from runner.operations.wake import wake_daemon
    from runner.store.open import open_store

    now = datetime.now().astimezone()
    first = None
    if create and is_to_be_made(where.database):
        with no_database_yet(where.state) as empty:
            first = make_plan_for(source, where.project, empty, now, state=where.state, **looks)
            first = made_elsewhere(agreed_part(first, agreed, empty))
            refuse_by_guards(first, actor, **allowed)
    store = open_store(where.database, create=create)
    try:
        approval = Approval("reconcile", agreed.said or "nobody was asked")
        planned, applied = reconcile(
            source,
            where.project,
            store,
            actor,
            now,
            expect=agreed,
            approval=approval,
            planned=first,
            **looks,
            **allowed,
        )
        if applied.changed:
            wake_daemon(where.state)
        show_warnings(planned)
        if output != "json":
            show_plan(planned.plan, where, output)
        show_applied(applied, output)
        if wait[0]:
            from runner.cli.draining import wait_until_gone

            wait_until_gone(store, where, applied.draining, wait[1])
    finally:
        store.close()
    return left_alone(planned, applied.plan), applied.changed


def _with_source(
    where: Where,
    actor: Actor,
    name: str | None,
    commit: str | None,
    timeout: timedelta | None,
    lifted: Mapping[str, Any],
    output: str,
) -> None:
    from runner.cli.asking_sources import reconcile_with_sources
    from runner.store.open import open_store

    refuse_without_database(where, "reconcile")
    store = open_store(where.database)
    try:
        reconcile_with_sources(
            store,
            where,
            actor,
            name=name,
            commit=commit,
            timeout=timeout,
            lifted=lifted,
            output=output,
        )
    finally:
        store.close()
