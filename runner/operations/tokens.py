"""Tokens for the HTTP interface: made, listed, taken back, and recognised when one is presented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.access.permission import ROLES, Actor, may
from runner.access.token import RANDOM_BYTES, Kept, decide_token, read_token, token_of
from runner.store.port import Reader, Transaction
from runner.store.tokens import TokenRecord
from runner.vocabulary.errors import NotAllowed, Refused, UnknownName
from runner.vocabulary.names import is_object_name, nearest

USE_NOTED_EVERY = timedelta(minutes=10)
"""How exactly is known when a token was used last: a request need not become a write."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `text` is shown once and kept nowhere."""

    record: TokenRecord
    text: str


def create_token(
    tx: Transaction,
    name: str,
    role: str,
    *,
    expires_at: datetime | None,
    actor: Actor,
    reason: str,
    now: datetime,
    chance: Callable[[int], bytes],
) -> NewToken:
    """Make a token of that name and role; only its hash is stored. Refused when the name is in use."""
    may(actor, "token")
    if not is_object_name(name):
        raise UnknownName(f"{name!r} is no name for a token; use lower-case letters, digits and hyphens")
    if role not in ROLES:
        raise UnknownName(f"there is no role {role!r}; known: {', '.join(ROLES)}")
    text = token_of(chance(RANDOM_BYTES))
    token = read_token(text)
    assert token is not None
    record = TokenRecord(
        id=token.id,
        name=name,
        role=role,
        hash=token.hash,
        created_at=now,
        created_by=str(actor),
        expires_at=expires_at,
    )
    if not tx.tokens.add(record):
        raise Refused(
            f"a token {name} is in use already; `runner token revoke {name}` ends it, or take another name"
        )
    details = {"id": record.id, "role": role}
    tx.events.append("Token", name, "created", at=now, who=str(actor), why=reason, details=details)
    return NewToken(record, text)


def revoke_token(tx: Transaction, name: str, *, actor: Actor, reason: str, now: datetime) -> bool:
    """Whether anything changed: a token that was revoked before stays as it is. It counts no more at once."""
    may(actor, "token")
    known = tx.tokens.list(revoked=True)
    named = [token for token in known if token.name == name]
    if not named:
        close = nearest(name, {token.name for token in known})
        raise UnknownName(f"there is no token {name}{f'; did you mean {close}?' if close else ''}")
    changed = False
    for token in named:
        if token.revoked_at is None and tx.tokens.revoke(token.id, at=now, who=str(actor)):
            changed = True
            details = {"id": token.id}
            tx.events.append("Token", name, "revoked", at=now, who=str(actor), why=reason, details=details)
    return changed


def list_tokens(reader: Reader, *, revoked: bool) -> tuple[TokenRecord, ...]:
    """All that count or have expired, by name; with `revoked` those that were taken back too."""
    return tuple(reader.tokens.list(revoked=revoked))


def recognise(reader: Reader, text: str, now: datetime) -> tuple[Actor, TokenRecord]:
    """Whose token this is; NotAllowed, which never repeats it, when it does not count."""
    token = read_token(text)
    record = reader.tokens.get(token.id) if token else None
    kept = record and Kept(
        record.name, record.role, record.hash, record.expires_at, record.revoked_at is not None
    )
    decided = decide_token(token, kept or None, now)
    if isinstance(decided, str) or record is None:
        raise NotAllowed(str(decided))
    return decided, record


def is_use_to_note(record: TokenRecord, now: datetime) -> bool:
    """Whether the time at which a token was used last is worth a write again."""
    return record.used_at is None or now - record.used_at >= USE_NOTED_EVERY
