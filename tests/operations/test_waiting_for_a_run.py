"""Waiting ends with the run, with the time, or with the daemon."""

from __future__ import annotations

from datetime import timedelta

import pytest
from installations import Installation, a_job

from runner.operations.wait_for_instance import wait_for_instance
from runner.vocabulary.errors import Refused


def test_a_run_that_has_ended_is_not_waited_for(here: Installation) -> None:
    here.install(a_job("report"))
    id = here.run("report", "FAILED")
    assert wait_for_instance(here.store, id, None, daemon_runs=lambda: True) == "FAILED"


def test_the_time_ends_it(here: Installation) -> None:
    here.install(a_job("report"))
    id = here.run("report")
    assert wait_for_instance(here.store, id, timedelta(milliseconds=1), daemon_runs=lambda: True) is None


def test_without_a_daemon_nobody_waits_for_ever(here: Installation) -> None:
    here.install(a_job("report"))
    id = here.run("report")
    with pytest.raises(Refused) as refused:
        wait_for_instance(here.store, id, None, daemon_runs=lambda: False)
    assert str(refused.value) == (
        f"the daemon has ended; instance {id} is SCHEDULED and goes on with the next one"
    )
