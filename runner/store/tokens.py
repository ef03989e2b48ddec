"""What does the store keep of tokens?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """One token. `id` is the part of it that is no secret; of the secret part only `hash` is kept."""

    id: str
    name: str
    role: str
    hash: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


class TokenReads(Protocol):
    def get(self, id: str) -> TokenRecord | None:
        """One token, revoked or not."""

    def list(self, *, revoked: bool = False) -> list[TokenRecord]:
        """By name, and the newest first; those that are revoked only when asked for."""


class TokenWrites(TokenReads, Protocol):
    def add(self, token: TokenRecord) -> bool:
        """False when a token of that name is in use."""

    def revoke(self, id: str, *, at: datetime, who: str) -> bool:
        """False when it is revoked already."""

    def used(self, id: str, at: datetime) -> None:
        """It was used then."""
