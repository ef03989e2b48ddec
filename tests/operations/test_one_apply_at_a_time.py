"""One apply at a time, by a lease that ends by itself; and a serial that holds when the lease does not."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from declared_projects import ANA, NOW, Project

from runner.execution.processes import boot_id
from runner.operations.apply import _new_object, carry_out
from runner.operations.audit import Approval
from runner.operations.carrying import Carrying
from runner.operations.lease import APPLY, LENGTH, apply_lease, is_free
from runner.store.applies import LeaseRecord
from runner.vocabulary.errors import Refused, StalePlan

HELD = LeaseRecord(
    name=APPLY,
    token="theirs",
    holder="ben",
    pid=os.getpid(),
    host=socket.gethostname(),
    boot_id=boot_id(),
    commit="4f2c9e1aaaa",
    taken_at=NOW,
    expires_at=NOW + LENGTH,
)


def free(lease: LeaseRecord | None, seconds: float = 1.0) -> bool:
    return is_free(lease, host=HELD.host, boot=HELD.boot_id, now=NOW + timedelta(seconds=seconds))


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    yield project
    project.store.close()


def test_a_lease_is_free_when_nobody_holds_it_or_its_holder_is_gone():
    assert free(None)
    assert not free(HELD)
    assert free(HELD, LENGTH.total_seconds())
    assert free(replace(HELD, boot_id="another boot"))
    assert free(replace(HELD, pid=2**22 + 1))  # above the largest pid of Linux
    assert not free(replace(HELD, host="elsewhere", boot_id="another boot", pid=1))


def test_a_clock_that_was_set_back_does_not_keep_a_lease_for_ever():
    assert free(HELD, -3600)
    assert not free(HELD, -1)  # clocks of two processes are never quite the same


def test_whoever_waits_is_told_who_applies(project):
    project.store.transact(lambda tx: tx.leases.take(HELD))
    clock = iter([NOW + timedelta(seconds=3)] * 3).__next__
    with (
        pytest.raises(Refused) as refused,
        apply_lease(project.store, "ana", None, patience_s=0, clock=clock),
    ):
        raise AssertionError("it is taken")
    assert str(refused.value) == (
        f"ben applies commit 4f2c9e1 now (pid {os.getpid()} on {socket.gethostname()}, since "
        "2026-11-23 12:00:00 UTC); nothing was changed. Try again when that is done; without a sign of life "
        "it ends by itself at 12:01:00 UTC"
    )


def test_a_lease_is_given_back_also_by_what_fails(project):
    with pytest.raises(ZeroDivisionError), apply_lease(project.store, "ana", None):
        raise ZeroDivisionError
    with apply_lease(project.store, "ben", "4f2c", patience_s=0), project.store.read() as reader:
        assert reader.leases.get(APPLY).holder == "ben"
    with project.store.read() as reader:
        assert reader.leases.get(APPLY) is None


def test_an_apply_leaves_no_lease_behind(project):
    project.job("hello")
    project.apply()
    with project.store.read() as reader:
        assert reader.leases.get(APPLY) is None


def test_a_broken_lease_corrupts_nothing_because_of_the_serial(project):
    project.job("hello")
    slow = project.plan()
    project.job("other")
    project.apply()  # as if the lease of the first had been taken away in the middle
    with pytest.raises(StalePlan, match="The plan was made against serial 0"):
        carry_out(slow, project.store, ANA, NOW)
    with project.store.read() as reader:
        assert reader.serial() == 1
        assert reader.leases.get(APPLY) is None


def test_an_expired_lease_of_a_process_that_still_lives_is_taken_over(project):
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    left = replace(HELD, taken_at=long_ago, expires_at=long_ago + LENGTH)
    project.store.transact(lambda tx: tx.leases.take(left))
    project.job("hello")
    assert project.apply().serial == 1


@pytest.mark.parametrize("step", [timedelta(minutes=5), -timedelta(minutes=5)])
def test_a_clock_that_steps_during_a_lease_lets_another_apply_and_the_slow_one_changes_nothing(project, step):
    project.job("hello")
    slow = project.plan()
    with apply_lease(project.store, "ana", None) as mine:
        stepped = iter([datetime.now(UTC) + step] * 9).__next__
        with apply_lease(project.store, "ben", None, patience_s=0, clock=stepped) as theirs:
            assert theirs != mine
            fast = project.plan()
            applied = Carrying(fast, new_objects(fast), "ben", NOW, Approval(), theirs)
            assert project.store.transact(applied.work).serial == 1
        overtaken = Carrying(slow, new_objects(slow), "ana", NOW, Approval(), mine)
        with pytest.raises(StalePlan, match="serial 0, and the database is at serial 1"):
            project.store.transact(overtaken.work)
    with project.store.read() as reader:
        assert (reader.serial(), reader.leases.get(APPLY)) == (1, None)
        assert [each.who for each in reader.applies.list()] == ["ben"]


def new_objects(planned):
    return {each.address: _new_object(planned, each) for each in planned.plan.changes if each.writes}
