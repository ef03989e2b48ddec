"""As whom a job runs: users as numbers, and sentences for those that cannot be."""

from __future__ import annotations

import pwd
import tempfile
from typing import Any

import pytest
from installations import Installation, a_job
from test_make_order import by_hand

from runner.lifecycle.task import TASK
from runner.operations import run_as
from runner.operations.fail_to_start import fail_to_start
from runner.operations.run_as import CannotRunAs, user_of

NOBODY = pwd.getpwnam("nobody")


def as_root(monkeypatch: pytest.MonkeyPatch, euid: int = 0) -> None:
    monkeypatch.setattr(run_as.os, "geteuid", lambda: euid)


def test_without_a_word_a_job_runs_as_the_daemon(here: Installation) -> None:
    order = by_hand(here)
    assert (order.limits, order.workdir) == ({}, None)


def test_a_user_has_its_numbers_its_home_and_a_folder_outside_the_state(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root(monkeypatch)
    monkeypatch.setenv("HOME", "/root")
    order = by_hand(here, runAs="nobody", keepWorkdir=True)
    user: Any = order.limits["user"]
    assert (user["uid"], user["gid"]) == (NOBODY.pw_uid, NOBODY.pw_gid)
    assert order.env["HOME"] == NOBODY.pw_dir
    assert order.workdir is not None
    assert order.workdir.startswith(f"{tempfile.gettempdir()}/runner-1-")
    assert not order.keep_workdir


def test_the_daemons_own_user_is_nothing_special(monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch, NOBODY.pw_uid)
    monkeypatch.setattr(run_as.os, "getegid", lambda: NOBODY.pw_gid)
    assert user_of({"runAs": "nobody"}) is None


def test_only_root_starts_jobs_as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch, NOBODY.pw_uid)
    with pytest.raises(
        CannotRunAs, match=r"the daemon runs as nobody, and only root .* start it as root, or"
    ):
        user_of({"runAs": "root"})


@pytest.mark.parametrize(
    ("declared", "missing"), [("no-such-user", "user no-such-user"), ("nobody:no-such", "group no-such")]
)
def test_who_is_not_there_is_named(declared: str, missing: str) -> None:
    with pytest.raises(CannotRunAs, match=f"this machine has no {missing}; create it"):
        user_of({"runAs": declared})


def test_nothing_is_tried_again_for_a_user_that_is_not_there(here: Installation) -> None:
    here.install(a_job("tick", retry="backoff"))
    id = here.run("tick", "RUNNING")
    problem = CannotRunAs("runAs: etl: this machine has no user etl")
    run = here.instance(id)
    here.store.transact(
        lambda tx: tx.tasks.move(
            id, "-", TASK.move("SCHEDULED", "start"), epoch=run.epoch, at=run.created_at, who="test"
        )
    )
    finished = here.store.transact(
        lambda tx: fail_to_start(tx, id, run.epoch, problem, run.created_at, draw=0.5)
    )
    assert finished is not None
    assert (finished.state, finished.reason) == ("FAILED", "run-as")
