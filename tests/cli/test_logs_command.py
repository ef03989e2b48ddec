"""`runner logs`: of which run, and of which step."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from installations import Installation, a_job

from runner.operations.find_log import find_log
from runner.store.steps import NewStep

KEYS = count()


def a_run(here: Installation, began: bool) -> int:
    id = here.run("sums", "RUNNING" if began else "SCHEDULED", key=str(next(KEYS)))
    if began:
        here.store.transact(lambda tx: tx.steps.create_all(id, "-", [NewStep("add", "shell")]))
    return id


def found(here: Installation, **more: bool) -> int:
    return find_log(here.store, here.state, "sums", failed=False, **more).instance_id


def test_of_a_job_it_is_the_latest_run_that_has_begun(here: Installation) -> None:
    here.install(a_job("sums"))
    began = a_run(here, True)
    waits = a_run(here, False)
    assert found(here) == began
    assert found(here, follow=True) == waits


def test_a_job_whose_runs_all_wait_has_its_latest(here: Installation) -> None:
    here.install(a_job("sums"))
    assert a_run(here, False) < (latest := a_run(here, False))
    assert found(here) == latest


def test_a_misspelt_step_is_unknown(here: Installation, say: Callable) -> None:
    here.install(a_job("sums"))
    id = a_run(here, True)
    assert say("logs", str(id), "--step", "add").code == 0
    said = say("logs", str(id), "--step", "ad")
    assert said.code == 1
    assert said.err == f"Error: instance {id} of sums has no step 'ad'; did you mean 'add'?\n"
