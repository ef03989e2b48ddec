"""Was a job installed at a moment, or had it been uninstalled? Told by its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.operations.held_then import events_of_job
from runner.store.events import EventRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.instants import to_the_second


@dataclass(frozen=True, slots=True)
class Gone:
    """A time in which a job was not installed; `back` is None while it is not."""

    since: datetime
    who: str
    back: datetime | None = None
    back_by: str = ""

    @property
    def text(self) -> str:
        """A sentence about it."""
        told = f"the job was uninstalled at {to_the_second(self.since)}{_by(self.who)}"
        if self.back is None:
            return told
        return f"{told}, and installed again at {to_the_second(self.back)}{_by(self.back_by)}"


def gone_then(reader: Reader, record: ObjectRecord, moment: datetime) -> Gone | None:
    """The time without the job that `moment` falls into; None when it was installed, or not yet at all."""
    revisions = reader.revisions.of(record.uid)
    if record.removed_at is None and revisions and record.installed_at <= revisions[-1].created_at:
        return None  # it never went
    left: EventRecord | None = None
    for event in events_of_job(reader, record):
        if event.event == "job.uninstalled" and event.at <= moment:
            left = event
        elif event.event == "job.installed" and left is not None:
            if event.at > moment:
                return Gone(left.at, left.who, event.at, event.who)
            left = None
    if left is not None:
        return Gone(left.at, left.who)
    if record.removed_at is not None and record.removed_at <= moment:
        return Gone(record.removed_at, "")
    return None


def _by(who: str) -> str:
    return f" by {who}" if who else ""
