"""The file system says that something has changed, and the watch looks; where it says nothing, later."""

from __future__ import annotations

import ctypes
import os
import queue
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from installations import NOW, Installation
from triggered_lives import a_triggered_job, items

from runner.daemon.file_events import FileEvents
from runner.daemon.file_watch import FileWatch, Watched
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import FileSource

PATIENCE_S = 60.0


def eventually(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.02)):
        if holds():
            return
        pause.wait(0.02)
    raise AssertionError("it does not come")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / ".runner" / "runner.db")
    yield installation
    installation.store.close()


@pytest.mark.parametrize("rescan_s", [3600.0, 0.3], ids=["by its events", "by looking again"])
def test_a_file_is_found_by_a_watch_of_its_own(here: Installation, tmp_path: Path, rescan_s: float) -> None:
    root = tmp_path / "in"
    root.mkdir()
    here.install(a_triggered_job("load", {"file": {"root": "incoming", "match": "*.csv", "stableFor": "0s"}}))
    uid = here.uid("load")
    with here.store.read() as reader:
        found = trigger_of(reader, uid, "default")
    assert isinstance(found, Triggered) and isinstance(found.trigger.source, FileSource)
    arrived = threading.Event()
    watch = FileWatch(
        here.store,
        now=lambda: NOW,
        arrived=arrived.set,
        trouble=lambda doing, problem: None,
        rescan_s=rescan_s,
    )
    try:
        watch.adjust([Watched(uid, "default", "load", found.trigger.source, str(root))], {})
        (root / "first.csv").touch()
        assert arrived.wait(PATIENCE_S)
        arrived.clear()
        eventually(_listens)
        if rescan_s < 1:  # another folder of the same name: the old watch is blind
            shutil.rmtree(root)
            root.mkdir()
        (root / "second.csv").touch()
        assert arrived.wait(PATIENCE_S)
        assert [item.data["file"]["path"] for item in items(here, "load")] == ["first.csv", "second.csv"]
    finally:
        watch.stop()


def _listens() -> bool:
    return any(thread.name == "file-events" for thread in threading.enumerate())


def test_a_folder_that_is_not_there_is_left_to_the_looking(tmp_path: Path) -> None:
    troubles: list[str] = []
    events = FileEvents(lambda: None, lambda doing, problem: troubles.append(doing))
    events.adjust([str(tmp_path / "missing")])
    assert troubles == []
    events.stop()


HEARS = """
import sys
from runner.daemon.file_events import FileEvents
events = FileEvents(lambda: print("changed", flush=True), lambda doing, problem: print(problem, flush=True))
events.adjust([sys.argv[1]])
sys.stdin.read()
"""
IN_ATTRIB, IN_CREATE, IN_Q_OVERFLOW = 0x4, 0x100, 0x4000


def test_a_queue_of_events_that_overflows_is_looked_after_and_the_next_file_is_heard(tmp_path: Path) -> None:
    """The process stands still while more happens than the kernel keeps for it: what was lost was lost."""
    root = tmp_path / "in"
    root.mkdir()
    pair = [root / "a", root / "b"]
    for file in pair:
        file.touch()
    libc = ctypes.CDLL(None, use_errno=True)
    witness = libc.inotify_init1(os.O_NONBLOCK)  # whose queue is as long, and who does not read either
    assert libc.inotify_add_watch(witness, bytes(root), IN_ATTRIB | IN_CREATE) > 0
    hearing = subprocess.Popen(
        [sys.executable, "-c", HEARS, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    assert hearing.stdout is not None and hearing.stdin is not None
    listener = threading.Thread(target=lambda: [lines.put(line) for line in hearing.stdout or ()])
    listener.start()
    try:
        assert lines.get(timeout=PATIENCE_S) == b"changed\n", "it listens"
        hearing.send_signal(signal.SIGSTOP)
        for _ in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 1000):
            for file in pair:  # two in turn: the same twice would be one event
                os.utime(file)
        assert _overflowed(witness)
        hearing.send_signal(signal.SIGCONT)
        assert lines.get(timeout=PATIENCE_S) == b"changed\n"
        made = threading.Event()
        for n in range(int(PATIENCE_S / 0.5)):  # what was told late may still come: until it is quiet
            try:
                lines.get(timeout=0.5)
            except queue.Empty:
                made.set()
                (root / f"new-{n}").touch()
                assert lines.get(timeout=PATIENCE_S) == b"changed\n"
                break
        assert made.is_set()
    finally:
        os.close(witness)
        hearing.kill()
        hearing.wait()
        listener.join()


def _overflowed(witness: int) -> bool:
    masks = set()
    while True:
        try:
            events = os.read(witness, 1 << 20)
        except BlockingIOError:
            return IN_Q_OVERFLOW in masks
        while events:
            _, mask, _, length = struct.unpack("iIII", events[:16])
            masks.add(mask)
            events = events[16 + length :]


def test_a_name_that_is_no_text_does_not_keep_what_arrives_with_it_waiting(tmp_path: Path) -> None:
    looks: queue.Queue[str] = queue.Queue()
    events = FileEvents(lambda: looks.put("look"), lambda doing, problem: looks.put("trouble"))
    events.adjust([str(tmp_path)])
    assert looks.get(timeout=PATIENCE_S) == "look"
    (tmp_path / os.fsdecode(b"\xff.csv")).touch()
    while looks.get(timeout=PATIENCE_S) != "trouble":
        pass
    assert looks.get(timeout=PATIENCE_S) == "look"
    events.adjust([str(tmp_path)])  # as each look does
    assert looks.get(timeout=PATIENCE_S) == "look"
    events.stop()
