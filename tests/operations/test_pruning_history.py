"""Old runs go as each job's history says, with their logs; nothing becomes runnable again."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from installations import NOW, Installation, a_job

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations import prune_history as pruning
from runner.operations.prune_history import prune_history
from runner.store import admin
from runner.store.errors import ErrorRecord
from runner.store.instances import NewInstance
from runner.store.port import Transaction
from runner.store.steps import NewStep
from runner.vocabulary.identity import Address


def a_past_run(here: Installation, name: str, *, days_ago: float) -> int:
    """A run of a slot that succeeded then, with a log of 100 bytes."""
    at = NOW - timedelta(days=days_ago)

    def work(tx: Transaction) -> int:
        record = tx.objects.get(Address("Job", name))
        assert record is not None
        id = tx.instances.create(
            NewInstance(
                job_uid=record.uid, job=name, origin="slot", schedule="default", slot_key=at.isoformat(),
                slot_at=at, due_at=at, reason="slot", digest=record.digest, revision=record.revision,
            ),
            who="test",
            at=at,
        )  # fmt: skip
        assert id is not None
        epoch = tx.instances.claim(id, INSTANCE.move("SCHEDULED", "claim"), epoch=0, at=at, who="test")
        for event, state in (("start", "SCHEDULED"), ("succeed", "RUNNING")):
            tx.tasks.move(id, "-", TASK.move(state, event), epoch=epoch, at=at, who="test")
        tx.instances.move(id, INSTANCE.move("RUNNING", "succeed"), epoch=epoch, at=at, who="test")
        return id

    id = here.store.transact(work)
    log = log_of(here, name, id)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"x" * 100)
    return id


def log_of(here: Installation, name: str, id: int) -> Path:
    return here.state / "logs" / name / f"{id}.log"


def remaining(here: Installation) -> list[int]:
    with here.store.read() as reader:
        return sorted(run.id for run in reader.instances.list(limit=None))


def test_runs_older_than_max_age_go_with_their_logs(here: Installation) -> None:
    here.install(a_job("nightly", history={"maxAge": "10d"}))
    old, young = (a_past_run(here, "nightly", days_ago=n) for n in (11, 9))
    pruned = prune_history(here.store, here.state, now=NOW)
    assert remaining(here) == [young]
    assert not log_of(here, "nightly", old).exists()
    assert log_of(here, "nightly", young).exists()
    assert (pruned.instances, pruned.logs, pruned.log_bytes, pruned.kept_logs) == (1, 1, 100, ())
    assert [(job.job, job.instances) for job in pruned.jobs] == [("nightly", 1)]
    here.store.close()
    assert admin.check(here.path).ok


def test_each_job_keeps_as_many_runs_as_it_says(here: Installation) -> None:
    here.install(a_job("few", history={"keep": 2}), a_job("many", history={"keep": 5}))
    few = [a_past_run(here, "few", days_ago=n) for n in (4, 3, 2, 1)]
    many = [a_past_run(here, "many", days_ago=n) for n in (4, 3, 2, 1)]
    prune_history(here.store, here.state, now=NOW)
    assert remaining(here) == sorted([*few[2:], *many])


def test_what_a_job_does_not_say_is_the_runners_default(here: Installation) -> None:
    here.install(a_job("nightly"))
    with here.store.read() as reader:
        record = reader.objects.get(Address("Job", "nightly"))
    assert record is not None
    assert record.resolved["history"]["keep"] > 0


def test_keep_days_is_a_limit_for_every_job(here: Installation) -> None:
    here.install(a_job("nightly", history={"maxAge": "90d"}), a_job("short", history={"maxAge": "1d"}))
    for days in (40, 20, 5):
        a_past_run(here, "nightly", days_ago=days)
    a_past_run(here, "short", days_ago=3)
    newest = a_past_run(here, "short", days_ago=2)
    prune_history(here.store, here.state, now=NOW, keep_days=30)
    assert remaining(here) == [2, 3, newest]


def test_the_newest_run_stays_however_old_it_is(here: Installation) -> None:
    here.install(a_job("yearly", history={"maxAge": "1d"}))
    _, newest = (a_past_run(here, "yearly", days_ago=n) for n in (800, 400))
    prune_history(here.store, here.state, now=NOW)
    assert remaining(here) == [newest]


def test_what_is_unfinished_stays(here: Installation) -> None:
    here.install(a_job("nightly", history={"keep": 1}))
    for days in (3, 2):
        a_past_run(here, "nightly", days_ago=days)
    waiting = here.run("nightly", due_at=NOW - timedelta(days=500))
    running = here.run("nightly", "RUNNING", key="second")
    prune_history(here.store, here.state, now=NOW)
    assert remaining(here) == [2, waiting, running]


def test_more_than_one_portion_goes(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PORTION", 3)
    here.install(a_job("nightly", history={"keep": 1}))
    ids = [a_past_run(here, "nightly", days_ago=n) for n in range(10, 0, -1)]
    pruned = prune_history(here.store, here.state, now=NOW)
    assert (pruned.instances, remaining(here)) == (9, [ids[-1]])


def test_a_slot_whose_run_was_pruned_is_never_runnable_again(here: Installation) -> None:
    here.install(a_job("nightly", history={"keep": 1}))
    at = NOW - timedelta(days=9)
    for days in (9, 1):
        a_past_run(here, "nightly", days_ago=days)
    prune_history(here.store, here.state, now=NOW)
    with here.store.read() as reader:
        assert reader.slots.is_decided(here.uid("nightly"), at.isoformat())
    with pytest.raises(AssertionError):
        a_past_run(here, "nightly", days_ago=9)


def test_the_history_of_an_uninstalled_job_follows_its_last_declaration(here: Installation) -> None:
    job = a_job("gone", history={"maxAge": "10d"})
    here.install(job)
    for days in (30, 20, 1):
        a_past_run(here, "gone", days_ago=days)
    uid = here.uid("gone")
    here.store.transact(lambda tx: tx.objects.remove(uid, expected_digest=job.digest, at=NOW, who="git"))
    prune_history(here.store, here.state, now=NOW)
    assert remaining(here) == [3]


def test_a_log_that_lost_its_run_is_swept_and_nothing_else(here: Installation) -> None:
    here.install(a_job("nightly"))
    kept = a_past_run(here, "nightly", days_ago=1)
    orphan = log_of(here, "nightly", 4711)
    orphan.write_bytes(b"orphan")
    notes = orphan.with_name("notes.log")
    notes.write_text("a person's")
    pruned = prune_history(here.store, here.state, now=NOW)
    assert (pruned.instances, pruned.logs) == (0, 1)
    assert not orphan.exists()
    assert notes.exists() and log_of(here, "nightly", kept).exists()


def test_a_run_without_a_log_is_no_problem(here: Installation) -> None:
    here.install(a_job("nightly", history={"keep": 1}))
    for days in (2, 1):
        log_of(here, "nightly", a_past_run(here, "nightly", days_ago=days)).unlink()
    pruned = prune_history(here.store, here.state, now=NOW)
    assert (pruned.instances, pruned.logs, pruned.kept_logs) == (1, 0, ())


def test_the_logs_of_targets_go_with_their_run(here: Installation) -> None:
    here.install(a_job("report"))
    folder = here.state / "logs" / "report" / "99"
    folder.mkdir(parents=True)
    for target in ("edge-1", "edge-2"):
        (folder / f"{target}.log").write_text("said\n")
    pruned = prune_history(here.store, here.state, now=NOW)
    assert (pruned.logs, pruned.log_bytes, folder.exists()) == (2, 10, False)


def test_of_a_run_over_an_inventory_nothing_is_left(here: Installation) -> None:
    """Neither a row of its targets in any table, nor a file of theirs."""
    here.install(a_job("nightly", history={"keep": 1}))
    old, _new = a_past_run(here, "nightly", days_ago=9), a_past_run(here, "nightly", days_ago=1)

    def with_targets(tx: Transaction) -> None:
        targets = [(f"edge-{n}", {"n": n}) for n in range(50)]
        tx.tasks.freeze(old, targets, TASK.move("NEW", "create"), at=NOW, who="t", inventory="fleet")
        for name, _ in targets:
            tx.steps.create_all(old, name, [NewStep("visit", "shell", "go there")])
            tx.target_requests.add(old, name, "cancel", who="ana", why="", at=NOW)
            tx.errors.add(ErrorRecord(old, NOW, "error", "down", "it is down", {}, name, "visit", None))
        tx.tasks.move_all(
            old, {"SCHEDULED": TASK.move("SCHEDULED", "cancel")}, epoch=1, at=NOW, who="t", completed_at=NOW
        )

    here.store.transact(with_targets)
    for folder in (here.state / "work" / str(old), log_of(here, "nightly", old).with_suffix("")):
        for n in range(50):
            (folder / f"edge-{n}").mkdir(parents=True)
            (folder / f"edge-{n}" / "data").write_text("x")
    assert prune_history(here.store, here.state, now=NOW).instances == 1
    with sqlite3.connect(here.path) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        left = {
            table: count
            for table in tables
            for column in ("instance_id",)
            if column in {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            and table != "slots"
            if (
                count := connection.execute(
                    f"SELECT count(*) FROM {table} WHERE {column} = ?", (old,)
                ).fetchone()[0]
            )
        }
    assert left == {}
    assert list((here.state / "work").glob("*/*")) == []
    assert not log_of(here, "nightly", old).with_suffix("").exists()
