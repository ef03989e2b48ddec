"""Runs inside their windows: paused at the close, on in the next, ended with the range; every row by name."""

from __future__ import annotations

from typing import Any

import pytest
from external_lives import an_external_job, polled
from installations import ANA, Installation, a_job
from lives import at, claim, decide, end, events, scheduled, set_watermark, start, task

from runner.execution.order import ErrorInfo
from runner.operations.claim_instance import Claimed, Waits
from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs
from runner.operations.keep_windows import Kept, keep_windows, look_at_windows
from runner.operations.pause_instances import pause_instances
from runner.operations.pause_jobs import pause_jobs, resume_jobs
from runner.operations.recover import left_behind, recover
from runner.operations.resume_instances import resume_instances
from runner.operations.why import why
from runner.vocabulary.errors import IllegalTransition

TWO_STEPS = [{"name": "run", "shell": "true"}, {"name": "then", "shell": "true"}]
# NOW is noon, on Monday 23 November, in UTC; the window is open at 2 to 4 hours from then, and 26 to 28.
AFTERNOON: dict[str, Any] = {"from": "2026-11-23", "to": "2026-11-24", "start": "14:00", "end": "16:00"}
OPEN, CLOSED, AGAIN, CLOSED_AGAIN = 3, 5, 27, 29
OBEYED = ErrorInfo("stopped", "pause")


def installed(here: Installation, window: dict[str, Any] | None = None, **spec: Any) -> None:
    fields = {"steps": TWO_STEPS, "onCrash": "resume", **spec}
    here.install(a_job("load", schedule={"window": {**AFTERNOON, **(window or {})}}, **fields))
    set_watermark(here, "load", at(0))


def a_run(here: Installation, hours: float = OPEN) -> int:
    [id] = decide(here, "load", at(hours)).instances
    return id


def a_running(here: Installation, window: dict[str, Any] | None = None, **spec: Any) -> int:
    installed(here, window, **spec)
    id = a_run(here)
    start(here, id, at(OPEN))
    return id


def keep(here: Installation, hours: float, *, strays: bool = False) -> Kept:
    """What the daemon does at every look."""
    job = scheduled(here, "load")
    windows = {job.uid: job.windows} if job.windows else {}
    with here.store.read() as reader:
        ids, *_ = look_at_windows(reader, windows, at(hours), strays=strays)
    return here.store.transact(lambda tx: keep_windows(tx, ids, windows, at(hours)))


def obeys(here: Installation, id: int, hours: float) -> None:
    """Its process has reached a boundary, and is gone."""
    end(here, id, "stopped", at(hours), error=OBEYED)


def state(here: Installation, id: int) -> tuple[str, str]:
    run = here.instance(id)
    return run.state, run.reason


def rows(here: Installation, id: int) -> list[str]:
    return [event.row for event in events(here, id) if event.row and event.row.startswith("I")]


def test_a_run_pauses_at_the_close_and_goes_on_in_the_next_window_with_its_id(sound: Installation) -> None:
    id = a_running(sound)
    assert not keep(sound, OPEN).changed
    assert [run.id for run in keep(sound, 4).paused] == [id]
    assert state(sound, id) == ("PAUSING", "window")
    obeys(sound, id, 4.1)
    assert state(sound, id) == ("PAUSED", "window")
    assert not keep(sound, CLOSED).changed
    assert [run.id for run in keep(sound, 26).gone_on] == [id]
    assert state(sound, id) == ("SCHEDULED", "resumed")
    start(sound, id, at(26))
    end(sound, id, "succeeded", at(AGAIN))
    assert rows(sound, id) == ["I1", "I4", "I18", "I21", "I28", "I4", "I12"]
    assert sound.instance(id).attempt == 1, "a pause uses no attempt"


def test_why_says_of_a_run_that_is_paused_when_its_window_opens(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4.1)
    with sound.store.read() as reader:
        [answer] = why(reader, "load", "2026-11-23T14:00", now=at(CLOSED), installation_id="i")
    assert answer.said.answer == "paused"
    assert answer.said.text[0].startswith(f"instance {id} is PAUSED since ")
    assert answer.said.text[1] == "it waits for its window to open at Tue 2026-11-24 14:00 UTC"


def test_a_close_grace_that_is_over_stops_what_may_be_repeated(sound: Installation) -> None:
    id = a_running(sound, {"closeGrace": "90s"})
    keep(sound, 4)
    assert sound.instance(id).forced_at == at(4, seconds=90)


def test_what_may_not_be_repeated_and_is_in_its_last_step_finishes(sound: Installation) -> None:
    id = a_running(sound, steps=TWO_STEPS[:1], onCrash="fail")
    kept = keep(sound, 4)
    assert (kept.changed, [run.id for run, _ in kept.finishing]) == (False, [id])
    assert state(sound, id)[0] == "RUNNING"
    end(sound, id, "succeeded", at(4.5))


def test_with_finish_a_run_ends_after_the_close(sound: Installation) -> None:
    id = a_running(sound, {"onClose": "finish"})
    assert not keep(sound, CLOSED).changed
    assert not keep(sound, CLOSED_AGAIN).changed, "not even the end of the range ends it"
    end(sound, id, "succeeded", at(CLOSED_AGAIN))


def test_with_stop_a_run_is_ended_at_once_and_goes_on_in_the_next_window(sound: Installation) -> None:
    id = a_running(sound, {"onClose": "stop"})
    keep(sound, 4)
    assert state(sound, id) == ("STOPPING", "pause")
    end(sound, id, "stopped", at(4), error=ErrorInfo("stopped", "pause"))
    assert state(sound, id) == ("PAUSED", "window")
    keep(sound, 26)
    assert state(sound, id) == ("SCHEDULED", "resumed")
    assert rows(sound, id) == ["I1", "I4", "I18", "I26", "I36", "I28"]


def test_a_window_that_opens_before_the_run_has_obeyed_takes_the_pause_back(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    keep(sound, 26)
    assert state(sound, id) == ("RUNNING", "")
    assert rows(sound, id)[-1] == "I22"


def test_what_waits_for_its_retry_keeps_the_rest_of_its_delay(sound: Installation) -> None:
    id = a_running(sound)
    end(sound, id, "failed", at(4, minutes=-2))
    assert (state(sound, id), sound.instance(id).due_at) == (("SCHEDULED", "retry"), at(4, minutes=3))
    keep(sound, 4)
    assert state(sound, id) == ("PAUSED", "window")
    keep(sound, 26)
    assert (state(sound, id), sound.instance(id).due_at) == (("SCHEDULED", "retry"), at(26, minutes=3))


def test_a_failing_run_is_tried_every_five_minutes_until_the_range_is_over(sound: Installation) -> None:
    id = a_running(sound)
    for number in range(1, 6):
        end(sound, id, "failed", at(OPEN, minutes=5 * number))
        assert sound.instance(id).due_at == at(OPEN, minutes=5 * number + 5)
        start(sound, id, at(OPEN, minutes=5 * number + 5))
    end(sound, id, "failed", at(28, minutes=-1))
    assert state(sound, id) == ("SCHEDULED", "retry"), "the last moment of the range"
    [ended] = keep(sound, 28).ended
    assert (ended.outcome, ended.reason, ended.job_failed) == ("FAILED", "expired", True)
    assert task(sound, id) == "FAILED"
    assert sound.instance(id).error is not None and rows(sound, id)[-1] == "I7"


def test_what_is_paused_at_the_end_of_the_range_has_failed(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    keep(sound, 26)
    start(sound, id, at(26))
    keep(sound, 28)
    assert state(sound, id)[0] == "PAUSING"
    obeys(sound, id, 28.1)
    [ended] = keep(sound, 28.1).ended
    assert (ended.outcome, ended.reason) == ("FAILED", "expired")
    assert rows(sound, id)[-1] == "I30"


def test_a_run_that_found_no_place_all_night_goes_on_waiting_in_the_next(sound: Installation) -> None:
    installed(sound)
    id = a_run(sound)
    keep(sound, 4)
    assert state(sound, id) == ("PAUSED", "window")
    keep(sound, 26)
    assert state(sound, id) == ("SCHEDULED", "slot")
    [ended] = keep(sound, 28).ended
    assert (ended.outcome, ended.reason) == ("SKIPPED", "window-end")
    assert rows(sound, id) == ["I1", "I11", "I28", "I5"]


def test_the_run_of_one_opening_that_found_no_place_is_skipped_with_it(sound: Installation) -> None:
    installed(sound, {"repeat": "each"})
    set_watermark(sound, "load", at(1))
    [id] = decide(sound, "load", at(2)).instances
    [ended] = keep(sound, 4).ended
    assert (ended.instance_id, ended.outcome, ended.reason) == (id, "SKIPPED", "window-closed")


def test_the_run_of_one_opening_is_tried_again_only_while_that_is_open(sound: Installation) -> None:
    installed(sound, {"repeat": "each", "from": None, "to": None})
    set_watermark(sound, "load", at(1))
    [id] = decide(sound, "load", at(2)).instances
    start(sound, id, at(2))
    end(sound, id, "failed", at(4, minutes=-6))
    assert state(sound, id) == ("SCHEDULED", "retry")
    start(sound, id, at(4, minutes=-1))
    end(sound, id, "failed", at(4, minutes=-1))
    assert state(sound, id)[0] == "FAILED"


def test_nothing_is_claimed_while_the_window_is_closed_or_about_to_close(sound: Installation) -> None:
    installed(sound, {"lastStart": "30m"})
    id = a_run(sound)
    assert claim(sound, id, at(3.5)) == Waits("window")
    assert claim(sound, id, at(CLOSED)) == Waits("window")
    assert isinstance(claim(sound, id, at(26)), Claimed)


def test_a_start_by_hand_is_bound_to_no_window(sound: Installation) -> None:
    installed(sound)
    id = sound.run("load")
    start(sound, id, at(CLOSED))
    assert not keep(sound, CLOSED).changed
    end(sound, id, "succeeded", at(CLOSED))


def test_a_pause_by_an_operator_outlasts_the_window(sound: Installation) -> None:
    id = a_running(sound)
    pause(sound, id, OPEN)
    obeys(sound, id, OPEN)
    keep(sound, CLOSED)
    assert state(sound, id) == ("PAUSED", "operator, window"), "both reasons hold"
    keep(sound, 26)
    assert state(sound, id) == ("PAUSED", "operator")
    resume(sound, id, AGAIN)
    assert state(sound, id)[0] == "SCHEDULED"


def test_an_operator_who_resumes_while_it_is_closed_lifts_only_their_own_reason(sound: Installation) -> None:
    id = a_running(sound)
    pause(sound, id, OPEN)
    obeys(sound, id, OPEN)
    keep(sound, CLOSED)
    resume(sound, id, CLOSED)
    assert state(sound, id) == ("PAUSED", "window")
    keep(sound, 26)
    assert state(sound, id) == ("SCHEDULED", "resumed")


def test_nobody_resumes_what_only_its_window_has_paused(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    with pytest.raises(IllegalTransition) as caught:
        resume(sound, id, CLOSED)
    assert str(caught.value) == (
        f"instance {id} of load is PAUSED and waits for its window to open at Tue 2026-11-24 14:00 UTC; "
        "resume is accepted when somebody has paused it"
    )


def test_a_paused_job_stays_paused_when_its_window_opens(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    sound.store.transact(lambda tx: pause_jobs(tx, ["load"], actor=ANA, reason="", now=at(CLOSED)))
    keep(sound, 26)
    assert not keep(sound, 26).changed, "asked once, not at every look"
    assert state(sound, id) == ("PAUSED", "job")
    sound.store.transact(lambda tx: resume_jobs(tx, ["load"], actor=ANA, reason="", now=at(AGAIN)))
    assert state(sound, id) == ("SCHEDULED", "resumed")


def test_a_job_that_is_disabled_while_its_window_is_closed_goes_on_when_it_is_enabled(
    sound: Installation,
) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    sound.store.transact(lambda tx: disable_jobs(tx, ["load"], actor=ANA, reason="", now=at(CLOSED)))
    keep(sound, 26)
    assert state(sound, id)[0] == "PAUSED"
    sound.store.transact(lambda tx: enable_jobs(tx, ["load"], actor=ANA, reason="", now=at(AGAIN)))
    keep(sound, AGAIN)
    assert state(sound, id)[0] == "SCHEDULED"


def test_the_one_run_of_a_range_is_not_dropped_by_a_hold_before_it_begins(sound: Installation) -> None:
    installed(sound)
    id = a_run(sound)
    [acted] = sound.store.transact(lambda tx: disable_jobs(tx, ["load"], actor=ANA, reason="", now=at(OPEN)))
    assert "1 start waits for the end of the hold" in acted.notes
    assert claim(sound, id, at(OPEN)) == Waits("held")
    sound.store.transact(lambda tx: enable_jobs(tx, ["load"], actor=ANA, reason="", now=at(OPEN)))
    assert isinstance(claim(sound, id, at(OPEN)), Claimed)


def test_the_one_run_of_a_range_waits_behind_one_that_was_started_by_hand(sound: Installation) -> None:
    installed(sound)
    by_hand = sound.run("load")
    start(sound, by_hand, at(1))
    id = a_run(sound)
    waits = claim(sound, id, at(OPEN))
    assert isinstance(waits, Waits) and waits.blocker == str(by_hand)


def test_a_longer_window_holds_for_the_run_that_is_under_way(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    change(sound, {"end": "18:00"})
    keep(sound, CLOSED)
    assert state(sound, id) == ("SCHEDULED", "resumed")


def test_a_schedule_that_is_given_another_name_keeps_the_run_of_its_range(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    change(sound, {}, name="nights")
    keep(sound, CLOSED, strays=True)
    assert state(sound, id) == ("PAUSED", "window")
    keep(sound, 26)
    assert isinstance(claim(sound, id, at(26)), Claimed)


def test_a_run_whose_schedule_has_no_window_any_more_goes_on(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    change(sound, None)
    keep(sound, CLOSED, strays=True)
    assert state(sound, id) == ("SCHEDULED", "resumed")


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_daemon_that_comes_back_after_the_close_pauses_what_it_finds(sound: Installation, how: str) -> None:
    id = a_running(sound)
    if how == "stopped":
        ended = {"error": ErrorInfo("stopped", "shutdown")}
        end(sound, id, "stopped", at(OPEN), **ended)
        assert state(sound, id) == ("PAUSED", "eviction")
    with sound.store.read() as reader:
        ids = left_behind(reader)
    sound.store.transact(lambda tx: recover(tx, ids, at(CLOSED)))
    assert state(sound, id)[0] == "SCHEDULED"
    keep(sound, CLOSED)
    assert state(sound, id) == ("PAUSED", "window")
    keep(sound, 26)
    start(sound, id, at(26))


def test_a_daemon_that_comes_back_after_the_range_ends_what_it_finds(sound: Installation) -> None:
    id = a_running(sound)
    keep(sound, 4)
    obeys(sound, id, 4)
    [ended] = keep(sound, 1000).ended
    assert (ended.instance_id, ended.outcome, ended.reason) == (id, "FAILED", "expired")


def test_a_crash_in_the_window_is_resumed_in_it(sound: Installation) -> None:
    id = a_running(sound)
    end(sound, id, "crashed", at(OPEN))
    assert state(sound, id) == ("SCHEDULED", "crash")
    assert not keep(sound, OPEN).changed


def test_fire_and_forget_is_tried_every_five_minutes_and_expires_after_thirty(sound: Installation) -> None:
    sound.install(a_job("load", schedule={"fireAndForget": {}}))
    set_watermark(sound, "load", at(0))
    id = a_run(sound, 0)
    for minutes in (0, 5, 10, 15, 20):
        start(sound, id, at(minutes=minutes))
        end(sound, id, "failed", at(minutes=minutes))
        assert sound.instance(id).due_at == at(minutes=minutes + 5)
    start(sound, id, at(minutes=25))
    end(sound, id, "failed", at(minutes=25))
    assert state(sound, id)[0] == "FAILED", "the next try would be at its expiry"
    assert sound.holds("load") == [("failure", "system:supervisor")]


def pause(here: Installation, id: int, hours: float) -> None:
    here.store.transact(lambda tx: pause_instances(tx, [id], actor=ANA, reason="", now=at(hours)))


def resume(here: Installation, id: int, hours: float) -> None:
    here.store.transact(lambda tx: resume_instances(tx, [id], actor=ANA, reason="", now=at(hours)))


def change(here: Installation, window: dict[str, Any] | None, *, name: str = "") -> None:
    """Another declaration is applied; None: one without a window."""
    schedule: Any = "0 2 * * *" if window is None else {"window": {**AFTERNOON, **window}}
    written = {"schedule": None, "schedules": {name: schedule}} if name else {"schedule": schedule}
    new = a_job("load", steps=TWO_STEPS, onCrash="resume", **written)
    uid = here.uid("load")

    def work(tx: Any) -> None:
        was = tx.objects.by_uid(uid)
        tx.objects.update(uid, new, expected_digest=was.digest, at=at(CLOSED), who="test")

    here.store.transact(work)


def test_a_system_that_asks_for_its_work_gets_none_while_the_window_is_closed(sound: Installation) -> None:
    sound.install(an_external_job("load", webhook=None, schedule={"window": AFTERNOON}))
    set_watermark(sound, "load", at(0))
    id = a_run(sound)
    assert polled(sound, "load", at(CLOSED)) is None
    work = polled(sound, "load", at(AGAIN))
    assert work is not None and work.instance.id == id
