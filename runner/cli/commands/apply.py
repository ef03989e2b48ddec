"""`runner apply`: carry a plan out."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli import exits
from runner.cli.options import Where, common_options, output_option
from runner.cli.planning import (
    declared_at,
    guard_options,
    invalid_option,
    path_options,
    refuse_without_database,
    show_applied,
    show_plan,
    show_warnings,
    shown_database,
)

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.operations.plan import Planned
    from runner.store.port import Store


@click.command("apply")
@path_options
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    default=None,
    type=click.Path(dir_okay=False),
    help="Carry out exactly this plan, saved with `plan --out`.",
)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@guard_options
@invalid_option
@output_option("text", "json")
@common_options
@click.pass_context
def command(
    context: click.Context,
    *,
    path: str | None,
    base: str | None,
    plan_file: str | None,
    auto_approve: bool,
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
    """Make what is installed the same as what is declared.

    Shows the plan and asks; where nobody can be asked it needs --auto-approve. All of the plan is applied, in
    one transaction, or nothing. PATH is relative to the working directory; the default is jobs.d of the
    project.

    \b
    Example:
      runner apply jobs.d --auto-approve
    """
    if plan_file is not None and (path is not None or base is not None):
        raise click.UsageError("--plan has all that is applied, so PATH and --base do not go with it")
    if plan_file is not None and heal:
        raise click.UsageError("--heal goes with `plan --out`: a saved plan is carried out as it is")
    if not create:
        refuse_without_database(where, "apply")
    from runner.operations.apply import carry_out, refuse_by_guards, refuse_foreign_plan
    from runner.operations.audit import Approval
    from runner.operations.no_database_yet import (
        is_to_be_made,
        made_elsewhere,
        no_database_yet,
        refuse_plan_of_a_database,
    )
    from runner.operations.plan import make_plan_for
    from runner.operations.reconcile import left_alone
    from runner.operations.saved_plan import damage_told, read_plan
    from runner.operations.wake import wake_daemon
    from runner.store.open import open_store

    now = datetime.now().astimezone()
    saved = None if plan_file is None else read_plan(Path(plan_file).absolute())
    source = None if saved is not None else declared_at(path, base, where)
    allowed: dict[str, Any] = {
        "allow_delete": allow_delete,
        "allow_protected": allow_protected,
        "adopt": adopt,
    }

    def agreed(store: Store) -> Planned:
        """The plan, once nothing speaks against carrying it out."""
        looks: dict[str, Any] = {"state": where.state, "heal": heal, "on_invalid": on_invalid}
        planned = saved or make_plan_for(source, where.project, store, now, outlook=True, **looks)
        show_warnings(planned)
        if output == "text":
            show_plan(planned.plan, where, "text")
        refuse_foreign_plan(planned.plan, store)
        refuse_by_guards(planned, actor, **allowed)
        if not auto_approve:
            _approve(planned, where, shown=output == "text", stream=path == "-")
        return planned

    with damage_told(Path(plan_file)) if plan_file is not None else nullcontext():
        planned = None
        if create and is_to_be_made(where.database):
            if saved is not None:
                refuse_plan_of_a_database(saved.plan, where.database)
            with no_database_yet(where.state) as empty:
                planned = made_elsewhere(agreed(empty))
                if saved is not None:  # what is wrong with it shows only when it is carried out
                    carry_out(saved, empty, actor, now, **allowed)
        with closing(open_store(where.database, create=create)) as store:
            planned = planned or agreed(store)
            approval = Approval("apply", _how(auto_approve, saved))
            applied = carry_out(planned, store, actor, now, approval=approval, **allowed)
    if applied.changed:
        wake_daemon(where.state)
    show_applied(applied, output)
    if left_alone(planned, applied.plan):
        context.exit(exits.PARTIAL)


def _how(auto_approve: bool, saved: Planned | None) -> str:
    """How it was agreed to, for the record."""
    agreed = "--auto-approve" if auto_approve else "agreed to on a terminal"
    return (
        agreed
        if saved is None
        else f"{agreed}; plan {saved.plan.digest}, saved at serial {saved.plan.serial}"
    )


def _approve(planned: Planned, where: Where, *, shown: bool, stream: bool) -> None:
    from runner.vocabulary.errors import Refused

    if planned.plan.is_empty:
        return
    if stream or not sys.stdin.isatty():
        raise Refused("nobody can be asked here, so apply needs --auto-approve; nothing was changed")
    if not shown:  # stdout is for the JSON; nobody approves what they have not seen
        from runner.cli.views.plan_text import plan_text

        print(plan_text(planned.plan, shown_database(where)), end="", file=sys.stderr)
    if not click.confirm("Apply this?", err=True):
        raise Refused("not approved; nothing was changed")
