"""What time ends by itself: holds with an `until`, waiting instances, and removed jobs once they drained."""

from __future__ import annotations

from typing import Any

from installations import ANA, NOW, Installation, a_group, a_job
from lives import a_slot_run, at, end, events, set_watermark, start, task, watermark

from runner.operations.end_holds import end_holds
from runner.operations.expire_waiting import expire_waiting
from runner.operations.groups import disable_groups
from runner.operations.outcome import NotStarted
from runner.operations.remove_drained import remove_drained
from runner.operations.trigger import trigger_job
from runner.vocabulary.identity import Address

HOURLY: dict[str, Any] = {"every": "1h"}


def ended(here: Installation, now: Any) -> int:
    return here.store.transact(lambda tx: end_holds(tx, now))


def expired(here: Installation, now: Any) -> tuple[NotStarted, ...]:
    return here.store.transact(lambda tx: expire_waiting(tx, now))


def test_a_hold_ends_by_itself_and_not_before(sound: Installation) -> None:
    sound.install(a_job("tick"))
    sound.hold("tick", "operator", until=at(2))
    assert ended(sound, at(1.9)) == 0
    assert sound.holds("tick") == [("operator", "bob")]
    assert ended(sound, at(2)) == 1
    assert sound.holds("tick") == []
    with sound.store.read() as reader:
        told = [(event.event, event.who, event.why) for event in reader.events.of("Job", "tick", 2)]
    assert told == [(what, "system:clock", "its time is over") for what in ("job.release", "hold.cleared")]


def test_other_holds_stay(sound: Installation) -> None:
    sound.install(a_job("tick"), holds=("git",))
    sound.hold("tick", "operator", until=at(2))
    ended(sound, at(3))
    assert sound.holds("tick") == [("git", "git")]


def test_its_time_is_never_missed_and_what_came_after_it_was(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    set_watermark(sound, "tick", NOW)
    sound.hold("tick", "operator", until=at(2.5))
    ended(sound, at(6))  # no daemon ran before
    assert watermark(sound, "tick") == at(2.5)


def test_the_watermark_never_goes_back(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    set_watermark(sound, "tick", at(5))
    sound.hold("tick", "operator", until=at(2.5))
    ended(sound, at(6))
    assert watermark(sound, "tick") == at(5)


def test_the_end_of_a_pause_leaves_the_watermark_to_the_missed_policy(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    set_watermark(sound, "tick", NOW)
    sound.hold("tick", "paused", until=at(2.5))
    assert ended(sound, at(3)) == 1
    assert watermark(sound, "tick") == NOW


def test_a_group_and_its_jobs_are_released_together(sound: Installation) -> None:
    sound.install(a_group("nightly"), a_job("tick", groups=["nightly"]))
    sound.store.transact(
        lambda tx: disable_groups(tx, ["nightly"], actor=ANA, reason="", now=NOW, until=at(1))
    )
    assert ended(sound, at(1)) == 2
    assert (sound.holds("tick"), sound.holds("nightly", "Group")) == ([], [])


def test_a_start_deadline_ends_the_waiting_of_what_never_began(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={**HOURLY, "startDeadline": "5m"}))
    id = a_slot_run(sound, "tick", at(1))
    assert expired(sound, at(1, minutes=4)) == ()
    assert expired(sound, at(1, minutes=5)) == (NotStarted(id, "tick", "SKIPPED", "late"),)
    assert (events(sound, id)[-1].row, task(sound, id)) == ("I5", "CANCELLED")


def test_a_start_deadline_is_nothing_to_a_run_that_has_begun(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={**HOURLY, "startDeadline": "5m"}, retry="backoff"))
    id = a_slot_run(sound, "tick", at(1))
    start(sound, id, at(1))
    end(sound, id, now=at(1))
    assert expired(sound, at(2)) == ()


def test_a_deadline_fails_a_run_in_back_off_and_counts_as_a_failure(sound: Installation) -> None:
    retry = {"initial": "20m", "maxAttempts": 9}
    sound.install(a_job("tick", schedule=HOURLY, deadline="30m", retry=retry, failAfter=1))
    id = a_slot_run(sound, "tick", at(1))
    start(sound, id, at(1))
    end(sound, id, now=at(1))
    assert expired(sound, at(1.5)) == (NotStarted(id, "tick", "FAILED", "expired", job_failed=True),)
    assert (events(sound, id)[-1].row, task(sound, id)) == ("I7", "FAILED")
    assert sound.holds("tick") == [("failure", "system:clock")], "J8"


def test_a_removed_job_goes_once_nothing_of_it_is_unfinished(sound: Installation) -> None:
    sound.install(a_job("tick"), a_job("other"))
    id = trigger_job(sound.store, "tick", actor=ANA, key="1", now=NOW).id
    start(sound, id)
    sound.hold("tick", "removed", "git")
    assert sound.store.transact(lambda tx: remove_drained(tx, NOW)) == ()
    end(sound, id, "succeeded")
    assert sound.store.transact(lambda tx: remove_drained(tx, at(1))) == ("tick",)
    with sound.store.read() as reader:
        assert reader.objects.get(Address("Job", "tick")) is None
        assert reader.objects.get(Address("Job", "other")) is not None
        assert [run.state for run in reader.instances.list()] == ["SUCCEEDED"], "its history stays"
    assert sound.store.transact(lambda tx: remove_drained(tx, at(2))) == ()
