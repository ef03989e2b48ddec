"""Pause, resume, kill, bounce and skip jobs; maintenance; and what a hold means for what has begun."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_group, a_job
from lives import at, claim, decide, end, events, fails, report, set_watermark, start, watermark

from runner.execution.order import ErrorInfo
from runner.operations.bounce_jobs import bounce_jobs
from runner.operations.claim_instance import Claimed, Waits
from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs
from runner.operations.end_holds import end_holds
from runner.operations.groups import disable_groups, enable_groups
from runner.operations.holding import Acted
from runner.operations.kill_jobs import kill_jobs
from runner.operations.list_jobs import list_jobs
from runner.operations.maintenance import maintenance_off, maintenance_on
from runner.operations.pause_jobs import pause_jobs, resume_jobs
from runner.operations.skip_jobs import skip_jobs
from runner.vocabulary.errors import IllegalTransition, NotAllowed

TWO_STEPS = [{"name": "run", "shell": "true"}, {"name": "then", "shell": "true"}]
OBEYED = ErrorInfo("stopped", "pause")


def act(here: Installation, verb: Callable[..., Any], *names: str, **more: Any) -> Any:
    arguments = {"actor": ANA, "reason": "INC-1", "now": NOW, **more}
    return here.store.transact(lambda tx: verb(tx, names, **arguments))


def status(here: Installation, name: str) -> tuple[str, str]:
    with here.store.read() as reader:
        (view,) = [job for job in list_jobs(reader, now=NOW) if job.name == name]
    return view.status, view.detail


def a_running(here: Installation, **spec: Any) -> int:
    here.install(a_job("load", **{"steps": TWO_STEPS, **spec}))
    id = here.run("load")
    start(here, id)
    return id


def obeys(here: Installation, id: int) -> None:
    report(here, id, "complete")
    end(here, id, "stopped", error=OBEYED)


def test_a_paused_job_pauses_what_runs_and_lets_starts_wait(sound: Installation) -> None:
    id = a_running(sound, concurrency={"policy": "allow"})
    waiting = sound.run("load", key="2")
    (done,) = act(sound, pause_jobs, "load")
    assert done.notes == (
        "1 run pauses at its next step or checkpoint",
        "1 start waits until it is resumed",
    )
    assert (done.status, done.detail) == ("RUNNING", "paused")
    assert sound.instance(id).pauses == ("job",)
    assert claim(sound, waiting) == Waits("paused")
    obeys(sound, id)
    assert status(sound, "load") == ("ASLEEP", "paused")
    assert act(sound, pause_jobs, "load")[0].changed is False


def test_a_resumed_job_lets_all_go_on_with_the_same_id(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_jobs, "load")
    obeys(sound, id)
    (done,) = act(sound, resume_jobs, "load")
    assert (done.changed, done.notes) == (True, ("1 run goes on",))
    assert (sound.instance(id).state, sound.holds("load")) == ("SCHEDULED", [])
    assert isinstance(claim(sound, id), Claimed)
    assert act(sound, resume_jobs, "load")[0].changed is False


def test_a_pause_touches_only_its_own_hold(sound: Installation) -> None:
    sound.install(a_job("load"), holds=("operator",))
    act(sound, pause_jobs, "load")
    (done,) = act(sound, resume_jobs, "load")
    assert sound.holds("load") == [("operator", "bob")]
    assert done.notes == ("stays DISABLED by hold operator of bob: a test",)


def test_the_missed_policy_decides_at_the_end_of_a_pause_and_a_disable_drops(sound: Installation) -> None:
    for name, verb, back in (("waits", pause_jobs, resume_jobs), ("drops", disable_jobs, enable_jobs)):
        sound.install(a_job(name, schedule={"every": "1h"}, missed={"policy": "last"}))
        set_watermark(sound, name, at(0))
        act(sound, verb, name)
        assert decide(sound, name, at(3.5)).held
        act(sound, back, name, now=at(3.5))
    assert (watermark(sound, "waits"), watermark(sound, "drops")) == (at(0), at(3.5))
    assert len(decide(sound, "waits", at(3.5)).instances) == 1
    assert decide(sound, "drops", at(3.5)).instances == ()


def test_a_pause_with_an_end_ends_by_itself_and_what_it_paused_goes_on(sound: Installation) -> None:
    id = a_running(sound)
    act(sound, pause_jobs, "load", until=at(2))
    obeys(sound, id)
    sound.store.transact(lambda tx: end_holds(tx, at(1)))
    assert sound.instance(id).state == "PAUSED"
    sound.store.transact(lambda tx: end_holds(tx, at(2)))
    assert (sound.instance(id).state, sound.holds("load")) == ("SCHEDULED", [])


def test_a_job_whose_last_step_runs_finishes_it_first(sound: Installation) -> None:
    a_running(sound, steps=[{"name": "run", "shell": "true"}])
    (done,) = act(sound, pause_jobs, "load")
    assert done.notes == ("1 run finishes first",)


def test_a_protected_job_is_not_paused_or_killed_by_accident(here: Installation) -> None:
    here.install(a_job("housekeeping", type="system"))
    for verb, word in ((pause_jobs, "pause"), (kill_jobs, "kill")):
        with pytest.raises(NotAllowed, match=f"{word} needs --allow-protected"):
            act(here, verb, "housekeeping")


def test_on_disable_pause_pauses_what_has_begun_and_enabling_lets_it_go_on(sound: Installation) -> None:
    id = a_running(sound, onDisable="pause")
    (done,) = act(sound, disable_jobs, "load")
    assert done.notes == ("1 run is being paused",)
    assert (done.status, done.detail) == ("RUNNING", "draining")
    obeys(sound, id)
    assert status(sound, "load") == ("DISABLED", "paused")
    act(sound, enable_jobs, "load")
    assert sound.instance(id).state == "SCHEDULED"


def test_on_disable_pause_holds_for_groups_and_the_last_hold_has_to_go(sound: Installation) -> None:
    sound.install(a_group("night"))
    id = a_running(sound, onDisable="pause", groups=["night"])
    act(sound, disable_groups, "night")
    act(sound, disable_jobs, "load")
    obeys(sound, id)
    act(sound, enable_groups, "night")
    assert sound.instance(id).pauses == ("disable",)
    act(sound, enable_jobs, "load")
    assert sound.instance(id).state == "SCHEDULED"


def test_a_retry_that_waits_is_paused_too_when_its_job_is_disabled(sound: Installation) -> None:
    id = a_running(sound, onDisable="pause", retry={"initial": "10m", "maxAttempts": 3})
    end(sound, id)
    act(sound, disable_jobs, "load")
    assert (sound.instance(id).state, sound.instance(id).resume_as) == ("PAUSED", "retry")


def test_a_killed_job_is_cancelled_and_held(sound: Installation) -> None:
    id = a_running(sound, concurrency={"policy": "allow"})
    waiting = sound.run("load", key="2")
    (done,) = act(sound, kill_jobs, "load")
    assert done.notes == ("2 runs are cancelled",)
    assert (sound.instance(id).state, sound.instance(waiting).state) == ("STOPPING", "CANCELLED")
    assert sound.holds("load") == [("operator", "ana")]
    end(sound, id, "stopped")
    assert status(sound, "load") == ("DISABLED", "")
    assert act(sound, kill_jobs, "load")[0].changed is False


def test_a_running_job_that_is_bounced_starts_again_with_the_same_id(sound: Installation) -> None:
    id = a_running(sound)
    (done,) = act(sound, bounce_jobs, "load", key="k")
    assert (done.changed, done.notes) == (True, ("1 run starts again",))
    end(sound, id, "stopped")
    assert (sound.instance(id).state, sound.instance(id).reason) == ("SCHEDULED", "bounced")
    assert act(sound, bounce_jobs, "load", key="l")[0].changed is False


def test_a_failed_job_that_is_bounced_is_reset_and_goes_on_with_what_was_saved(sound: Installation) -> None:
    sound.install(a_job("load", schedule={"every": "1h"}, failAfter=1, retry="none"))
    failed = fails(sound, "load", at(0)).instance_id
    uid = sound.uid("load")
    sound.store.transact(lambda tx: tx.state.put(uid, failed, "-", {"row": 7}, at=NOW))
    assert status(sound, "load")[0] == "FAILED"
    (done,) = act(sound, bounce_jobs, "load", key="k")
    new = failed + 1
    assert done.notes == (f"instance {new} goes on with what instance {failed} saved",)
    assert (sound.instance(new).rerun_of, sound.holds("load")) == (failed, [])
    assert events(sound, new)[0].row == "I3"
    assert act(sound, bounce_jobs, "load", key="l")[0].changed is False
    assert isinstance(claim(sound, new), Claimed)
    with sound.store.read() as reader:
        (saved,) = reader.state.of_instance(new)
    assert saved.data == {"row": 7}


def test_a_job_that_sleeps_cannot_be_bounced(here: Installation) -> None:
    here.install(a_job("load"))
    with pytest.raises(IllegalTransition) as refused:
        act(here, bounce_jobs, "load", key="k")
    assert str(refused.value) == (
        "Job/load is ASLEEP; bounce is accepted in RUNNING and FAILED, and while a retry waits"
    )


def test_a_job_whose_retry_waits_tries_it_now_when_it_is_bounced(sound: Installation) -> None:
    sound.install(a_job("load", retry={"initial": "1h", "maxAttempts": 3}))
    id = sound.run("load")
    start(sound, id)
    end(sound, id)
    (done,) = act(sound, bounce_jobs, "load", key="k", now=at(minutes=1))
    assert (done.changed, done.notes) == (True, ("1 run that waited is due now",))
    assert sound.instance(id).due_at == at(minutes=1)
    assert act(sound, bounce_jobs, "load", key="l", now=at(minutes=1))[0].changed is False


def test_a_skip_drops_the_starts_that_wait(sound: Installation) -> None:
    sound.install(a_job("load"))
    id = sound.run("load", due_at=at(1))
    (done,) = act(sound, skip_jobs, "load")
    assert done.notes == ("1 waiting start skipped",)
    assert (sound.instance(id).state, sound.instance(id).reason) == ("SKIPPED", "skipped by an operator")
    assert events(sound, id)[-1].row == "I6"


def test_a_skip_of_a_job_that_waits_for_its_slot_leaves_that_slot_out_and_no_other(
    sound: Installation,
) -> None:
    sound.install(a_job("load", schedule={"every": "1h"}))
    set_watermark(sound, "load", at(0))
    (done,) = act(sound, skip_jobs, "load", now=at(0.5))
    assert (done.changed, done.notes) == (True, ("the start of 2026-11-23 13:00:00Z is skipped",))
    assert act(sound, skip_jobs, "load", now=at(0.5))[0].changed is False
    with sound.store.read() as reader:
        (view,) = list_jobs(reader, now=at(0.5))
    assert view.next_at == at(2)
    assert decide(sound, "load", at(1)).instances == ()
    assert len(decide(sound, "load", at(2)).instances) == 1


def test_there_is_nothing_to_skip_of_a_job_that_only_people_start(here: Installation) -> None:
    here.install(a_job("load", schedule=None))
    with pytest.raises(IllegalTransition, match="has nothing to skip"):
        act(here, skip_jobs, "load")


def test_a_maintenance_holds_every_job_until_its_end_and_catches_nothing_up(sound: Installation) -> None:
    sound.install(a_job("load", schedule={"every": "1h"}), a_job("other"), a_job("own", type="system"))
    set_watermark(sound, "load", at(0))
    done: tuple[Acted, ...] = act(sound, maintenance_on, until=at(2))
    assert {each.name: each.changed for each in done} == {"load": True, "other": True, "own": False}
    assert status(sound, "load") == ("DISABLED", "")
    sound.store.transact(lambda tx: end_holds(tx, at(2)))
    assert (sound.holds("load"), watermark(sound, "load")) == ([], at(2))


def test_a_maintenance_is_ended_by_anybody_who_may(sound: Installation) -> None:
    sound.install(a_job("load"))
    sound.hold("load", "maintenance")
    (done,) = act(sound, maintenance_off, now=at(1))
    assert (done.changed, done.status, sound.holds("load")) == (True, "ASLEEP", [])
    assert act(sound, maintenance_off)[0].changed is False


def test_a_disable_with_an_end_lasts_that_long(sound: Installation) -> None:
    sound.install(a_job("load"))
    act(sound, disable_jobs, "load", until=NOW + timedelta(hours=2))
    sound.store.transact(lambda tx: end_holds(tx, at(2)))
    assert sound.holds("load") == []
