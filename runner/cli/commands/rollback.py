"""`runner rollback`: back to what an earlier apply had installed, and stay there."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli.acting import opened, the_actor
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.operations.roll_back import Rollback
    from runner.store.port import Store


@click.command("rollback")
@click.argument("revision", required=False, default=None, metavar="[REVISION]")
@click.option(
    "--source", default=None, metavar="NAME", help="Of this source; default: that of the last apply."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; shown wherever it is still in force.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--end", is_flag=True, help="Let what is declared flow again, instead.")
@click.option(
    "--allow-delete", type=click.IntRange(min=0), default=None, metavar="N", help="Up to N objects may go."
)
@click.option("--allow-protected", is_flag=True, help="Objects of protected types may change and go.")
@click.option("--as", "as_name", default=None, metavar="NAME", help="Recorded beside your login name.")
@output_option("text", "json")
@common_options
def command(
    revision: str | None,
    source: str | None,
    reason: str,
    dry_run: bool,
    auto_approve: bool,
    end: bool,
    allow_delete: int | None,
    allow_protected: bool,
    as_name: str | None,
    output: str,
    where: Where,
) -> None:
    """Go back to what an earlier apply had installed, and keep it so at every sync.

    REVISION is the serial of an apply or a commit that was applied; without one it is the apply before the
    last. What has changed since is pinned to what it was; the first newer commit that changes an object ends
    its pin, and everything else keeps flowing. Neither the files nor the repository need to be there.

    \b
    Example:
      runner rollback --reason INC-123
      runner rollback 4f2c9e1 --auto-approve
    """
    actor = the_actor(as_name)
    with opened(where) as store:
        name = _source(store, source)
        if end:
            if revision is not None or dry_run:
                raise click.UsageError("--end goes with --source and --as only")
            _end(store, where, name, actor, output)
            return
        _roll_back(
            store,
            where,
            actor,
            revision,
            name,
            reason,
            output=output,
            dry_run=dry_run,
            approved=auto_approve,
            allow_delete=allow_delete,
            allow_protected=allow_protected,
        )


def _source(store: Store, name: str | None) -> str | None:
    """As it is recorded: a git source may be named without `git:`."""
    from runner.sources.settings import PREFIX

    if name is None:
        return None
    with store.read() as reader:
        return PREFIX + name if reader.sources.get(name) is not None else name.rstrip("/")


def _roll_back(
    store: Store,
    where: Where,
    actor: Actor,
    revision: str | None,
    source: str | None,
    reason: str,
    *,
    output: str,
    dry_run: bool,
    approved: bool,
    allow_delete: int | None,
    allow_protected: bool,
) -> None:
    from runner.cli.planning import show_applied, show_plan
    from runner.operations.apply import carry_out, refuse_by_guards
    from runner.operations.audit import Approval
    from runner.operations.roll_back import ROLLBACK, plan_rollback
    from runner.operations.wake import wake_daemon

    now = datetime.now(UTC)
    found = plan_rollback(store, revision, actor, now, source=source, why=reason)
    if output == "text" or dry_run:
        show_plan(found.planned.plan, where, output)
    refuse_by_guards(found.planned, actor, allow_delete=allow_delete, allow_protected=allow_protected)
    if dry_run:
        return
    if not approved:
        _ask(found)
    applied = carry_out(
        found.planned,
        store,
        actor,
        now,
        allow_delete=allow_delete,
        allow_protected=allow_protected,
        approval=Approval(ROLLBACK, ("--auto-approve" if approved else "asked") + (reason and f"; {reason}")),
    )
    wake_daemon(where.state)
    show_applied(applied, output)
    if output == "text":
        _say_what_is_pinned(found)


def _ask(found: Rollback) -> None:
    from runner.vocabulary.errors import Refused

    if not sys.stdin.isatty():
        raise Refused("nobody can be asked here, so rollback needs --auto-approve; nothing was changed")
    if not click.confirm(f"Go back from serial {found.serial} to serial {found.to.serial}?", err=True):
        raise Refused("not approved; nothing was changed")


def _say_what_is_pinned(found: Rollback) -> None:
    count = len(found.pins)
    objects = "1 object is" if count == 1 else f"{count} objects are"
    commit = f" ({found.to.commit[:7]})" if found.to.commit else ""
    them = "it" if count == 1 else "them"
    until = f"until a newer commit of {found.source} changes {them}"
    click.echo(f"{objects} pinned to serial {found.to.serial}{commit}, {until}.")
    click.echo("`runner rollback --end` lets what is declared flow again.")


def _end(store: Store, where: Where, source: str | None, actor: Actor, output: str) -> None:
    from runner.cli.views.values import show_json
    from runner.operations.roll_back import end_quarantine
    from runner.operations.wake import SOURCES, knock
    from runner.sources.settings import PREFIX

    ended = end_quarantine(store, source, actor, datetime.now(UTC))
    heard = knock(where.state, SOURCES)
    if output == "json":
        show_json([{"address": str(each.address), "source": each.source} for each in ended])
        return
    if not ended:
        click.echo("Nothing is pinned.")
        return
    click.echo(f"No longer pinned: {', '.join(str(each.address) for each in ended)}.")
    if heard and all(each.source.startswith(PREFIX) for each in ended):
        click.echo("The daemon applies what is declared now.")
    else:
        click.echo("`runner reconcile` (--with-source for git sources) applies what is declared now.")
