"""The one slot of a range of windows, and of fire-and-forget: due until its time is over, and once."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, Installation, a_job
from lives import at, decide, end, scheduled, set_watermark, slots, start

from runner.operations.bounce_jobs import bounce_jobs
from runner.operations.decide_once import due_after, undecided_since
from runner.operations.decide_slots import Decided
from runner.operations.finish_jobs import finish_jobs
from runner.operations.job_moves import status_of
from runner.operations.reset import reset_jobs
from runner.operations.skip_jobs import skip_jobs
from runner.operations.status import situation
from runner.vocabulary.errors import IllegalTransition

AFTERNOON: dict[str, Any] = {"start": "14:00", "end": "16:00"}  # NOW is noon, on a Monday
RANGE: dict[str, Any] = {"from": "2026-11-23", "to": "2026-11-25", **AFTERNOON}
KEY = "window:2026-11-23T00:00:00Z"


def installed(here: Installation, **schedule: Any) -> None:
    here.install(a_job("firmware", schedule=schedule))
    set_watermark(here, "firmware", at(0))


def due(here: Installation, hours: float) -> float | None:
    """Hours after NOW at which the roster has something to decide."""
    [named] = scheduled(here, "firmware").schedules
    with here.store.read() as reader:
        mark = reader.slots.watermark(here.uid("firmware"), "default")
    found = due_after(named.schedule, mark, at(hours))
    return None if found is None else (found - at(0)).total_seconds() / 3600


def decisions(here: Installation) -> list[tuple[str, str, str]]:
    return [(slot.slot_key, slot.decision, slot.rule) for slot in slots(here, "firmware")]


def test_the_run_of_a_range_is_due_when_its_window_opens(sound: Installation) -> None:
    installed(sound, window=RANGE)
    assert due(sound, 0) == 2
    assert decide(sound, "firmware", at(1)) == Decided()
    [id] = decide(sound, "firmware", at(2)).instances
    run = sound.instance(id)
    assert (run.slot_key, run.slot_at, run.due_at, run.trigger) == (KEY, at(2), at(2), {"once": "window"})
    assert run.expires_at is None
    assert due(sound, 2) is None


def test_a_range_has_one_run_whatever_is_repeated(sound: Installation) -> None:
    installed(sound, window=RANGE)
    decide(sound, "firmware", at(2))
    for hours in (3, 26, 27, 500):
        set_watermark(sound, "firmware", at(hours - 1))  # edited, or enabled again
        assert decide(sound, "firmware", at(hours)) == Decided()
        assert due(sound, hours) is None
    assert decisions(sound) == [(KEY, "instance", "")]


def test_a_daemon_that_comes_back_in_the_middle_of_a_range_starts_its_run(sound: Installation) -> None:
    installed(sound, window=RANGE)
    assert due(sound, 5) == 26  # closed now: it opens tomorrow
    assert due(sound, 27) == 27
    assert len(decide(sound, "firmware", at(27)).instances) == 1


def test_a_job_that_is_enabled_in_an_open_window_starts_there(sound: Installation) -> None:
    installed(sound, window=RANGE)
    set_watermark(sound, "firmware", at(3))
    assert due(sound, 3) == 3
    [id] = decide(sound, "firmware", at(3)).instances
    assert sound.instance(id).slot_at == at(2)
    assert due(sound, 3) is None, "although it opened before the job was enabled"


def test_nothing_begins_shortly_before_the_close(sound: Installation) -> None:
    installed(sound, window={**RANGE, "lastStart": "30m"})
    assert due(sound, 3.5) == 26
    assert decide(sound, "firmware", at(3.5)) == Decided()


def test_a_range_that_passed_while_nothing_could_start_is_a_row_in_the_ledger(sound: Installation) -> None:
    installed(sound, window=RANGE)
    assert due(sound, 100) == 100
    assert decide(sound, "firmware", at(100)) == Decided()
    assert decisions(sound) == [(KEY, "skipped", "window-end")]
    assert due(sound, 100) is None


def test_a_range_that_was_over_before_the_job_was_enabled_is_nothing(sound: Installation) -> None:
    installed(sound, window={**RANGE, "from": "2026-11-20", "to": "2026-11-21"})
    assert due(sound, 1) is None
    assert decide(sound, "firmware", at(1)) == Decided()
    assert decisions(sound) == []


@pytest.mark.parametrize("missed", ["last", "none"])
def test_each_opening_is_a_slot_that_is_missed_like_others(sound: Installation, missed: str) -> None:
    sound.install(
        a_job("firmware", schedule={"window": {**AFTERNOON, "repeat": "each"}}, missed={"policy": missed})
    )
    set_watermark(sound, "firmware", at(0))
    assert due(sound, 0) == 2
    [id] = decide(sound, "firmware", at(2)).instances
    assert sound.instance(id).slot_key == "window:2026-11-23T14:00:00Z"
    caught_up = decide(sound, "firmware", at(27)).instances
    assert len(caught_up) == (missed == "last"), "it is still open"


def test_an_opening_that_closed_while_the_daemon_was_down_is_skipped(sound: Installation) -> None:
    installed(sound, window={**AFTERNOON, "repeat": "each"})
    assert decide(sound, "firmware", at(5)) == Decided(skipped=1)
    assert decisions(sound) == [("window:2026-11-23T14:00:00Z", "skipped", "window-closed")]


def test_fire_and_forget_is_due_when_its_job_is_released(sound: Installation) -> None:
    installed(sound, fireAndForget={})
    assert due(sound, 0) == 0
    [id] = decide(sound, "firmware", at(0.1)).instances
    run = sound.instance(id)
    assert run.slot_key == scheduled(sound, "firmware").execution_digest
    assert (run.slot_at, run.due_at, run.expires_at) == (at(0), at(0), at(0.5))
    assert due(sound, 1) is None


def test_what_was_fired_is_forgotten_until_something_else_is_executed(sound: Installation) -> None:
    installed(sound, fireAndForget={})
    [id] = decide(sound, "firmware", at(0.1)).instances
    start(sound, id, at(0.1))
    end(sound, id, "succeeded", at(0.2))
    set_watermark(sound, "firmware", at(1))  # enabled again
    assert decide(sound, "firmware", at(1)) == Decided()
    assert due(sound, 2) is None


def undecided(here: Installation, hours: float) -> float | None:
    """Hours after NOW since when `status` would say that nobody decides it."""
    [named] = scheduled(here, "firmware").schedules
    with here.store.read() as reader:
        mark = reader.slots.watermark(here.uid("firmware"), "default")
    assert mark is not None
    found = undecided_since(named.schedule, mark, at(hours))
    return None if found is None else (found - at(0)).total_seconds() / 3600


def test_a_range_that_nobody_starts_is_undecided_since_its_window_opened(sound: Installation) -> None:
    installed(sound, window=RANGE)
    assert undecided(sound, 1) is None
    assert undecided(sound, 3) == 2
    decide(sound, "firmware", at(3))
    assert undecided(sound, 27) is None


def test_fire_and_forget_that_nobody_starts_is_undecided_since_its_job_was_released(
    sound: Installation,
) -> None:
    installed(sound, fireAndForget={})
    assert undecided(sound, 1) == 0


def skip(here: Installation, hours: float) -> tuple[str, ...]:
    [acted] = here.store.transact(lambda tx: skip_jobs(tx, ["firmware"], actor=ANA, reason="", now=at(hours)))
    return acted.notes


def test_skipping_the_one_run_of_a_range_says_that_there_is_no_other(sound: Installation) -> None:
    installed(sound, window=RANGE)
    assert skip(sound, 1) == ("the start of 2026-11-23 14:00:00Z is skipped", "its schedule has no other run")
    assert decide(sound, "firmware", at(2)) == Decided()


def test_the_openings_of_a_range_that_has_its_run_start_nothing_that_could_be_skipped(
    sound: Installation,
) -> None:
    installed(sound, window=RANGE)
    [id] = decide(sound, "firmware", at(2)).instances
    start(sound, id, at(2))
    with pytest.raises(IllegalTransition, match=r"^Job/firmware has nothing to skip"):
        skip(sound, 3)


def one_that_failed(here: Installation) -> int:
    """Fire-and-forget that was tried until its time was over; as the daemon leaves it."""
    installed(here, fireAndForget={})
    [id] = decide(here, "firmware", at(0.1)).instances
    start(here, id, at(0.2))
    finished = end(here, id, now=at(0.6))
    assert finished is not None
    assert finished.job_failed
    job = scheduled(here, "firmware")
    assert here.store.transact(lambda tx: finish_jobs(tx, [job], at(0.6))) == ("firmware",)
    return id


def test_fire_and_forget_that_failed_holds_finished_too(sound: Installation) -> None:
    id = one_that_failed(sound)
    assert [kind for kind, _ in sound.holds("firmware")] == ["failure", "finished"]
    with sound.store.read() as reader:
        status = status_of(reader, sound.uid("firmware"), at(1)).status
        needs_a_person = [found.summary for found in situation(reader, sound.state, at(1)).findings]
    assert status == "DISABLED"
    assert f"FAILED: 1 failed run in a row, the last is instance {id}" in needs_a_person
    job = scheduled(sound, "firmware")
    assert sound.store.transact(lambda tx: finish_jobs(tx, [job], at(2))) == (), "once"


def test_one_that_failed_and_is_finished_can_be_reset(sound: Installation) -> None:
    one_that_failed(sound)
    sound.store.transact(lambda tx: reset_jobs(tx, ["firmware"], actor=ANA, reason="", now=at(1)))
    assert [kind for kind, _ in sound.holds("firmware")] == ["finished"]


def test_one_that_failed_and_is_finished_can_be_bounced(sound: Installation) -> None:
    id = one_that_failed(sound)
    sound.store.transact(lambda tx: bounce_jobs(tx, ["firmware"], actor=ANA, reason="", now=at(1), key="k"))
    assert [kind for kind, _ in sound.holds("firmware")] == ["finished"]
    again = sound.instance(id + 1)
    assert (again.rerun_of, again.state) == (id, "SCHEDULED")
