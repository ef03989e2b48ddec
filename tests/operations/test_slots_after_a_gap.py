"""R3: what lands after a gap makes one run, and every slot that landed there has its row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from installations import Installation, a_job

from runner.operations.decide_slots import Decided, decide_slots
from runner.operations.schedulable import schedulable
from runner.operations.show_instance import show_instance
from runner.store.slots import SlotRecord
from runner.vocabulary.identity import Address

BEFORE_THE_GAP = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
AFTER_THE_GAP = datetime(2026, 3, 29, 1, 0, 5, tzinfo=UTC)


def in_berlin(cron: str) -> dict[str, str]:
    return {"cron": cron, "timezone": "Europe/Berlin"}


def decide_all(here: Installation, now: datetime) -> list[Decided]:
    """What the scheduler does with every schedule of the job `sums`."""
    with here.store.read() as reader:
        record = reader.objects.get(Address("Job", "sums"))
    assert record is not None
    job = schedulable(record, here.store.installation_id)
    return [here.store.transact(lambda tx, n=each: decide_slots(tx, job, n, now)) for each in job.schedules]


def ledger(here: Installation) -> list[SlotRecord]:
    with here.store.read() as reader:
        return sorted(reader.slots.list(here.uid("sums")), key=lambda row: row.slot_key)


def test_slots_of_two_schedules_that_land_after_a_gap_make_one_run_that_lists_them_all(
    here: Installation,
) -> None:
    schedules = {
        "early": in_berlin("0,10 2 * * *"),
        "late": in_berlin("30 2 * * *"),
        "after": in_berlin("0 3 * * *"),
    }
    here.install(a_job("sums", schedule=None, schedules=schedules))
    decide_all(here, BEFORE_THE_GAP)
    made = [id for each in decide_all(here, AFTER_THE_GAP) for id in each.instances]
    assert len(made) == 1
    day = "2026-03-29T"
    keys = [f"{day}{clock}[Europe/Berlin]" for clock in ("02:00", "02:10", "02:30", "03:00")]
    with here.store.read() as reader:
        assert sorted(show_instance(reader, made[0], AFTER_THE_GAP).view.slots) == keys
    assert sorted(row.decision for row in ledger(here)) == ["instance", "merged", "merged", "merged"]


def test_two_schedules_without_a_gap_make_two_runs(here: Installation) -> None:
    schedules = {"one": in_berlin("0 4 * * *"), "other": {"cron": "0 2 * * *"}}
    here.install(a_job("sums", schedule=None, schedules=schedules))
    decide_all(here, BEFORE_THE_GAP)
    made = decide_all(here, datetime(2026, 3, 29, 2, 0, 5, tzinfo=UTC))
    assert [len(each.instances) for each in made] == [1, 1]


def test_a_skipped_slot_leaves_a_row_for_every_key_it_stands_for(here: Installation) -> None:
    here.install(a_job("sums", schedule=in_berlin("0,30 2 * * *"), missed={"policy": "none"}))
    decide_all(here, BEFORE_THE_GAP)
    decide_all(here, AFTER_THE_GAP + timedelta(hours=1))
    assert [(row.slot_key, row.decision) for row in ledger(here)] == [
        ("2026-03-29T02:00[Europe/Berlin]", "skipped"),
        ("2026-03-29T02:30[Europe/Berlin]", "skipped"),
    ]
