"""Tokens, as text and JSON; the token itself is shown by `show_created` alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant, short, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from runner.operations.tokens import NewToken
    from runner.store.tokens import TokenRecord


def show_created(made: NewToken, output: str) -> None:
    """The token on stdout, and what it is on stderr."""
    if output == "json":
        show_json({**_as_json(made.record), "token": made.text})
        return
    ends = made.record.expires_at
    until = f"until {short(ends)}" if ends else "without an end"
    warn(f"Token {made.record.name}, role {made.record.role}, {until}. It is shown only now:")
    show_line(made.text)


def show_tokens(tokens: Sequence[TokenRecord], output: str, now: datetime) -> None:
    """One line for each."""
    if output == "json":
        show_json([{**_as_json(token), "state": _state(token, now)} for token in tokens])
        return
    if not tokens:
        warn("There are no tokens; `runner token create NAME --role R` makes one.")
        return
    show_table(
        ("NAME", "ROLE", "STATE", "EXPIRES", "LAST USED", "CREATED", "BY"),
        [
            (
                token.name,
                token.role,
                _state(token, now),
                short(token.expires_at) if token.expires_at else "never",
                short(token.used_at),
                short(token.created_at),
                token.created_by,
            )
            for token in tokens
        ],
    )


def show_revoked(name: str, *, changed: bool, output: str) -> None:
    """What became of it."""
    if output == "json":
        show_json({"name": name, "changed": changed, "state": "revoked"})
    else:
        show_line(f"Token {name} {'revoked' if changed else 'was revoked already'}")


def _state(token: TokenRecord, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "active"


def _as_json(token: TokenRecord) -> dict[str, Any]:
    return {
        "name": token.name,
        "id": token.id,
        "role": token.role,
        "created_at": instant(token.created_at),
        "created_by": token.created_by,
        "expires_at": instant(token.expires_at),
        "used_at": instant(token.used_at),
        "revoked_at": instant(token.revoked_at),
        "revoked_by": token.revoked_by,
    }
