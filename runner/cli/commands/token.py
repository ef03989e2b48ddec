"""`runner token`: who may use the HTTP interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import Duration, acting_options, opened
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor

FORMATS = ("text", "json")
ROLES = ("reporter", "reader", "operator", "admin")
NEVER = "never"


class Expiry(Duration):
    """A duration above zero, or `never` (None)."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        return timedelta.max if value == NEVER else super().convert(value, param, ctx)


@click.group()
def command() -> None:
    """Make, list and revoke tokens for the HTTP interface.

    \b
    Example:
      runner token create billing --role reporter --expires 90d
    """


@command.command("create")
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=click.Choice(ROLES),
    help="reporter: only reports on external runs; the others as everywhere.",
)
@click.option(
    "--expires",
    type=Expiry(),
    default="365d",
    show_default=True,
    metavar="DURATION",
    help="When it stops counting; or never.",
)
@output_option(*FORMATS)
@acting_options
@common_options
def create(
    *, name: str, role: str, expires: timedelta, output: str, reason: str, actor: Actor, where: Where
) -> None:
    """Make a token and print it, this once: only its hash is kept.

    The token alone goes to stdout, so that it can go straight into a file or a secret store.

    \b
    Example:
      runner token create billing --role reporter > billing.token
    """
    import secrets

    from runner.cli.views.tokens import show_created
    from runner.operations.tokens import create_token

    now = datetime.now(UTC)
    ends = None if expires == timedelta.max else now + expires
    with opened(where) as store:
        made = store.transact(
            lambda tx: create_token(
                tx,
                name,
                role,
                expires_at=ends,
                actor=actor,
                reason=reason,
                now=now,
                chance=secrets.token_bytes,
            )
        )
    show_created(made, output)


@command.command("list")
@click.option("--revoked", is_flag=True, help="Those that were revoked, too.")
@output_option(*FORMATS)
@common_options
def list_(*, revoked: bool, output: str, where: Where) -> None:
    """List tokens: role, end, and when each was used last (to ten minutes).

    \b
    Example:
      runner token list -o json
    """
    from runner.cli.views.tokens import show_tokens
    from runner.operations.tokens import list_tokens

    with opened(where, read_only=True) as store, store.read() as reader:
        tokens = list_tokens(reader, revoked=revoked)
    show_tokens(tokens, output, datetime.now(UTC))


@command.command("revoke")
@click.argument("name")
@output_option(*FORMATS)
@acting_options
@common_options
def revoke(*, name: str, output: str, reason: str, actor: Actor, where: Where) -> None:
    """End a token: the next request with it is refused.

    \b
    Example:
      runner token revoke billing --reason "seen in a log"
    """
    from runner.cli.views.tokens import show_revoked
    from runner.operations.tokens import revoke_token

    with opened(where) as store:
        changed = store.transact(
            lambda tx: revoke_token(tx, name, actor=actor, reason=reason, now=datetime.now(UTC))
        )
    show_revoked(name, changed=changed, output=output)
