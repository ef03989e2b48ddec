"""Run again what has ended, as a whole or in part, and leave steps out."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, definition_of, end, events, report, start, steps

from runner.execution.order import ErrorInfo
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.claim_instance import Claimed
from runner.operations.make_order import _earlier_steps
from runner.operations.pause_instances import pause_instances
from runner.operations.rerun import Rerun, rerun_instance
from runner.operations.resume_instances import resume_instances
from runner.operations.skip_step import skip_step
from runner.vocabulary.errors import IllegalTransition, UnknownName

THREE = [
    {"name": "run", "shell": "true"},
    {"name": "middle", "shell": "true", "skippable": True},
    {"name": "last", "shell": "true"},
]
BROKEN = ErrorInfo("exit-code", "3", "middle")


def again(here: Installation, id: int, **more: Any) -> Rerun:
    key = f"key-{id}-{len(more)}"
    arguments = {"actor": ANA, "key": key, "reason": "", "now": at(1), **more}
    return here.store.transact(lambda tx: rerun_instance(tx, id, **arguments))


def skip(here: Installation, id: int, step: str) -> ActedOnRun:
    return here.store.transact(lambda tx: skip_step(tx, id, step, actor=ANA, reason="INC-1", now=NOW))


def a_failed(here: Installation, **spec: Any) -> int:
    """Its first step completed, with an output; the second one failed."""
    here.install(a_job("load", **{"steps": THREE, "retry": "none", **spec}))
    id = here.run("load")
    start(here, id)
    report(here, id, "complete", outputs={"rows": 7})
    report(here, id, "start", step="middle")
    report(here, id, "fail", step="middle", error=BROKEN)
    end(here, id, error=BROKEN)
    return id


def test_a_rerun_is_a_new_run_of_everything_that_names_the_old_one(sound: Installation) -> None:
    failed = a_failed(sound)
    new = again(sound, failed)
    run = sound.instance(new.id)
    assert (run.rerun_of, run.origin, run.state, run.due_at) == (failed, "rerun", "SCHEDULED", at(1))
    assert (new.taken_over, steps(sound, new.id)) == ((), [])
    assert events(sound, new.id)[0].row == "I3"


def test_a_rerun_twice_is_once_while_the_first_has_not_ended(sound: Installation) -> None:
    failed = a_failed(sound)
    new = again(sound, failed)
    twice = again(sound, failed, failed_only=True)
    assert (twice.id, twice.changed) == (new.id, False)
    assert twice.notes == (f"instance {new.id} runs it again already, and is SCHEDULED; nothing was started",)
    start(sound, new.id, at(1))
    end(sound, new.id, "succeeded", at(1))
    assert again(sound, failed, reason="once more").changed is True


def test_a_rerun_says_what_is_in_its_way(sound: Installation) -> None:
    failed = a_failed(sound)
    other = sound.run("load", key="other")
    assert again(sound, failed).notes == (
        f"instance {other} is SCHEDULED; if it has started and still runs when this start is claimed, this "
        "one is skipped (concurrency: skip)",
    )


def test_only_what_failed_is_run_again_with_the_outputs_of_the_rest(sound: Installation) -> None:
    new = again(sound, a_failed(sound), failed_only=True)
    assert new.taken_over == ("run",)
    assert isinstance(claim(sound, new.id, at(1)), Claimed)
    assert steps(sound, new.id) == [("run", "SKIPPED"), ("middle", "PENDING"), ("last", "PENDING")]
    with sound.store.read() as reader:
        assert _earlier_steps(reader, new.id, "-") == ({"run": {"rows": 7}}, [])
    assert definition_of(sound, sound.instance(new.id)).new_steps


def test_a_rerun_from_a_step_leaves_out_what_completed_or_may_be_left_out(sound: Installation) -> None:
    new = again(sound, a_failed(sound), from_step="last")
    assert new.taken_over == ("run", "middle")
    with sound.store.read() as reader:
        rows = [e.row for e in reader.events.of("instance", str(new.id)) if e.subject_kind == "step"]
    assert rows == ["S3", "S3"]


def test_a_step_that_neither_completed_nor_is_skippable_is_not_left_out(here: Installation) -> None:
    failed = a_failed(here, steps=[{**step, "skippable": False} for step in THREE])
    with pytest.raises(IllegalTransition) as refused:
        again(here, failed, from_step="last")
    assert str(refused.value) == (
        f"step middle of instance {failed} did not complete and is not declared `skippable: true`; "
        "rerun --from-step is accepted for middle or an earlier step"
    )


def test_an_unknown_step_is_told_with_those_that_there_are(here: Installation) -> None:
    with pytest.raises(UnknownName, match=r"has no step 'lst'; it has: run, middle, last"):
        again(here, a_failed(here), from_step="lst")


def test_what_has_not_ended_is_not_run_again(here: Installation) -> None:
    here.install(a_job("load"))
    id = here.run("load", "RUNNING")
    with pytest.raises(IllegalTransition) as refused:
        again(here, id)
    assert str(refused.value) == (
        f"instance {id} of load is RUNNING; rerun is accepted in CANCELLED, FAILED, PARTIALLY_SUCCEEDED, "
        "REPLACED, SKIPPED, SUCCEEDED"
    )


def test_a_rerun_counts_as_a_start_by_hand_for_the_job(sound: Installation) -> None:
    failed = a_failed(sound, failAfter=1)
    new = again(sound, failed)
    start(sound, new.id, at(1))
    end(sound, new.id, now=at(1))
    assert sound.holds("load") == []
    sound.hold("load", "failure")
    newer = again(sound, failed, reason="mended")
    start(sound, newer.id, at(2))
    for step in ("middle", "last"):
        report(sound, newer.id, "complete", at(2), step="run" if step == "middle" else "middle")
        report(sound, newer.id, "start", at(2), step=step)
    report(sound, newer.id, "complete", at(2), step="last")
    end(sound, newer.id, "succeeded", at(2))
    assert sound.holds("load") == []


def test_what_succeeded_has_nothing_that_failed(here: Installation) -> None:
    here.install(a_job("load"))
    id = here.run("load", "SUCCEEDED")
    with pytest.raises(IllegalTransition, match=r"rerun --failed-only is accepted in FAILED, PARTIALLY"):
        again(here, id, failed_only=True)


def test_a_held_job_is_not_run_again(here: Installation) -> None:
    failed = a_failed(here)
    here.hold("load", "operator")
    with pytest.raises(IllegalTransition, match="hold operator of bob; rerun is accepted in ASLEEP"):
        again(here, failed)


def test_a_step_of_a_run_that_waits_for_its_retry_is_skipped(sound: Installation) -> None:
    sound.install(a_job("load", steps=THREE, retry={"initial": "10m", "maxAttempts": 3}))
    id = sound.run("load")
    start(sound, id)
    report(sound, id, "complete")
    report(sound, id, "start", step="middle")
    report(sound, id, "fail", step="middle", error=BROKEN)
    end(sound, id)
    assert steps(sound, id)[1] == ("middle", "PENDING")
    done = skip(sound, id, "middle")
    assert (done.changed, steps(sound, id)[1]) == (True, ("middle", "SKIPPED"))
    assert skip(sound, id, "middle").changed is False
    with sound.store.read() as reader:
        last = next(e for e in reader.events.of("instance", str(id)) if e.subject_kind == "step")
    assert (last.row, last.who, last.why) == ("S3", "ana", "INC-1")


def test_a_failed_step_of_a_paused_run_is_skipped_and_the_run_goes_on_behind_it(sound: Installation) -> None:
    sound.install(a_job("load", steps=THREE, retry={"initial": "10m", "maxAttempts": 3}))
    id = sound.run("load")
    start(sound, id)
    report(sound, id, "complete")
    report(sound, id, "start", step="middle")
    sound.store.transact(lambda tx: pause_instances(tx, (id,), actor=ANA, reason="", now=NOW))
    report(sound, id, "fail", step="middle", error=BROKEN)
    end(sound, id)
    assert (sound.instance(id).state, steps(sound, id)[1]) == ("PAUSED", ("middle", "FAILED"))
    skip(sound, id, "middle")
    with sound.store.read() as reader:
        last = next(e for e in reader.events.of("instance", str(id)) if e.subject_kind == "step")
    assert (last.row, last.details["error"]["code"]) == ("S8", "exit-code")
    sound.store.transact(lambda tx: resume_instances(tx, (id,), actor=ANA, reason="", now=at(1)))
    assert isinstance(claim(sound, id, at(2)), Claimed)
    with sound.store.read() as reader:
        assert _earlier_steps(reader, id, "-") == ({"run": {}}, ["middle"])


def test_a_step_is_not_skipped_while_a_process_goes_through_the_steps(here: Installation) -> None:
    here.install(a_job("load", steps=THREE))
    id = here.run("load")
    start(here, id)
    with pytest.raises(IllegalTransition) as refused:
        skip(here, id, "middle")
    assert str(refused.value) == (
        f"instance {id} of load is RUNNING; skip-step is accepted in SCHEDULED, PAUSED "
        f"(runner instances pause {id})"
    )


def test_only_a_step_that_is_declared_skippable_is_skipped(here: Installation) -> None:
    here.install(a_job("load", steps=THREE, retry={"initial": "10m", "maxAttempts": 3}))
    id = here.run("load")
    start(here, id)
    end(here, id)
    with pytest.raises(IllegalTransition) as refused:
        skip(here, id, "last")
    assert str(refused.value) == (
        "step last of load is not declared `skippable: true`; skip-step is accepted for: middle"
    )
