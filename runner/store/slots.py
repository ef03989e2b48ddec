"""What was decided about each slot of a schedule, and how far each schedule has been decided?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What was decided about a slot: `instance`, `skipped` or `merged`; `count` > 1 for a dropped range.

    `rule` is a word of vocabulary/slot_rules.py, `blocker` what was in the way (`instance 12`, `hold git`);
    `first_at` is where a dropped range begins, and `outcome` how the run ended that has left the history.
    """

    job_uid: str
    schedule: str
    slot_key: str
    slot_at: datetime
    decision: str
    reason: str
    instance_id: int | None
    decided_at: datetime
    count: int = 1
    rule: str = ""
    blocker: str = ""
    first_at: datetime | None = None
    outcome: str = ""


class Watermark(NamedTuple):
    """The last decided slot of a schedule (R9); `slot_key` is None when it was set by hand, to now."""

    at: datetime
    slot_key: str | None


Slots = list[SlotRecord]


class SlotReads(Protocol):
    def watermark(self, job_uid: str, schedule: str) -> Watermark | None:
        """How far the schedule has been decided; None when it is new."""

    def watermarks(self) -> dict[tuple[str, str], Watermark]:
        """(job_uid, schedule) → watermark, of all jobs."""

    def is_decided(self, job_uid: str, slot_key: str) -> bool:
        """Whether the slot was decided, or has a run; also of runs that are pruned."""

    def list(self, job_uid: str | None = None, *, since: datetime | None = None, limit: int = 100) -> Slots:
        """Newest slots first."""

    def decided_at(self, job_uid: str, slot_at: datetime) -> Slots:
        """All rows of a job's slots that were due at this instant, by their key."""

    def get(self, job_uid: str, slot_key: str) -> SlotRecord | None:
        """What was decided about the slot of that name."""

    def covering(self, job_uid: str, after: datetime, until: datetime) -> Slots:
        """Rows of slots that were due from `after` to `until`, both included, and of dropped ranges that
        reach into that time; first due first.
        """


class SlotWrites(SlotReads, Protocol):
    def decide(self, slot: SlotRecord, *, move_watermark: bool = True) -> bool:
        """Whether the slot was still undecided; the watermark only ever moves forward here."""

    def set_watermark(self, job_uid: str, schedule: str, at: datetime, slot_key: str | None = None) -> None:
        """Set it, also backwards: enabling, editing and restoring set it to now."""

    def drop_watermark(self, job_uid: str, schedule: str) -> None:
        """The schedule is gone from the declaration; its ledger stays."""
