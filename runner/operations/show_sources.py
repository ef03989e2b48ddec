"""How does each git source stand, and what of it is pinned or held otherwise than declared?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runner.sources.conditions import Condition, shown
from runner.sources.settings import PREFIX
from runner.store.port import Reader
from runner.store.sources import QuarantineRecord, SourceRecord
from runner.vocabulary.instants import to_text, to_text_or_none

NOT_FOLLOWED_AFTER = timedelta(minutes=10)
"""Since the remote should have been asked: longer than a first fetch of a large repository takes."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source with its conditions at this moment."""

    record: SourceRecord
    conditions: tuple[Condition, ...]
    not_followed: bool

    @property
    def ready(self) -> Condition:
        return next(each for each in self.conditions if each.type == "Ready")

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for a look at the remote."""
        return self.record.asked_at is not None and self.record.answered_at != self.record.asked_at

    def as_json(self) -> dict[str, Any]:
        """With the names that scripts rely on."""
        record = self.record
        return {
            "name": record.name,
            "url": record.url,
            "ref": record.ref,
            "path": record.path,
            "lastAttemptedRevision": revision(record.attempted_ref, record.attempted),
            "lastAttemptedAt": to_text_or_none(record.attempted_at),
            "lastAppliedRevision": revision(record.applied_ref, record.applied),
            "lastAppliedAt": to_text_or_none(record.applied_at),
            "checkedAt": to_text_or_none(record.checked_at),
            "nextAt": to_text_or_none(record.next_at),
            "askedAt": to_text_or_none(record.asked_at),
            "askedBy": record.asked_by or None,
            "answeredAt": to_text_or_none(record.answered_at),
            "failures": record.failures,
            "conditions": [condition.as_json() for condition in self.conditions],
        }


def revision(ref: str, commit: str) -> str | None:
    """`main@sha1:4f2c9e1…`, as Flux writes it; None when there is none."""
    if not commit:
        return None
    algorithm = "sha1" if len(commit) == 40 else "sha256"
    return f"{algorithm}:{commit}" if ref == commit else f"{ref}@{algorithm}:{commit}"


def in_short(ref: str, commit: str) -> str:
    """`main@4f2c9e1`, for people; empty when there is none."""
    if not commit:
        return ""
    return commit[:7] if ref in ("", commit) else f"{ref}@{commit[:7]}"


def show_sources(reader: Reader, now: datetime) -> list[SourceView]:
    """By name; none where there is no git source."""
    return [_view(reader, record, now) for record in reader.sources.all()]


def _view(reader: Reader, record: SourceRecord, now: datetime) -> SourceView:
    source = PREFIX + record.name
    pinned = {str(each.address): to_text(each.since) for each in reader.quarantines.active(source)}
    conditions = shown(
        record.conditions, drifted=dict(_drifted(reader, source)), pinned=pinned, now=to_text(now)
    )
    late = record.next_at is not None and now - record.next_at > NOT_FOLLOWED_AFTER
    return SourceView(record, tuple(conditions), late)


def _drifted(reader: Reader, source: str) -> Iterator[tuple[str, str]]:
    """The jobs that git enables and an operator holds, and since when."""
    held = reader.holds.all()
    for job in reader.objects.summaries("Job"):
        if job.source != source or not job.enabled:
            continue
        since = [hold.since for hold in held.get(job.uid, ()) if hold.kind in ("operator", "paused")]
        if since:
            yield str(job.address), to_text(min(since))


def told_pins(pins: list[QuarantineRecord]) -> str:
    """`2 pinned since the rollback of 4f2c9e1 by ana: Job/a, Job/b`."""
    first = pins[0]
    names = ", ".join(str(each.address) for each in pins[:5]) + (", …" if len(pins) > 5 else "")
    of = f" of {first.bad_commit[:7]}" if first.bad_commit else f" of serial {first.bad_serial}"
    return f"{len(pins)} pinned since the rollback{of} by {first.who}: {names}"
