"""How many whole lives of a run does the store record a second?

A life: created for a slot, claimed, its task and its one step started and ended, succeeded, with all ten
events; each part in a work of its own (create; claim and starts; end), eight lives to a commit, durable
(synchronous=FULL). The floor is the same number of bare rows written with executemany into a copy of the same
tables, one commit per eight lives and part. Also: the list of 10,000 installed objects for a plan.

    python benchmarks/store_writes.py [LIVES]
"""

from __future__ import annotations

import gc
import sqlite3
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.store.instances import NewInstance
from runner.store.objects import NewObject
from runner.store.open import open_store
from runner.store.port import Store, Transaction
from runner.store.steps import NewStep
from runner.vocabulary.instants import to_text

GROUP = 8
START = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM = INSTANCE.move("SCHEDULED", "claim")
SUCCEED = INSTANCE.move("RUNNING", "succeed")
TASK_START = TASK.move("SCHEDULED", "start")
TASK_SUCCEED = TASK.move("RUNNING", "succeed")
STEP_START = STEP.move("PENDING", "start")
STEP_COMPLETE = STEP.move("STARTED", "complete")
STEPS = (NewStep("run", "python"),)


def an_object(name: str) -> NewObject:
    digest = f"sha256:{name:>064}".replace(" ", "0")
    return NewObject(
        kind="Job",
        name=name,
        source="jobs.d",
        file=f"jobs.d/{name}.yaml",
        line=1,
        digest=digest,
        execution_digest=digest,
        declared={"spec": {"schedule": "* * * * *"}},
        resolved={"schedule": "* * * * *"},
        enabled=True,
    )


def lives(store: Store, uid: str, count: int) -> float:
    """Seconds for `count` lives, with GROUP of them in flight."""
    finished = threading.Semaphore(0)
    failures: list[BaseException] = []

    def live(number: int) -> None:
        slot_at = START + timedelta(minutes=number)
        key = slot_at.isoformat()
        now = datetime.now(UTC)

        def create(tx: Transaction) -> int | None:
            return tx.instances.create(
                NewInstance(
                    job_uid=uid, job="bench", origin="slot", schedule="default", slot_key=key,
                    slot_at=slot_at, slot_local=key, due_at=slot_at, reason="slot", digest="sha256:0",
                    revision=1, requested_by="scheduler",
                ),
                who="scheduler",
                at=now,
            )  # fmt: skip

        def created(id: int | None, problem: BaseException | None) -> None:
            if problem or id is None:
                ended(None, problem)
                return

            def start(tx: Transaction) -> int:
                epoch = tx.instances.claim(id, CLAIM, epoch=0, at=now, who="dispatcher")
                tx.tasks.move(id, "-", TASK_START, epoch=epoch, at=now, who="dispatcher")
                tx.steps.create_all(id, "-", STEPS)
                tx.steps.move(id, "-", "run", STEP_START, epoch=epoch, at=now, who="supervisor")
                return epoch

            def started(epoch: int | None, problem: BaseException | None) -> None:
                if problem or epoch is None:
                    ended(None, problem)
                    return

                def end(tx: Transaction) -> None:
                    tx.steps.move(id, "-", "run", STEP_COMPLETE, epoch=epoch, at=now, who="supervisor")
                    tx.tasks.move(id, "-", TASK_SUCCEED, epoch=epoch, at=now, who="supervisor")
                    tx.instances.move(id, SUCCEED, epoch=epoch, at=now, who="supervisor", progress=1.0)

                store.submit(end, ended)

            store.submit(start, started)

        store.submit(create, created)

    def ended(_: object, problem: BaseException | None) -> None:
        if problem:
            failures.append(problem)
        finished.release()

    begin = time.perf_counter()
    for number in range(count):
        if number >= GROUP:
            finished.acquire()
        live(number)
    for _ in range(min(GROUP, count)):
        finished.acquire()
    took = time.perf_counter() - begin
    if failures:
        raise failures[0]
    return took


def floor(path: Path, uid: str, count: int) -> float:
    """Seconds for the same rows as bare executemany."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    now = to_text(datetime.now(UTC))
    event = (
        "INSERT INTO events (at, subject_kind, subject, event, row, before, after, who, why, instance_id)"
        " VALUES (?, 'instance', ?, 'claim', 'I4', 'SCHEDULED', 'RUNNING', 'dispatcher', '', ?)"
    )
    begin = time.perf_counter()
    for first in range(1, count + 1, GROUP):
        ids = range(first, min(first + GROUP, count + 1))
        many = connection.executemany
        connection.execute("BEGIN IMMEDIATE")
        many(
            "INSERT INTO job_instances (id, job, state, reason, origin, job_uid, schedule, slot_key, due_at,"
            " created_at, digest, revision) VALUES (?, 'bench', 'SCHEDULED', 'slot', 'slot', ?, 'default', ?,"
            " ?, ?, 'sha256:0', 1)",
            [(id, uid, f"{id:025}", now, now) for id in ids],
        )
        many(
            "INSERT INTO slots (job_uid, slot_key, schedule, slot_at, decision, reason, instance_id,"
            " decided_at) VALUES (?, ?, 'default', ?, 'instance', 'slot', ?, ?)",
            [(uid, f"{id:025}", now, id, now) for id in ids],
        )
        many(
            "INSERT INTO tasks (instance_id, target, state) VALUES (?, '-', 'SCHEDULED')",
            [(id,) for id in ids],
        )
        many(event, [(now, str(id), id) for id in ids for _ in range(2)])
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        many("UPDATE job_instances SET state = 'RUNNING', epoch = 1 WHERE id = ?", [(id,) for id in ids])
        many(
            "UPDATE tasks SET state = 'RUNNING' WHERE instance_id = ? AND target = '-'", [(id,) for id in ids]
        )
        many(
            "INSERT INTO steps (instance_id, target, position, name, kind)"
            " VALUES (?, '-', 0, 'run', 'python')",
            [(id,) for id in ids],
        )
        many(
            "UPDATE steps SET state = 'STARTED' WHERE instance_id = ? AND target = '-'", [(id,) for id in ids]
        )
        many(event, [(now, str(id), id) for id in ids for _ in range(3)])
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        many(
            "UPDATE steps SET state = 'COMPLETED' WHERE instance_id = ? AND target = '-'",
            [(id,) for id in ids],
        )
        many(
            "UPDATE tasks SET state = 'SUCCEEDED' WHERE instance_id = ? AND target = '-'",
            [(id,) for id in ids],
        )
        many(
            "UPDATE job_instances SET state = 'SUCCEEDED', completed_at = ? WHERE id = ?",
            [(now, id) for id in ids],
        )
        many(event, [(now, str(id), id) for id in ids for _ in range(3)])
        connection.execute("COMMIT")
    took = time.perf_counter() - begin
    connection.close()
    return took


def install(path: Path, count: int) -> tuple[Store, str]:
    store = open_store(path, create=True)
    now = datetime.now(UTC)

    def work(tx: Transaction) -> str:
        uids = [tx.objects.install(an_object(f"job-{n}"), at=now, who="bench") for n in range(count)]
        return uids[0]

    return store, store.transact(work)


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = Path(folder)
        store, uid = install(path / "a" / "runner.db", 1)
        lives(store, uid, 200)
        store.close()
        store, uid = install(path / "b" / "runner.db", 1)
        recorded = count / lives(store, uid, count)
        store.close()
        bare, uid = install(path / "c" / "runner.db", 1)
        bare.close()
        possible = count / floor(path / "c" / "runner.db", uid, count)
        print(f"whole lives recorded   {recorded:8,.0f} /s")
        print(f"floor (executemany)    {possible:8,.0f} /s")
        print(f"ratio                  {recorded / possible:8.2f}")
        store, _ = install(path / "d" / "runner.db", 10_000)
        gc.collect()
        best = 1.0
        for _ in range(5):
            with store.read() as reader:
                begin = time.perf_counter()
                reader.objects.summaries()
                best = min(best, time.perf_counter() - begin)
        store.close()
        print(f"10,000 summaries       {best * 1000:8.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
