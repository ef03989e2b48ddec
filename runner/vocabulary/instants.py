"""Instants as text: UTC, ISO 8601, milliseconds, `Z`. Text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(instant: datetime) -> str:
    """`2026-11-21T10:00:00.000Z`; ValueError for a naive datetime, because it names no instant."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no zone, so it names no instant")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def to_the_second(instant: datetime) -> str:
    """For people, in UTC: `2026-11-21 02:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def from_text(text: str) -> datetime:
    """The aware UTC datetime that `to_text` wrote; ValueError for anything without a zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no zone, so it names no instant")
    return instant.astimezone(UTC)


def to_text_or_none(instant: datetime | None) -> str | None:
    """As `to_text`, with None for None."""
    return None if instant is None else to_text(instant)


def from_text_or_none(text: str | None) -> datetime | None:
    """As `from_text`, with None for None."""
    return None if text is None else from_text(text)
