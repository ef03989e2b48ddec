"""A claimed instance that never got a process: why, and whether it is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim

from runner.credentials.authorization import CredentialMissing
from runner.operations.cancel import cancel_instances
from runner.operations.fail_to_start import fail_to_start
from runner.operations.outcome import Finished
from runner.operations.trigger import trigger_job
from runner.operations.whole_copies import DamagedCopy
from runner.vocabulary.errors import StoreUnavailable, UnknownName

MISSING = CredentialMissing("api", "token", "environment variable TOKEN is not set")


def a_claimed_run(here: Installation, **spec: Any) -> int:
    here.install(a_job("tick", **spec))
    id = trigger_job(here.store, "tick", actor=ANA, key="1", now=NOW).id
    claim(here, id)
    return id


def failed(here: Installation, id: int, problem: Exception, epoch: int = 1) -> Finished | None:
    return here.store.transact(lambda tx: fail_to_start(tx, id, epoch, problem, NOW, 0.5))


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (MISSING, "authorization"),
        (UnknownName("Connection/warehouse is not installed"), "unknown-name"),
        (DamagedCopy("the copy of sum.sql has been changed since"), "damaged-copy"),
    ],
)
def test_what_time_does_not_bring_back_fails_without_a_retry(
    sound: Installation, problem: Exception, code: str
) -> None:
    id = a_claimed_run(sound, retry="backoff")
    finished = failed(sound, id, problem)
    assert finished is not None and (finished.state, finished.reason) == ("FAILED", code)
    assert sound.instance(id).error == {"code": code, "description": str(problem)}


@pytest.mark.parametrize(
    "problem", [StoreUnavailable("the disk is full"), KeyError("steps"), OSError(24, "x")]
)
def test_anything_else_is_tried_again_as_the_retry_policy_says(
    sound: Installation, problem: Exception
) -> None:
    id = a_claimed_run(sound, retry={"initial": "10m", "maxAttempts": 2})
    finished = failed(sound, id, problem)
    assert finished is not None and (finished.state, finished.due_at) == ("SCHEDULED", at(minutes=10))
    claim(sound, id, at(1))
    assert failed(sound, id, problem, epoch=2).reason == "not-started"  # type: ignore[union-attr]


def test_a_run_that_was_cancelled_meanwhile_is_cancelled(sound: Installation) -> None:
    id = a_claimed_run(sound)
    sound.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    assert failed(sound, id, MISSING).state == "CANCELLED"  # type: ignore[union-attr]


def test_a_later_epoch_is_left_alone(sound: Installation) -> None:
    id = a_claimed_run(sound)
    assert failed(sound, id, MISSING, epoch=7) is None
    assert sound.instance(id).state == "RUNNING"
