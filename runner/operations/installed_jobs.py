"""Which jobs are installed, and is what they mean still whole? A database may be damaged, or forged."""

from __future__ import annotations

from collections.abc import Iterator

from runner.declaration.resolved_shape import damage_of_job
from runner.schedules.slot import Schedule
from runner.store.damage import NOW_DECLARED, damaged
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow


def installed_jobs(reader: Reader) -> Iterator[ObjectRecord]:
    """The installed jobs, by name; those that are not whole are noted and left out, or raise DamagedRow."""
    for record in reader.objects.all("Job"):
        wrong = damage_of_job(record.resolved)
        if wrong:
            reader.note(_damaged(record, wrong))
        else:
            yield record


def readable_jobs(reader: Reader) -> tuple[list[ObjectRecord], dict[str, DamagedRow]]:
    """The installed jobs that are whole, by name, and what is wrong with each of the others: what is done to
    many is not to be kept from them by one whose row is damaged.
    """
    jobs, damaged_ones = [], {}
    for summary in reader.objects.summaries("Job"):
        try:
            job = reader.objects.by_uid(summary.uid)
            if job is not None:
                jobs.append(whole(job))
        except DamagedRow as problem:
            damaged_ones[summary.name] = problem
    return jobs, damaged_ones


def whole(record: ObjectRecord) -> ObjectRecord:
    """The same job; DamagedRow when it is not whole."""
    wrong = damage_of_job(record.resolved)
    if wrong:
        raise _damaged(record, wrong)
    return record


def schedules_of(record: ObjectRecord) -> dict[str, Schedule]:
    """The schedules of an installed job, by name; DamagedRow when one of them means nothing."""
    from runner.schedules.kinds import schedule_from

    found = {}
    for name, settings in sorted(record.resolved["schedules"].items()):
        try:
            found[name] = schedule_from(settings)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as problem:
            raise _damaged(record, f"schedule {name}: {problem}") from problem
    return found


def _damaged(record: ObjectRecord, wrong: str) -> DamagedRow:
    return damaged(f"{record.kind}/{record.name}", "revisions", wrong, NOW_DECLARED)
