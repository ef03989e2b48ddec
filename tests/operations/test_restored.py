"""A database that was restored from a copy starts nothing again that may have run since (R9)."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from installations import NOW, Installation, a_job
from lives import at, decide, set_watermark, slots, start

from runner.operations.backup_database import backup_database
from runner.operations.restored import Restored, note_seen, take_in_restored
from runner.store.presence import StretchRecord

HOURLY = {"every": "1h"}


def there(here: Installation, until: datetime) -> None:
    """A daemon was there until then, and noted it beside the database."""

    def work(tx: Any) -> StretchRecord:
        last = tx.presence.last()
        stretch = last.id if last else tx.presence.begin(1, "boot-a", at=NOW, boot_s=0, by="start")
        tx.presence.extend(stretch, at=until, boot_s=0)
        return tx.presence.last()

    note_seen(here.state, here.store.installation_id, here.store.transact(work).id, until)


def restore(here: Installation, copy: Path) -> Installation:
    here.store.close()
    path = here.state / "runner.db"
    for leftover in ("runner.db-wal", "runner.db-shm"):
        (here.state / leftover).unlink(missing_ok=True)
    shutil.copyfile(copy, path)
    return Installation(path)


def take_in(here: Installation, now: datetime) -> Restored | None:
    return take_in_restored(here.store, here.state, 1, now)


def decisions(here: Installation, name: str) -> list[tuple[str, str, str, int]]:
    return [(f"{row.slot_at:%H:%M}", row.decision, row.rule, row.count) for row in slots(here, name)]


@pytest.fixture
def copy(here: Installation, tmp_path: Path) -> Path:
    """Made at noon, of two jobs that start each hour; the daemon went on until three."""
    here.install(a_job("tick", schedule=HOURLY), a_job("all", schedule=HOURLY, missed={"policy": "all"}))
    for name in ("tick", "all"):
        set_watermark(here, name, at(0))
    there(here, at(0))
    made = backup_database(here.state / "runner.db", tmp_path / "copy.db").file
    for hour in (1, 2, 3):
        decide(here, "tick", at(hour))
    there(here, at(3))
    return made


def test_nothing_was_restored(here: Installation, copy: Path) -> None:
    assert take_in(here, at(5.5)) is None
    assert decide(here, "all", at(5.5)).instances != ()


def test_no_slot_since_the_copy_is_started_and_each_is_in_the_ledger(here: Installation, copy: Path) -> None:
    here = restore(here, copy)
    found = take_in(here, at(5.5))
    assert found == Restored(at(0), ("all", "tick"), 10)
    assert found.text == (
        "the database was restored from a copy of 2026-11-23 12:00:00Z: what fell due since may have run, "
        "and is not started again (10 starts of 2 jobs)"
    )
    assert decisions(here, "tick") == [(f"{12 + n}:00", "skipped", "restored", 1) for n in (1, 2, 3, 4, 5)]
    assert decide(here, "tick", at(5.6)).instances == ()
    assert len(decide(here, "all", at(6)).instances) == 1, "the next slot starts"
    with here.store.read() as reader:
        [event] = [e for e in reader.events.of("daemon", "1") if e.event == "database.restored"]
    assert event.details == {"severity": "warning", "left_out": 10, "jobs": ["all", "tick"]}
    here.store.close()


def test_it_is_taken_in_once(here: Installation, copy: Path) -> None:
    here = restore(here, copy)
    assert take_in(here, at(5.5)) is not None
    there(here, at(5.5))
    assert take_in(here, at(7.5)) is None
    here.store.close()


def test_a_file_that_was_copied_by_hand_is_told_by_the_note_beside_it(
    here: Installation, tmp_path: Path
) -> None:
    here.install(a_job("tick", schedule=HOURLY))
    set_watermark(here, "tick", at(0))
    there(here, at(0))
    here.store.close()
    by_hand = shutil.copyfile(here.state / "runner.db", tmp_path / "by-hand.db")
    here = Installation(here.state / "runner.db")
    there(here, at(3))
    here = restore(here, by_hand)
    found = take_in(here, at(5.5))
    assert found is not None
    assert (found.known, found.left_out) == (at(0), 5)
    here.store.close()


@pytest.mark.parametrize("note", ["", "[]", '{"lineage": 3}', '{"lineage": "i", "stretch": "x", "at": 1}'])
def test_a_note_that_says_nothing_is_no_reason(here: Installation, note: str) -> None:
    (here.state / "last-seen.json").write_text(note.replace('"i"', f'"{here.store.installation_id}"'))
    assert take_in(here, at(1)) is None


def test_another_database_at_this_place_was_not_restored(here: Installation) -> None:
    note_seen(here.state, "of-another-installation", 99, at(500))
    assert take_in(here, at(1)) is None


def test_what_waited_is_left_out_and_what_had_begun_is_not(here: Installation, tmp_path: Path) -> None:
    here.install(a_job("waits", schedule=HOURLY), a_job("runs", schedule=HOURLY))
    set_watermark(here, "waits", at(0))
    set_watermark(here, "runs", at(0))
    [waits] = decide(here, "waits", at(1)).instances
    [runs] = decide(here, "runs", at(1)).instances
    start(here, runs, at(1))
    there(here, at(1))
    made = backup_database(here.state / "runner.db", tmp_path / "copy.db").file
    here = restore(here, made)
    take_in(here, at(1.5))
    skipped = here.instance(waits)
    assert (skipped.state, skipped.reason) == ("SKIPPED", "restored")
    assert here.instance(runs).state == "RUNNING", "its recovery decides, as after a crash"
    here.store.close()


def test_a_pause_lets_nothing_of_that_time_wait_and_other_holds_drop_it_as_ever(
    here: Installation, tmp_path: Path
) -> None:
    here.install(a_job("paused", schedule=HOURLY), holds=("paused",))
    here.install(a_job("off", schedule=HOURLY), holds=("operator",))
    for name in ("paused", "off"):
        set_watermark(here, name, at(0))
    here = restore(here, backup_database(here.state / "runner.db", tmp_path / "copy.db").file)
    take_in(here, at(2.5))
    assert decisions(here, "paused") == [
        ("13:00", "skipped", "restored", 1),
        ("14:00", "skipped", "restored", 1),
    ]
    assert decisions(here, "off") == []
    with here.store.read() as reader:
        marks = reader.slots.watermarks()
    assert {mark.at for mark in marks.values()} == {at(2.5)}
    here.store.close()


def test_a_range_that_has_begun_is_left_out_and_one_to_come_is_not(
    here: Installation, tmp_path: Path
) -> None:
    def window(first: str, last: str) -> dict[str, Any]:
        return {"window": {"from": first, "to": last, "start": "00:00", "end": "24:00"}, "timezone": "UTC"}

    here.install(a_job("open", schedule=window("2026-11-23T11:00", "2026-12-01T00:00")))
    here.install(a_job("later", schedule=window("2026-11-25T11:00", "2026-12-01T00:00")))
    for name in ("open", "later"):
        set_watermark(here, name, at(-5))
    here = restore(here, backup_database(here.state / "runner.db", tmp_path / "copy.db").file)
    found = take_in(here, at(1))
    assert found is not None
    assert (found.jobs, found.left_out) == (("open",), 1)
    assert decide(here, "open", at(1)).instances == ()
    assert decide(here, "later", at(1)).instances == ()
    assert len(decide(here, "later", at(48)).instances) == 1
    here.store.close()


def test_a_long_time_is_one_row(here: Installation, tmp_path: Path) -> None:
    here.install(a_job("often", schedule={"every": "10s"}))
    set_watermark(here, "often", at(0))
    here = restore(here, backup_database(here.state / "runner.db", tmp_path / "copy.db").file)
    found = take_in(here, at(24))
    assert found is not None
    assert found.left_out == 8640
    assert decisions(here, "often") == [("12:00", "skipped", "restored", 8640)]
    here.store.close()
