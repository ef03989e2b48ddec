"""Why did a job start at a moment, or not, or will it? Every answer is told by what was recorded, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from runner.operations.daemon_then import absent_then
from runner.operations.held_then import HeldThen, held_then
from runner.operations.installed_jobs import schedules_of, whole
from runner.operations.installed_then import gone_then
from runner.operations.selection import object_ever
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.operations.what_became import Said, became, moment_text
from runner.operations.why_later import will_be
from runner.operations.why_no_slot import started_for_it, what_else
from runner.schedules.asked_time import Asked, read_asked, slot_asked
from runner.schedules.end_date import end_date
from runner.schedules.look_back import slot_before, slot_until
from runner.schedules.slot import Schedule, ScheduleProblem, Slot, local_text
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.store.revisions import RevisionRecord
from runner.store.slots import SlotRecord
from runner.vocabulary.errors import NotUnderstood, RunnerError, UnknownName
from runner.vocabulary.identity import Address

UNDECIDED = timedelta(seconds=60)
"""A slot may be decided so much later and is still on time (R10)."""

_INSTANT = timedelta(microseconds=1)
_MARKS = {
    "gap": "{wall} was left out that day: the clocks were put forward over it",
    "first": "{wall} comes twice that day; this is the first time",
    "second": "{wall} comes twice that day; this is the second time",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`answer` is a word that scripts may rely on, `text` the sentences for people. `before` and `after` are
    the nearest slots; `marks` say what the zone did to the moment.
    """

    job: str
    schedule: str | None
    at: datetime
    local: str
    said: Said
    before: Slot | None
    after: Slot | None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    """What is the same for every schedule of the job."""

    reader: Reader
    record: ObjectRecord
    asked: Asked
    now: datetime
    installation_id: str
    lives: bool

    @property
    def over(self) -> bool:
        return self.asked.at <= self.now


def why(
    reader: Reader, name: str, text: str | None, *, now: datetime, installation_id: str, lives: bool = True
) -> tuple[Answer, ...]:
    """The answer about the moment that `text` names in the schedule's zone; two for a time that comes twice.

    Without `text`: about the last slot that was expected. `lives`: whether a daemon runs now. Jobs that were
    uninstalled are answered for too, and those that have another name now. UnknownName for a job that never
    was, RunnerError for a text that is no time, or when there is no last slot.
    """
    record = _job_ever(reader, name)
    schedules = schedules_of(record)
    zone = next((s.zone for s in schedules.values()), None) or _default_zone(reader)
    moments: tuple[Asked, ...]
    if text is None:
        moments = (_last_expected(reader, record, schedules, now),)
    else:
        try:
            moments = read_asked(text, zone, now)
        except ScheduleProblem as problem:
            raise NotUnderstood(str(problem)) from None
    return tuple(
        _answer(_Question(reader, record, asked, now, installation_id, lives), schedules, zone)
        for asked in moments
    )


def _job_ever(reader: Reader, name: str) -> ObjectRecord:
    try:
        return whole(object_ever(reader, Address("Job", name)))
    except UnknownName:
        moved = [
            e for e in reader.events.of("Job", name) if e.event == "job.moved" and e.before == f"Job/{name}"
        ]
        now = reader.objects.by_uid(str(moved[0].details.get("uid"))) if moved else None
        if now is None:
            raise
        return whole(now)


def _default_zone(reader: Reader) -> ZoneInfo:
    return ZoneInfo(zone_of_jobs_without_a_schedule(reader))


def _last_expected(
    reader: Reader, record: ObjectRecord, schedules: Mapping[str, Schedule], now: datetime
) -> Asked:
    end = min(now, record.removed_at or now)
    last = [slot.at for schedule in schedules.values() if (slot := slot_until(schedule, end)) is not None]
    last += [row.slot_at for row in reader.slots.list(record.uid, limit=1) if row.slot_at <= now]
    if not last:
        raise RunnerError(
            f"no slot of Job/{record.name} has come yet; name a TIME to ask about (tomorrow 02:00)"
        )
    return Asked(max(last), timedelta(milliseconds=1))


def _answer(question: _Question, schedules: Mapping[str, Schedule], zone: ZoneInfo) -> Answer:
    """By the ledger; else by the schedule that was in force, what held the job, and where the daemon was."""
    asked, record = question.asked, question.record
    then = _revision_then(question) if question.over else None
    gone = gone_then(question.reader, record, asked.at)
    in_force = _schedules_then(then, schedules) if gone is None else {}
    found = [(name, slot) for name, each in in_force.items() if (slot := slot_asked(each, asked)) is not None]
    slot = min((slot for _, slot in found), key=lambda each: each.at, default=None)
    row = _row(question, slot)
    schedule = row.schedule if row else found[0][0] if found else None
    at = slot.at if slot else row.slot_at if row else asked.at
    revisions = question.reader.revisions.of(record.uid)
    if row is not None:
        said = became(question.reader, row, question.now)
    elif question.over and then is None and revisions:
        first = f"the job was installed at {moment_text(revisions[-1].created_at)} by {revisions[-1].who}"
        said = Said("not-installed", (first,))
    elif gone is not None:
        said = Said("uninstalled", (gone.text,))
    elif slot is not None:
        said = (
            _undecided(question, slot)
            if question.over
            else will_be(
                question.reader,
                record,
                slot,
                [name for name, _ in found],
                question.now,
                question.installation_id,
            )
        )
    else:
        said = _no_slot(question, then, schedules, in_force)
    if slot is not None and question.over and said.answer not in ("ran", "running"):
        said = replace(said, text=(*said.text, *started_for_it(question.reader, record, slot)))
    if said.answer == "will-run" and not question.lives:
        said = replace(said, text=(*said.text, "no daemon runs now: runner up"))
    before, after = _neighbours(in_force.values(), at, end_date(record.resolved, zone.key))
    local = local_text(at, in_force[schedule].zone if schedule and schedule in in_force else zone)
    marked = said if said.answer == "will-run" else replace(said, text=(*said.text, *_marked(asked)))
    return Answer(record.name, schedule, at, local, marked, before, after, slot.marks if slot else ())


def _marked(asked: Asked) -> tuple[str, ...]:
    if asked.wall is None or asked.mark not in _MARKS:
        return ()
    return (_MARKS[asked.mark].format(wall=f"{asked.wall:%H:%M}"),)


def _revision_then(question: _Question) -> RevisionRecord | None:
    """The revision that was in force at the moment; None before the first."""
    revisions = question.reader.revisions.of(question.record.uid)
    return next((each for each in revisions if each.created_at <= question.asked.at), None)


def _schedules_then(then: RevisionRecord | None, now: Mapping[str, Schedule]) -> Mapping[str, Schedule]:
    if then is None:
        return now
    from runner.schedules.kinds import schedule_from

    found = {}
    for name, settings in (then.resolved.get("schedules") or {}).items():
        try:
            found[name] = schedule_from(settings)
        except ValueError:  # of a release that ran other kinds
            continue
    return found if then.resolved.get("mode", "automatic") == "automatic" else {}


def _row(question: _Question, slot: Slot | None) -> SlotRecord | None:
    """What the ledger says: of this slot by its name, of a dropped range with it, or of what came then."""
    asked, slots, uid = question.asked, question.reader.slots, question.record.uid
    if slot is None:
        rows = slots.covering(uid, asked.at - _INSTANT, asked.at + asked.span - _INSTANT)
        return next((row for row in rows if row.count == 1), None)
    wall = f"{asked.wall:%Y-%m-%dT%H:%M}[" if asked.wall is not None else slot.key
    keys = sorted(slot.keys, key=lambda key: not key.startswith(wall))  # the name that was said comes first
    found = (row for key in keys if (row := slots.get(uid, key)) is not None)
    ranges = (row for row in slots.covering(uid, slot.at, slot.at) if row.count > 1)
    return next(found, None) or next(ranges, None)


def _undecided(question: _Question, slot: Slot) -> Said:
    """A slot that is over and of which the ledger knows nothing."""
    holds = held_then(question.reader, question.record, slot.at)
    if holds:
        return _held(holds)
    absent = absent_then(question.reader, slot.at, question.now, lives=question.lives)
    decided_by = slot.at + UNDECIDED if absent is None else absent.ended or question.now
    dropped = _edited_between(question, slot, decided_by)
    if absent is not None:
        text = (f"it did not start: {absent.text}", *dropped)
        return Said(absent.answer, text, rule="R9" if dropped else "", blocker=absent.text)
    if question.now - slot.at <= UNDECIDED:
        return Said("due", ("it is due, and about to be decided",))
    if dropped:
        return Said("other-schedule", dropped, rule="R9")
    return Said("unknown", ("nothing was recorded about it: it is older than what was noted, or was lost",))


def _held(holds: Sequence[HeldThen]) -> Said:
    sentences = []
    for hold in holds:
        end = f" until {moment_text(hold.ended)}" if hold.ended else ", and still is"
        because = f" ({hold.reason})" if hold.reason else ""
        sentences.append(f"held by {hold.name} since {moment_text(hold.since)}{end}{because}")
    return Said("held", tuple(sentences), rule="hold", blocker=holds[0].name)


def _edited_between(question: _Question, slot: Slot, decided_by: datetime) -> tuple[str, ...]:
    """The edit that came between the slot and the time at which it would have been decided (R9)."""
    revisions = question.reader.revisions.of(question.record.uid)
    later = [each for each in revisions if slot.at < each.created_at <= decided_by]
    if not later:
        return ()
    return (
        f"R9: before it was decided, revision {later[-1].revision} was installed at "
        f"{moment_text(later[-1].created_at)} by {later[-1].who}; what fell due before that is not started",
    )


def _no_slot(
    question: _Question,
    then: RevisionRecord | None,
    schedules: Mapping[str, Schedule],
    in_force: Mapping[str, Schedule],
) -> Said:
    record, asked = question.record, question.asked
    revisions = question.reader.revisions.of(record.uid)
    if then is not None and any(slot_asked(each, asked) is not None for each in schedules.values()):
        since = next(r for r in reversed(revisions) if r.revision > then.revision)
        return Said(
            "other-schedule",
            (
                f"the schedule was different then: revision {then.revision} was in force, "
                f"until revision {since.revision} at {moment_text(since.created_at)} by {since.who}",
            ),
            rule=f"revision {then.revision}",
        )
    return Said("not-a-slot", what_else(question.reader, record, asked, in_force))


def _neighbours(
    schedules: Iterable[Schedule], at: datetime, ends_at: datetime | None
) -> tuple[Slot | None, Slot | None]:
    """The slots around a moment; none that the job no longer lives to see."""
    before = [slot for each in schedules if (slot := slot_before(each, min(at, ends_at or at))) is not None]
    after = [slot for each in schedules if (slot := each.next_after(at)) is not None]
    after = [slot for slot in after if ends_at is None or slot.at < ends_at]
    return (
        max(before, key=lambda slot: slot.at, default=None),
        min(after, key=lambda slot: slot.at, default=None),
    )
