"""The file system says that something has changed, and the watch looks; where it says nothing, later."""

from __future__ import annotations

import shutil
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
