"""Every answer of `jobs why`, from a real ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, decide, end, set_watermark, start

from runner.dispatch.clock_watch import ClockEvent, ClockReading
from runner.operations.backfill import backfill_job
from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs
from runner.operations.note_clock import note_events, note_presence
from runner.operations.pause_jobs import pause_jobs, resume_jobs
from runner.operations.skip_jobs import skip_jobs
from runner.operations.trigger import trigger_job
from runner.operations.why import Answer, why
from runner.store.slots import SlotRecord
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.identity import Address


def install(here: Installation, **spec: Any) -> None:
    here.install(a_job("tick", **{"schedule": {"every": "1h"}, **spec}))
    set_watermark(here, "tick", at(0))
    there(here, 0, 100)


def reading(hours: float) -> ClockReading:
    return ClockReading(at(hours), 1000 + hours * 3600, 1000 + hours * 3600)


def there(here: Installation, began: float, last: float, ended_by: str = "") -> int:
    """A daemon that was there from hour to hour."""
    stretch, _ = here.store.transact(lambda tx: note_presence(tx, 1, "boot-a", reading(began)))
    here.store.transact(lambda tx: tx.presence.extend(stretch, at=at(last), boot_s=reading(last).boot_s))
    if ended_by:
        here.store.transact(
            lambda tx: tx.presence.end(stretch, at=at(last), boot_s=reading(last).boot_s, by=ended_by)
        )
    return stretch


def ask_all(here: Installation, time: str | datetime | None, now: float = 50) -> tuple[Answer, ...]:
    text = time.isoformat() if isinstance(time, datetime) else time
    with here.store.read() as reader:
        return why(reader, "tick", text, now=at(now), installation_id="i")


def ask(here: Installation, time: str | datetime | None, now: float = 50) -> Answer:
    [answer] = ask_all(here, time, now)
    return answer


def told(answer: Answer) -> tuple[str, ...]:
    return (answer.said.answer, *answer.said.text)


def test_it_ran(sound: Installation) -> None:
    install(sound)
    [id] = decide(sound, "tick", at(1)).instances
    start(sound, id, at(1, seconds=2))
    end(sound, id, "succeeded", at(1, minutes=3))
    answer = ask(sound, at(1))
    assert told(answer) == (
        "ran",
        f"it ran as instance {id}: SUCCEEDED; started 2026-11-23 13:00:02Z, 2s after its slot, "
        "ended 2026-11-23 13:03:00Z",
    )
    assert (answer.said.instance_id, answer.schedule, answer.local) == (
        id,
        "default",
        "2026-11-23T13:00:00+00:00",
    )
    assert answer.before is not None
    assert answer.after is not None
    assert (answer.before.at, answer.after.at) == (at(0), at(2))


def test_without_a_time_the_last_slot_is_meant(sound: Installation) -> None:
    install(sound)
    [id] = decide(sound, "tick", at(1)).instances
    assert ask(sound, None, now=1.5).said.instance_id == id


def test_it_was_skipped_because_the_one_before_was_under_way(sound: Installation) -> None:
    install(sound)
    [first] = decide(sound, "tick", at(1)).instances
    start(sound, first, at(1))
    [second] = decide(sound, "tick", at(2)).instances
    claim(sound, second, at(2))
    answer = ask(sound, at(2))
    assert told(answer) == (
        "skipped",
        f"instance {second} was SKIPPED at 2026-11-23 14:00:00Z by system:dispatcher: "
        f"instance {first} was under way "
        "(started 2026-11-23 13:00:00Z, still RUNNING)",
        "R11: the overlap policy of the job",
    )
    assert (answer.said.rule, answer.said.blocker) == ("overlap", f"instance {first}")


def test_it_was_missed_because_the_daemon_was_down(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}, missed={"policy": "none"}))
    set_watermark(sound, "tick", at(0))
    there(sound, 0, 0.5, "stop")
    there(sound, 3.5, 10)
    decide(sound, "tick", at(3.5))
    answer = ask(sound, at(2))
    down = "the daemon was down from 2026-11-23 12:30:00Z to 2026-11-23 15:30:00Z (it was stopped)"
    assert told(answer) == (
        "skipped",
        "it was skipped at 2026-11-23 15:30:00Z: missed: policy none",
        "R10: it was missed, and the policy is none",
        down,
    )
    assert (answer.said.rule, answer.said.blocker) == ("missed-none", down)


def test_a_run_by_hand_that_stands_for_a_slot_is_named(sound: Installation) -> None:
    install(sound, missed={"policy": "none"})
    decide(sound, "tick", at(3.5))
    backfill_job(
        sound.store, "tick", first=at(2).isoformat(), last=at(2).isoformat(), actor=ANA, key="k", now=at(4)
    )
    assert told(ask(sound, at(2)))[-1] == "instance 1 was started for it by ana: SCHEDULED"
    assert "started for it" not in told(ask(sound, at(1)))[-1]


def test_it_was_caught_up_later(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(sound, "tick", at(0))
    there(sound, 0, 0.5)
    there(sound, 3.5, 10)
    [id] = decide(sound, "tick", at(3.5)).instances
    start(sound, id, at(3.5))
    end(sound, id, "succeeded", at(3.6))
    assert told(ask(sound, at(3)))[2] == (
        "R10: it was missed, and caught up at 2026-11-23 15:30:00Z: "
        "the daemon was down from 2026-11-23 12:30:00Z to 2026-11-23 15:30:00Z "
        "(it never said goodbye: killed, or a power cut)"
    )


def test_a_slot_of_a_dropped_range_is_told_with_the_range(sound: Installation) -> None:
    install(sound, schedule={"every": "1m"}, missed={"policy": "none"})
    decide(sound, "tick", at(3))
    answer = ask(sound, at(1))
    assert answer.said.answer == "skipped"
    assert "(178 slots from 2026-11-23 12:01:00Z to 2026-11-23 14:58:00Z)" in answer.said.text[0]


def test_the_daemon_is_down_and_has_been_since(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(sound, "tick", at(0))
    there(sound, 0, 0.5, "stop")
    assert told(ask(sound, at(2), now=5)) == (
        "daemon-down",
        "it did not start: the daemon was stopped at 2026-11-23 12:30:00Z, and none runs since",
    )


@pytest.mark.parametrize(
    ("kind", "answer", "sentence"),
    [
        ("forward", "clock-stepped", "the clock was put forward by 2h, over the time"),
        ("suspend", "suspended", "the machine slept"),
        ("stall", "stalled", "the daemon stood still"),
    ],
)
def test_time_that_passed_unseen_is_told_apart(
    sound: Installation, kind: Any, answer: str, sentence: str
) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}, missed={"policy": "none"}))
    set_watermark(sound, "tick", at(0))
    there(sound, 0, 0.5)
    event = ClockEvent(kind, timedelta(hours=2))
    sound.store.transact(lambda tx: note_events(tx, 1, "boot-a", [event], reading(0.5), reading(2.5)))
    assert ask(sound, at(2), now=2.6).said.answer == answer
    decide(sound, "tick", at(2.6))
    said = ask(sound, at(2), now=2.6).said
    assert (said.answer, said.rule) == ("skipped", "missed-none")
    assert sentence in said.blocker


def test_what_a_sleep_missed_is_told_by_the_sleep_also_when_the_clock_was_put_back_since(
    sound: Installation,
) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}, missed={"policy": "none"}))
    set_watermark(sound, "tick", at(0))
    there(sound, 0, 0.5)

    def noted(kind: str, by: float, before: float, now: float) -> None:
        event = ClockEvent(kind, timedelta(hours=by))  # type: ignore[arg-type]
        sound.store.transact(lambda tx: note_events(tx, 1, "boot-a", [event], reading(before), reading(now)))

    noted("suspend", 3, 0.75, 3.75)
    decide(sound, "tick", at(3.75))
    slept = "the machine slept from 2026-11-23 12:45:00Z to 2026-11-23 15:45:00Z"
    assert ask(sound, at(2), now=3.75).said.blocker == slept
    noted("backward", 3.5, 3.8, 0.3)  # and the clock comes to the same hours again
    assert ask(sound, at(2), now=2.5).said.blocker == slept
    sound.store.transact(lambda tx: tx.presence.extend(3, at=at(2.4), boot_s=0))
    assert ask(sound, at(2), now=2.5).said.blocker == slept


def uninstall(here: Installation, hours: float) -> None:
    with here.store.read() as reader:
        job = reader.objects.get(Address("Job", "tick"))
    assert job is not None
    here.store.transact(
        lambda tx: tx.objects.remove(job.uid, expected_digest=job.digest, at=at(hours), who="git")
    )


def reinstall(here: Installation, hours: float) -> None:
    new = a_job("tick", schedule={"every": "1h"})
    here.store.transact(lambda tx: tx.objects.install(new, at=at(hours), who="ana"))


def test_a_job_that_was_uninstalled_is_answered_for_from_its_history(sound: Installation) -> None:
    install(sound)
    [id] = decide(sound, "tick", at(1)).instances
    start(sound, id, at(1, seconds=2))
    end(sound, id, "succeeded", at(1, minutes=3))
    uninstall(sound, 2.5)
    assert ask(sound, at(1)).said.instance_id == id
    assert ask(sound, None).at == at(2), "the last slot that was expected"
    for time in (at(4), at(60)):
        answer = ask(sound, time)
        assert told(answer) == ("uninstalled", "the job was uninstalled at 2026-11-23 14:30:00Z by git")
        assert (answer.before, answer.after) == (None, None)


def test_a_time_between_two_lives_of_a_job_is_told_with_both_ends(sound: Installation) -> None:
    install(sound)
    sound.hold("tick", "git")
    uninstall(sound, 2.5)
    reinstall(sound, 6.5)
    assert told(ask(sound, at(4))) == (
        "uninstalled",
        "the job was uninstalled at 2026-11-23 14:30:00Z by git, and installed again at 2026-11-23 18:30:00Z "
        "by ana",
    )
    assert ask(sound, at(8), now=8.5).said.answer != "held", "the holds of its first life went with it"


def test_a_job_that_has_another_name_now_is_found_by_its_old_one(sound: Installation) -> None:
    install(sound)
    [id] = decide(sound, "tick", at(1)).instances
    new = Address("Job", "tock")
    sound.store.transact(lambda tx: tx.objects.move(sound.uid("tick"), new, at=at(2), who="git"))
    answer = ask(sound, at(1))
    assert (answer.job, answer.said.instance_id) == ("tock", id)


def test_it_was_held_and_by_whom_since_when_and_until_when(sound: Installation) -> None:
    install(sound)

    def disable(tx: Any) -> Any:
        return disable_jobs(tx, ["tick"], actor=ANA, reason="INC-7", now=at(0.5))

    sound.store.transact(disable)
    assert told(ask(sound, at(1), now=1.2)) == (
        "held",
        "held by hold operator of ana since 2026-11-23 12:30:00Z, and still is (INC-7)",
    )
    sound.store.transact(lambda tx: enable_jobs(tx, ["tick"], actor=ANA, reason="", now=at(2.5)))
    decide(sound, "tick", at(3))
    answer = ask(sound, at(1))
    assert told(answer) == (
        "held",
        "held by hold operator of ana since 2026-11-23 12:30:00Z until 2026-11-23 14:30:00Z (INC-7)",
    )
    assert answer.said.blocker == "hold operator of ana"
    assert ask(sound, at(3)).said.answer == "waiting"


def test_what_a_pause_let_wait_is_told_with_the_pause(sound: Installation) -> None:
    install(sound, missed={"policy": "last"})
    sound.store.transact(lambda tx: pause_jobs(tx, ["tick"], actor=ANA, reason="INC-9", now=at(0.5)))
    assert ask(sound, at(1), 1.1).said.blocker == "hold paused of ana"
    sound.store.transact(lambda tx: resume_jobs(tx, ["tick"], actor=ANA, reason="", now=at(2.5)))
    decide(sound, "tick", at(2.5))
    said = ask(sound, at(1)).said
    pause = "hold paused of ana let it wait, from 2026-11-23 12:30:00Z to 2026-11-23 14:30:00Z"
    assert (said.answer, said.rule, said.blocker) == ("skipped", "missed-last", pause)


def test_a_hold_from_when_the_job_had_another_name_is_found(sound: Installation) -> None:
    install(sound)
    uid = sound.uid("tick")
    sound.store.transact(lambda tx: disable_jobs(tx, ["tick"], actor=ANA, reason="INC-7", now=at(0.5)))
    sound.store.transact(lambda tx: tx.objects.move(uid, Address("Job", "tock"), at=at(5), who="git"))
    sound.store.transact(lambda tx: enable_jobs(tx, ["tock"], actor=ANA, reason="", now=at(6)))
    with sound.store.read() as reader:
        [answer] = why(reader, "tock", at(1).isoformat(), now=at(50), installation_id="i")
    assert answer.said.text == (
        "held by hold operator of ana since 2026-11-23 12:30:00Z until 2026-11-23 18:00:00Z (INC-7)",
    )


def test_it_was_skipped_by_an_operator(sound: Installation) -> None:
    install(sound)
    sound.store.transact(lambda tx: skip_jobs(tx, ["tick"], actor=ANA, reason="INC-8", now=at(0.5)))
    said = ask(sound, at(1), now=0.6).said
    assert (said.answer, said.rule) == ("skipped", "operator-skip")
    assert said.text[0] == "it was skipped at 2026-11-23 12:30:00Z: skipped by an operator (INC-8)"


def test_it_is_no_slot_and_the_nearest_ones_are(sound: Installation) -> None:
    install(sound)
    answer = ask(sound, at(1.5))
    assert told(answer) == ("not-a-slot", "no slot of its schedule")
    assert answer.before is not None
    assert answer.after is not None
    assert (answer.before.at, answer.after.at) == (at(1), at(2))


def test_a_run_by_hand_at_that_moment_is_named(sound: Installation) -> None:
    install(sound)
    run = trigger_job(sound.store, "tick", actor=ANA, key="k", now=at(1.5))
    assert told(ask(sound, at(1.5)))[2] == f"instance {run.id} was started by ana then: SCHEDULED"


def test_the_schedule_was_different_then(sound: Installation) -> None:
    install(sound, schedule={"cron": "0 13 * * *"})
    new = a_job("tick", schedule={"cron": "0 14 * * *"})

    def edit(tx: Any) -> None:
        was = tx.objects.get(Address("Job", "tick"))
        tx.objects.update(was.uid, new, expected_digest=was.digest, at=at(24), who="git")

    sound.store.transact(edit)
    answer = ask(sound, at(2))
    assert told(answer) == (
        "other-schedule",
        "the schedule was different then: revision 1 was in force, "
        "until revision 2 at 2026-11-24 12:00:00Z by git",
    )
    assert ask(sound, at(1)).said.answer == "unknown"  # then it was a slot
    assert ask(sound, at(25)).said.answer == "not-a-slot"


def test_an_edit_before_the_decision_dropped_it(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(sound, "tick", at(0))
    there(sound, 0, 0.5, "stop")
    new = a_job("tick", schedule={"every": "1h"}, description="other")

    def edit(tx: Any) -> None:
        was = tx.objects.get(Address("Job", "tick"))
        tx.objects.update(was.uid, new, expected_digest=was.digest, at=at(2.2), who="git")
        tx.slots.set_watermark(was.uid, "default", at(2.2))

    sound.store.transact(edit)
    there(sound, 2.5, 10)
    said = ask(sound, at(1)).said
    assert (said.answer, said.rule) == ("daemon-down", "R9")
    assert said.text[1].startswith(
        "R9: before it was decided, revision 2 was installed at 2026-11-23 14:12:00Z"
    )


def test_the_job_was_not_installed_yet(sound: Installation) -> None:
    install(sound)
    assert told(ask(sound, at(-5))) == (
        "not-installed",
        "the job was installed at 2026-11-23 12:00:00Z by test",
    )


def test_of_several_slots_after_a_gap_each_name_is_told(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"cron": "0,30 2 * * *", "timezone": "Europe/Berlin"}))
    end_of_gap = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    set_watermark(sound, "tick", end_of_gap - timedelta(minutes=5))
    [id] = decide(sound, "tick", end_of_gap).instances
    hours = (end_of_gap - NOW) / timedelta(hours=1) + 1
    first, second = ask(sound, "2027-03-28T02:00", hours), ask(sound, "2027-03-28T02:30", hours)
    assert (first.said.answer, first.said.instance_id) == ("waiting", id)
    assert (second.said.answer, second.said.instance_id, second.said.rule) == ("merged", id, "same-instant")
    assert second.said.text == (
        f"merged into 2027-03-28T02:00[Europe/Berlin], which became instance {id}: SCHEDULED",
        "R3: slots of one schedule that are due at one instant are one run",
        "02:30 was left out that day: the clocks were put forward over it",
    )


def test_both_occurrences_of_a_time_that_comes_twice_are_told(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"cron": "30 2 * * *", "timezone": "Europe/Berlin"}))
    first, second = ask_all(sound, "2027-10-31T02:30", 0)
    assert (first.said.answer, second.said.answer) == ("will-run", "not-a-slot")
    assert first.said.text[1] == "R4: this time comes twice that day, and it starts at the first"
    assert second.said.text == (
        "no slot of its schedule",
        "R4: it starts at the first of the two",
        "02:30 comes twice that day; this is the second time",
    )


def test_it_will_run_with_its_offset_and_jitter_and_deadline(sound: Installation) -> None:
    schedule = {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "jitter": "10m", "startDeadline": "1h"}
    install(sound, schedule=schedule)
    said = ask(sound, "tomorrow 02:00", 0).said
    assert said.answer == "will-run"
    assert said.text[0] == "it will run at 2026-11-24T02:00:00+01:00"
    assert said.text[1].startswith("R12: its jitter is ")
    assert said.text[2].endswith("or is skipped (startDeadline)")


def test_it_will_not_run_while_it_is_held_or_over(sound: Installation) -> None:
    install(sound, validUntil="2026-11-25")
    assert ask(sound, at(72), 0).said.answer == "will-not-run"
    sound.hold("tick", "operator", until=at(10))
    assert (ask(sound, at(2), 0).said.answer, ask(sound, at(11), 0).said.answer) == ("held", "will-run")
    assert ask(sound, at(2), 0).said.blocker == "hold operator of bob"


def test_slots_that_a_job_does_not_live_to_see_are_not_its_neighbours(sound: Installation) -> None:
    install(sound, validUntil="2026-11-23T15:30:00Z")
    answer = ask(sound, at(10), 0)
    assert answer.said.answer == "will-not-run"
    assert answer.before is not None
    assert (answer.before.at, answer.after) == (at(3), None)


def test_a_start_to_come_needs_a_daemon(sound: Installation) -> None:
    install(sound)
    with sound.store.read() as reader:
        [answer] = why(reader, "tick", at(5).isoformat(), now=at(0), installation_id="i", lives=False)
    assert told(answer)[0] == "will-run"
    assert told(answer)[-1] == "no daemon runs now: runner up"


def test_a_run_that_has_left_the_history_is_remembered_by_the_ledger(sound: Installation) -> None:
    install(sound)
    for hour in (1, 2):
        [id] = decide(sound, "tick", at(hour)).instances
        start(sound, id, at(hour))
        end(sound, id, "succeeded", at(hour, minutes=1))
    uid = sound.uid("tick")
    sound.store.transact(lambda tx: tx.instances.prune(uid, keep=1, before=None))
    said = ask(sound, at(1)).said
    assert said.text == (
        "it became instance 1: SUCCEEDED, started 2026-11-23T13:00:00.000Z; that run has left the history",
    )


def test_one_that_was_skipped_is_still_told_as_skipped(sound: Installation) -> None:
    install(sound)
    [first] = decide(sound, "tick", at(1)).instances
    start(sound, first, at(1))
    claim(sound, decide(sound, "tick", at(2)).instances[0], at(2))
    end(sound, first, "succeeded", at(2.1))
    [last] = decide(sound, "tick", at(3)).instances
    start(sound, last, at(3))
    end(sound, last, "succeeded", at(3.1))
    uid = sound.uid("tick")
    sound.store.transact(lambda tx: tx.instances.prune(uid, keep=1, before=None))
    said = ask(sound, at(2)).said
    assert said.answer == "skipped"
    assert said.text == ("it became instance 2: SKIPPED (overlap: 1); that run has left the history",)


def test_what_is_no_time_and_a_job_without_slots_are_refused(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=None))
    with pytest.raises(RunnerError, match="'soon' is no time; write it like 02:30"):
        ask(sound, "soon")
    with pytest.raises(RunnerError, match="no slot of Job/tick has come yet"):
        ask(sound, None)
    assert told(ask(sound, at(1)))[0] == "not-a-slot"


def test_a_start_by_a_trigger_is_told_and_so_is_what_triggers_it(sound: Installation) -> None:
    install(sound, schedule={"trigger": {"startup": {}}})
    none = ask(sound, at(1))
    assert told(none)[1:] == (
        "no slot of its schedule",
        "what starts it by schedule default is a start of the daemon",
    )
    row = SlotRecord(sound.uid("tick"), "default", "event:7", at(2), "skipped", "full", None, at(2))
    row = replace(row, rule="overflow")
    sound.store.transact(lambda tx: tx.slots.decide(row, move_watermark=False))
    said = ask(sound, at(2)).said
    assert (said.answer, said.rule) == ("skipped", "overflow")
    assert said.text[1] == "the queue of events was full"


def test_a_moment_in_an_open_window_is_told_with_the_window(sound: Installation) -> None:
    window = {"start": "13:00", "end": "15:00", "repeat": "each"}
    install(sound, schedule={"window": window})
    assert told(ask(sound, at(2)))[2] == (
        "the window of schedule default was open from 2026-11-23 13:00:00Z to 2026-11-23 15:00:00Z: "
        "what runs goes on in it"
    )
    assert told(ask(sound, at(8)))[2] == "the window of schedule default was closed then"
    [id] = decide(sound, "tick", at(1)).instances
    assert ask(sound, at(1)).said.instance_id == id
    later = ask(sound, at(25), 20).said
    assert later.answer == "will-run"
    assert later.text[-1] == "its window is open from 2026-11-24 13:00:00Z to 2026-11-24 15:00:00Z"


def test_each_opening_of_a_range_is_the_one_run_that_goes_on_in_it(sound: Installation) -> None:
    window = {"from": "2026-11-23", "to": "2026-11-25", "start": "13:00", "end": "15:00"}
    install(sound, schedule={"window": window})
    [id] = decide(sound, "tick", at(1)).instances
    for hours in (1, 25):
        answer = ask(sound, at(hours))
        assert (answer.said.answer, answer.said.instance_id, answer.at) == ("waiting", id, at(hours))


def test_a_day_that_a_calendar_leaves_out_is_told_with_the_calendar(sound: Installation) -> None:
    days = {"holidays": {"christmas": {"from": "12-24", "to": "12-26"}}}
    install(sound, schedule={"cron": "0 13 * * *"})
    job = a_job("tick", schedule={"cron": "0 13 * * *"})
    schedules = {"default": {**job.resolved["schedules"]["default"], "calendars": days}}

    def edit(tx: Any) -> None:
        was = tx.objects.get(Address("Job", "tick"))
        new = replace(job, digest="sha256:9", resolved={**job.resolved, "schedules": schedules})
        tx.objects.update(was.uid, new, expected_digest=was.digest, at=NOW, who="git")

    sound.store.transact(edit)
    answer = ask(sound, "2026-12-25T13:00", 5)
    assert answer.said.text[:2] == (
        "no slot of its schedule",
        "R13: calendar holidays leaves it out (christmas)",
    )
    assert answer.after is not None
    assert f"{answer.after.at:%m-%d}" == "12-27"
