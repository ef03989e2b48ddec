"""The open SQLite store: readers with their snapshots, and the one place where writes become durable."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from runner.store.sqlite.connection import BUSY_TIMEOUT_S, connect
from runner.store.sqlite.failures import sentence_for
from runner.store.sqlite.transaction import SqliteTransaction
from runner.store.sqlite.writer import Job, Then, Writer, commit_together
from runner.vocabulary.errors import DamagedRow, StoreUnavailable

T = TypeVar("T")

IDLE_READERS = 4


class SqliteStore:
    """Made by `runner.store.open`; methods may be called from any thread."""

    def __init__(
        self,
        path: Path,
        lineage: str,
        *,
        read_only: bool = False,
        noting: bool = False,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self.path = path
        self.lineage = lineage
        self._read_only = read_only
        self._notes: dict[str, DamagedRow] | None = {} if noting else None
        self._busy_timeout_s = busy_timeout_s
        self._idle: deque[SqliteTransaction] = deque()
        self._writing: SqliteTransaction | None = None
        self._waits_s = busy_timeout_s
        self._write_lock = threading.Lock()
        self._writer: Writer | None = None
        self._closed = False

    @property
    def installation_id(self) -> str:
        return self.lineage

    @property
    def notes(self) -> tuple[DamagedRow, ...]:
        return tuple((self._notes or {}).values())

    @contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """One consistent snapshot. A reader that stays open keeps the write-ahead log from shrinking."""
        reader = self._reader()
        try:
            reader.connection.execute("BEGIN")
            yield reader
            reader.connection.execute("COMMIT")
        except BaseException as problem:
            reader.connection.close()
            sentence = sentence_for(self.path, problem) if isinstance(problem, sqlite3.Error) else None
            if sentence is not None:
                raise sentence from problem
            raise
        if self._closed or len(self._idle) >= IDLE_READERS:
            reader.connection.close()
        else:
            self._idle.append(reader)

    def transact(self, work: Callable[[Any], T]) -> T:
        """What `work` returns, durable; in the order of what this thread has submitted before."""
        told: list[tuple[Any, BaseException | None]] = []
        if self._closed:
            raise self._is_closed()
        if self._writer is None:
            for _, result, problem in self._commit([(work, _nobody)]):
                told.append((result, problem))
        else:
            if self._writer.is_this_thread:
                raise RuntimeError("transact() would wait for the thread that calls it; use submit()")
            heard = threading.Event()

            def then(result: Any, problem: BaseException | None) -> None:
                told.append((result, problem))
                heard.set()

            if not self._writer.submit([(work, then)]):
                raise self._is_closed()
            heard.wait()
        result, problem = told[0]
        if problem is not None:
            raise problem
        return result  # type: ignore[no-any-return]

    def submit(
        self, work: Callable[[Any], T], then: Callable[[T | None, BaseException | None], None]
    ) -> None:
        self.submit_all([(work, then)])

    def submit_all(self, jobs: Sequence[Job]) -> None:
        if self._closed:
            raise self._is_closed()
        if self._writer is None:
            with self._write_lock:
                if self._writer is None:
                    try:
                        self._writer = Writer(self._commit)
                    except RuntimeError as problem:
                        text = f"no thread could be started that writes to {self.path}: {problem}"
                        raise StoreUnavailable(text) from problem
        if not self._writer.submit(jobs):
            raise self._is_closed()

    def try_now(self, jobs: Sequence[Job]) -> bool:
        if self._closed or self._writing is None or not self._write_lock.acquire(blocking=False):
            return False
        try:
            if self._closed:
                return False
            self._wait_for_others(self._writing, 0.0)
            told = commit_together(self._writing, jobs)
        finally:
            self._write_lock.release()
        if all(isinstance(problem, sqlite3.OperationalError) for _, _, problem in told):
            return False  # so nothing is kept
        for then, result, problem in told:
            then(result, self._explained(problem))
        return True

    def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        with self._write_lock:
            while self._idle:
                self._idle.pop().connection.close()
            if self._writing is not None:
                self._writing.connection.close()
                self._writing = None

    def _is_closed(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self.path} has been closed by this process; nothing was recorded")

    def _reader(self) -> SqliteTransaction:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open(writing=False)

    def _open(self, *, writing: bool) -> SqliteTransaction:
        if self._closed and not writing:
            raise StoreUnavailable(f"{self.path} has been closed by this process")
        try:
            connection = connect(
                self.path,
                writing=writing,
                read_only=self._read_only,
                busy_timeout_s=self._busy_timeout_s,
            )
            if not writing:  # what decides must never leave a row out
                connection.notes = self._notes
            return SqliteTransaction(connection)
        except sqlite3.Error as problem:
            raise sentence_for(self.path, problem) or problem from problem

    def _wait_for_others(self, writing: SqliteTransaction, seconds: float) -> None:
        """How long its next commits wait for those of another process."""
        if self._waits_s != seconds:
            writing.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
            self._waits_s = seconds

    def _commit(self, jobs: list[Job]) -> list[tuple[Then, Any, Any]]:
        with self._write_lock:
            try:
                if self._read_only:
                    raise StoreUnavailable(
                        f"{self.path} was opened for reading only, so nothing was recorded; "
                        "open it for writing"
                    )
                if self._writing is None:
                    self._writing = self._open(writing=True)
                self._wait_for_others(self._writing, self._busy_timeout_s)
            except BaseException as problem:
                return [(then, None, problem) for _, then in jobs]
            told = commit_together(self._writing, jobs)
        return [(then, result, self._explained(problem)) for then, result, problem in told]

    def _explained(self, problem: BaseException | None) -> BaseException | None:
        if not isinstance(problem, sqlite3.Error):
            return problem
        sentence = sentence_for(self.path, problem)
        if sentence is None:
            return problem
        sentence.__cause__ = problem
        return sentence


def _nobody(result: Any, problem: BaseException | None) -> None:
    """For a work whose result is looked at directly."""
