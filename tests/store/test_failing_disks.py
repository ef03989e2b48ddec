"""A disk that is full, read-only, locked or gone: one sentence, and no half-written record."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_builders import AT, a_manual_run, an_object, install

from runner.store import admin
from runner.store.open import open_store
from runner.store.port import Store
from runner.store.sqlite.writer import Job, Told, Writer
from runner.vocabulary.errors import StoreUnavailable

ROOT = os.geteuid() == 0
SMALL = 2 * 2**20


def mounted(folder: Path, *options: str) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not ROOT:
        pytest.skip("a disk of its own needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted(folder, "-o", f"size={SMALL}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return ballast


def write_until_it_fails(store: Store, uid: str) -> tuple[int, StoreUnavailable]:
    """How many runs were recorded before the sentence."""
    for number in range(100_000):
        run = a_manual_run(uid, f"manual:{number}", inputs={"text": "x" * 500})
        try:
            store.transact(lambda tx, run=run: tx.instances.create(run, who="ana", at=AT))
        except StoreUnavailable as problem:
            return number, problem
    raise AssertionError("the disk never filled")


def test_a_full_disk_gives_one_sentence_and_keeps_every_whole_record(small_disk: Path) -> None:
    path = small_disk / ".runner" / "runner.db"
    store = open_store(path, create=True)
    uid = install(store)
    recorded, problem = write_until_it_fails(store, uid)
    assert str(problem) == (
        f"The disk of {path} is full, so nothing was recorded; free some space, then try again"
    )
    with store.read() as reader:
        assert len(reader.instances.list(limit=None)) == recorded
    store.close()


def test_after_space_is_freed_the_same_store_goes_on(small_disk: Path) -> None:
    path = small_disk / ".runner" / "runner.db"
    store = open_store(path, create=True)
    uid = install(store)
    ballast = fill(small_disk)
    recorded, _ = write_until_it_fails(store, uid)
    ballast.unlink()
    store.transact(lambda tx: tx.instances.create(a_manual_run(uid, "manual:last"), who="ana", at=AT))
    with store.read() as reader:
        runs = reader.instances.list(limit=None)
    assert len(runs) == recorded + 1
    store.close()
    assert admin.check(path).ok


def test_on_a_full_disk_everyone_who_was_queued_hears_of_it(small_disk: Path) -> None:
    store = open_store(small_disk / ".runner" / "runner.db", create=True)
    uid = install(store)
    fill(small_disk)
    write_until_it_fails(store, uid)
    told: list[BaseException | None] = []
    all_told = threading.Event()

    def then(result: int | None, problem: BaseException | None) -> None:
        told.append(problem)
        if len(told) == 20:
            all_told.set()

    for number in range(20):
        run = a_manual_run(uid, f"late:{number}", inputs={"text": "x" * 20_000})
        store.submit(lambda tx, run=run: tx.instances.create(run, who="ana", at=AT), then)
    assert all_told.wait(30)
    with store.read() as reader:
        late = [i for i in reader.instances.list(limit=None) if i.slot_key.startswith("late:")]
    assert len(late) == sum(problem is None for problem in told)
    assert all(isinstance(problem, StoreUnavailable) for problem in told if problem is not None)
    assert any(told)
    store.close()


def test_a_database_is_not_half_made_on_a_full_disk(small_disk: Path) -> None:
    ballast = fill(small_disk)
    path = small_disk / ".runner" / "runner.db"
    with pytest.raises(StoreUnavailable, match=r"full|No space left"):
        open_store(path, create=True)
    ballast.unlink()
    store = open_store(path, create=True)
    install(store)
    store.close()
    assert admin.check(path).ok


def test_a_read_only_disk_can_be_read_and_says_so_when_written(small_disk: Path) -> None:
    path = small_disk / ".runner" / "runner.db"
    store = open_store(path, create=True)
    uid = install(store)
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    store = open_store(path, read_only=True)
    with store.read() as reader:
        assert reader.objects.by_uid(uid) is not None
    store.close()
    store = open_store(path)
    with pytest.raises(StoreUnavailable) as raised:
        store.transact(lambda tx: tx.objects.install(an_object("second"), at=AT, who="git"))
    assert str(raised.value) == (
        f"The file system of {path} is mounted read-only, so nothing was recorded; mount it writable "
        "(after a disk error `dmesg` says why it is not)"
    )
    store.close()


def test_a_folder_that_cannot_be_written_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    path = small_disk / ".runner" / "runner.db"
    with pytest.raises(StoreUnavailable) as raised:
        open_store(path, create=True)
    assert str(raised.value) == (
        f"{path} cannot be created (Read-only file system); give write access to {path.parent}, "
        "or name another place with --db"
    )


def test_a_database_that_another_process_holds_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = tmp_path / "runner.db"
    open_store(path, create=True).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = open_store(path, busy_timeout_s=0.1)
    with pytest.raises(StoreUnavailable) as raised:
        install(store)
    assert str(raised.value) == (
        f"{path} is locked by another process for too long, so nothing was recorded; "
        f"end what holds it (fuser {path} names it), then try again"
    )
    with store.read() as reader:
        assert reader.objects.all() == []
    other.execute("COMMIT")
    other.close()
    install(store)
    store.close()


def test_a_database_that_vanished_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runner.db"
    open_store(path, create=True).close()
    store = open_store(path)
    path.unlink()
    with pytest.raises(StoreUnavailable, match=rf"{path} does not exist any more; restore it from a backup"):
        install(store)
    store.close()


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runner.db"
    store = open_store(path, create=True)
    for number in range(50):
        install(store, f"job-{number}")
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreUnavailable, match=rf"{path} is damaged; keep a copy"):
        store = open_store(path)
        with store.read() as reader:
            reader.objects.all()


def test_what_can_be_restored_is_named_only_when_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "runner.db"
    path.write_text("no database")
    by_hand = r"if it was one of the runner, restore what `runner db backup` made, else name another"
    with pytest.raises(StoreUnavailable, match=by_hand):
        open_store(path)
    (tmp_path / "backups").mkdir()
    for number, version in enumerate((9, 10)):
        copy = tmp_path / "backups" / f"runner.db-v{version}-2026112{version}T100000Z"
        copy.touch()
        os.utime(copy, (number, number))
    with pytest.raises(StoreUnavailable, match=rf"made, or {tmp_path}/backups/runner.db-v10-"):
        open_store(path)


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_builders import a_slot_run, begin, succeed, install
from runner.store.open import open_store

store = open_store(Path(sys.argv[1]), create=True)
uid = install(store)
at = datetime.now(UTC)

def work(tx, number):
    id = tx.instances.create(a_slot_run(uid, number), who="s", at=at)
    succeed(tx, id, epoch=begin(tx, id))
    return number

def then(number, problem):
    os.write(1, b"%d\\n" % number)

for number in range(100_000):
    store.submit(lambda tx, number=number: work(tx, number), then)
store.close()
"""


@pytest.mark.parametrize("after", [1, 40, 400])
def test_kill_9_leaves_whole_transactions_and_everything_that_was_told(tmp_path: Path, after: int) -> None:
    path = tmp_path / ".runner" / "runner.db"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(Path(__file__).parent)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(after):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    told = after + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()
    store = open_store(path)
    with store.read() as reader:
        runs = reader.instances.list(limit=None)
    store.close()
    assert len(runs) >= told
    assert {run.state for run in runs} == {"SUCCEEDED"}
    assert admin.check(path).ok


def test_a_writer_that_meets_what_nobody_expected_tells_everybody_and_goes_on() -> None:
    """Somebody waits for each of the works: silence would be for ever."""
    told: list[object] = []
    heard = threading.Semaphore(0)

    def commit(jobs: list[Job]) -> list[Told]:
        if not told:
            raise PermissionError("the folder may not be looked into")
        return [(then, "written", None) for _, then in jobs]

    def then(result: object, problem: BaseException | None) -> None:
        told.append(problem or result)
        heard.release()

    writer = Writer(commit)
    for _ in range(2):
        assert writer.submit([(lambda tx: None, then)])
        assert heard.acquire(timeout=60)
    writer.close()
    assert [str(each) for each in told] == ["the folder may not be looked into", "written"]
