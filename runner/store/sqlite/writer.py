"""One writer: everything queued goes into one commit, and a work that fails is undone alone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from runner.store.sqlite.transaction import SqliteTransaction

Work = Callable[[Any], Any]
Then = Callable[[Any, BaseException | None], None]
Job = tuple[Work, Then]
Told = tuple[Then, Any, BaseException | None]

BATCH = 256
"""Works after which a commit takes no more, so that the first of a flood does not wait for the last."""


def commit_together(transaction: SqliteTransaction, jobs: Sequence[Job]) -> list[Told]:
    """Do every work in one durable transaction; what each `then` is to be told, in order.

    A work that raises is undone alone: the others are done again then, so a work must not mind that. When
    the transaction as a whole cannot be begun or committed (locked, full, broken disk), nothing is kept and
    everybody is told why.
    """
    connection, events = transaction.connection, transaction.events
    works = False
    try:
        connection.execute("BEGIN IMMEDIATE")
        works = True
        results = [work(transaction) for work, _ in jobs]
        events.flush()
        works = False
        connection.execute("COMMIT")
    except BaseException as problem:
        events.forget()
        one_of_many = works and len(jobs) > 1 and connection.in_transaction
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not one_of_many:
            return [(then, None, problem) for _, then in jobs]
    else:
        return [(then, result, None) for (_, then), result in zip(jobs, results, strict=True)]
    return _each_in_a_savepoint(transaction, jobs)


def _each_in_a_savepoint(transaction: SqliteTransaction, jobs: Sequence[Job]) -> list[Told]:
    connection, events = transaction.connection, transaction.events
    told: list[Told] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for work, then in jobs:
            connection.execute("SAVEPOINT work")
            try:
                result = work(transaction)
                events.flush()
            except BaseException as problem:
                events.forget()
                if not connection.in_transaction:  # a full disk rolls everything back at once
                    raise
                connection.execute("ROLLBACK TO work")
                told.append((then, None, problem))
            else:
                told.append((then, result, None))
            connection.execute("RELEASE work")
        connection.execute("COMMIT")
    except BaseException as problem:
        events.forget()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        failed: list[Told] = [(then, None, own) for then, _, own in told if own is not None]
        undone: list[Told] = [(then, None, problem) for then, _, own in told if own is None]
        rest: list[Told] = [(then, None, problem) for _, then in jobs[len(told) :]]
        return failed + undone + rest
    return told


class Writer:
    """The one thread that writes; opened by the first submit, closed with the store."""

    def __init__(self, commit: Callable[[list[Job]], list[Told]]) -> None:
        # Who has a writer is a daemon: the first run that it starts is not to wait for imports.
        from runner.store.sqlite import errors, holds, instances, state, steps, tasks  # noqa: F401

        self._commit = commit
        self._door = threading.Lock()
        self._is_open = True
        self._queue: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def is_this_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def submit(self, jobs: Sequence[Job]) -> bool:
        """False when it is closed: nobody would ever look at the works."""
        with self._door:
            if self._is_open:
                self._queue.put(jobs)
            return self._is_open

    def close(self) -> None:
        """Everything queued before is committed first."""
        with self._door:
            self._is_open = False
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            jobs: list[Job] = []
            queued = self._queue.get()
            while True:
                if queued is None:
                    closing = True
                    break
                jobs.extend(queued)
                if len(jobs) >= BATCH:
                    break
                try:
                    queued = self._queue.get_nowait()
                except queue.Empty:
                    break
            if jobs:
                for then, result, problem in self._told_of(jobs):
                    _tell(then, result, problem)

    def _told_of(self, jobs: list[Job]) -> list[Told]:
        try:
            return self._commit(jobs)
        except BaseException as problem:  # whatever it is, somebody waits for each of them
            return [(then, None, problem) for _, then in jobs]


def _tell(then: Then, result: Any, problem: BaseException | None) -> None:
    """A `then` that raises is its owner's fault; the others still hear."""
    try:
        then(result, problem)
    except Exception as fault:
        threading.excepthook(
            threading.ExceptHookArgs((type(fault), fault, fault.__traceback__, threading.current_thread()))
        )
