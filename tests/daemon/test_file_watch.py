"""Files that arrive below a root: each once, when it rests, wherever links lead and whatever is restarted."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from daemons import no_thread
from installations import NOW, Installation
from triggered_lives import a_triggered_job, fed, items, states, whole_run

from runner.daemon.file_watch import FileWatch, Watched
from runner.daemon.stable_files import StableFiles
from runner.operations.files_arrived import FoundFile
from runner.schedules.trigger import FileSource
from runner.store.arrivals import DONE, DROPPED, FAILED, MOVING, TAKEN, WAITING


class Scene:
    """An installation with a root, and a watch that looks when the test says so, at the second it says."""

    def __init__(self, here: Installation, root: Path) -> None:
        self.here, self.root = here, root
        self.troubles: list[str] = []
        self.second = 0.0
        self.watch = self.restarted()

    def restarted(self) -> FileWatch:
        self.watch = FileWatch(
            self.here.store,
            now=lambda: NOW,
            arrived=lambda: None,
            trouble=lambda doing, problem: self.troubles.append(f"{doing}: {problem}"),
        )
        self.watch._begin = lambda: None  # type: ignore[method-assign]
        self.adjust()
        return self.watch

    def adjust(self) -> None:
        watched = []
        for name, trigger in self._installed():
            assert isinstance(trigger, FileSource)
            watched.append(Watched(self.here.uid(name), "default", name, trigger, str(self.root)))
        self.watch.adjust(watched, {"incoming": str(self.root)})

    def _installed(self) -> list[tuple[str, object]]:
        from runner.operations.trigger_of import Triggered, trigger_of

        with self.here.store.read() as reader:
            found = [trigger_of(reader, each.uid, "default") for each in reader.objects.summaries("Job")]
        return [(each.record.name, each.trigger.source) for each in found if isinstance(each, Triggered)]

    def install(self, **file: object) -> None:
        source = {"root": "incoming", "match": "*.csv", "stableFor": "5s", **file}
        self.here.install(a_triggered_job("load", {"file": source}))
        self.adjust()

    def look(self, after_s: float = 0.0) -> float:
        self.second += after_s
        return self.watch.look(self.second)

    def settle(self) -> None:
        self.look()
        self.look(5.0)

    def write(self, path: str, text: str = "x") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @property
    def paths(self) -> list[str]:
        return [item.data["file"]["path"] for item in items(self.here, "load")]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    here = Installation(tmp_path / ".runner" / "runner.db")
    (tmp_path / "in").mkdir()
    made = Scene(here, tmp_path / "in")
    yield made
    made.watch.stop()
    here.store.close()


def test_a_file_is_taken_in_when_it_has_rested_and_once(scene: Scene) -> None:
    scene.install()
    scene.write("a.csv")
    scene.write("b.txt")
    assert scene.look() == 5.0
    assert scene.paths == []
    scene.look(4.9)
    assert scene.paths == []
    scene.look(0.1)
    assert scene.paths == ["a.csv"]
    scene.look(60)
    scene.restarted().look(scene.second)
    scene.look(60)
    assert scene.paths == ["a.csv"]


def test_a_file_that_is_still_written_waits_from_its_last_change(scene: Scene) -> None:
    scene.install()
    for size in range(1, 5):
        scene.write("a.csv", "x" * size)
        scene.look(4.0)
    assert scene.paths == []
    scene.look(5.0)
    assert [item.data["file"]["size"] for item in items(scene.here, "load")] == [4]


def test_a_file_that_grows_for_ever_is_told_once_and_stops_nobody(scene: Scene) -> None:
    scene.install()
    scene.write("b.csv")
    for n in range(1, 40):
        scene.write("a.csv", "x" * n)
        scene.look(120.0)
    assert scene.paths == ["b.csv"]
    assert [told for told in scene.troubles if "a.csv has been changing" in told] == scene.troubles
    assert len(scene.troubles) == 1


def test_another_file_of_the_same_name_is_another_arrival(scene: Scene) -> None:
    scene.install()
    first = scene.write("a.csv")
    scene.settle()
    at = first.stat().st_mtime_ns
    new = scene.write("new.tmp")
    os.utime(new, ns=(at, at))  # as old and as large as the first
    new.rename(first)
    scene.settle()
    first.write_text("changed in place")
    scene.settle()
    assert scene.paths == ["a.csv"] * 3


def test_nothing_outside_of_the_root_is_seen_whatever_leads_there(scene: Scene, tmp_path: Path) -> None:
    scene.install(match="**/*.csv")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("x")
    (scene.root / "link.csv").symlink_to(outside / "secret.csv")
    (scene.root / "folder").symlink_to(outside)
    os.mkfifo(scene.root / "pipe.csv")
    (scene.root / "dir.csv").mkdir()
    scene.write("deep/er/a.csv")
    scene.settle()
    assert scene.paths == ["deep/er/a.csv"]


def test_names_that_are_no_text_are_told_and_left(scene: Scene) -> None:
    scene.install()
    (scene.root / "a\nb.csv").write_text("x")
    Path(os.fsdecode(os.fsencode(str(scene.root)) + b"/\xff.csv")).write_text("x")
    scene.write("good.csv")
    scene.settle()
    assert scene.paths == ["good.csv"]
    assert any("2 names hold control characters" in told for told in scene.troubles)


def test_a_root_that_vanishes_loses_and_repeats_nothing(scene: Scene) -> None:
    scene.install()
    scene.write("a.csv")
    scene.settle()
    away = scene.root.rename(scene.root.with_name("away"))
    scene.look(30)
    assert any("is not there; create or mount it" in told for told in scene.troubles)
    away.rename(scene.root)
    scene.write("b.csv")
    scene.settle()
    assert scene.paths == ["a.csv", "b.csv"]


def test_a_full_queue_leaves_files_where_they_are_until_there_is_room(scene: Scene) -> None:
    queue = {"limit": 2, "overflow": "refuse"}
    source = {"root": "incoming", "match": "*.csv", "stableFor": "5s"}
    scene.here.install(a_triggered_job("load", {"file": source, "queue": queue}))
    scene.adjust()
    for n in range(5):
        scene.write(f"{n}.csv")
    scene.settle()
    assert states(scene.here, "load") == [TAKEN, WAITING, WAITING], "the first of them has its run already"
    [running] = {item.instance_id for item in items(scene.here, "load")} - {None}
    whole_run(scene.here, running)
    fed(scene.here, "load")
    scene.look(5)
    assert len(scene.paths) == len(set(scene.paths)) == 4


def test_files_that_come_together_are_not_dropped_while_the_job_has_room(scene: Scene) -> None:
    queue = {"limit": 2, "overflow": "drop-newest"}
    source = {"root": "incoming", "match": "*.csv", "stableFor": "5s"}
    scene.here.install(a_triggered_job("load", {"file": source, "queue": queue}))
    scene.adjust()
    for n in range(5):
        scene.write(f"{n}.csv")
    scene.settle()
    assert states(scene.here, "load") == [TAKEN, WAITING, WAITING, DROPPED, DROPPED]


def test_a_job_that_is_switched_off_finds_its_files_when_it_is_enabled(scene: Scene) -> None:
    scene.install()
    scene.here.hold("load", "operator")
    scene.write("a.csv")
    scene.settle()
    assert scene.paths == []
    uid = scene.here.uid("load")
    scene.here.store.transact(lambda tx: tx.holds.clear(uid, "operator", at=NOW, who="test"))
    scene.look(1)
    assert scene.paths == ["a.csv"]


def test_what_was_there_before_may_be_left_alone(scene: Scene) -> None:
    scene.write("old.csv")
    scene.install(existing="ignore")
    scene.settle()
    scene.write("new.csv")
    scene.restarted()
    scene.settle()
    assert [(i.data["file"]["path"], i.state) for i in items(scene.here, "load")] == [
        ("old.csv", DONE),
        ("new.csv", WAITING),
    ]


def test_thousands_at_once_are_each_taken_once(scene: Scene) -> None:
    scene.install()
    for n in range(3000):
        (scene.root / f"{n:04}.csv").touch()
    scene.settle()
    scene.restarted()
    scene.settle()
    assert len(scene.paths) == len(set(scene.paths)) == 3000


@pytest.mark.parametrize(
    ("outcome", "folder", "state"), [("succeeded", "ok", DONE), ("failed", "bad", FAILED)]
)
def test_a_file_goes_where_its_run_ended_and_may_come_again(
    scene: Scene, outcome: str, folder: str, state: str
) -> None:
    scene.here.install(
        a_triggered_job(
            "load",
            {
                "file": {
                    "root": "incoming", "match": "**/*.csv", "stableFor": "5s", "then": "move",
                    "moveTo": "ok", "failedTo": "bad",
                }
            },
            retry="none",
            failAfter="never",
        )
    )  # fmt: skip
    scene.adjust()
    scene.write("x/a.csv", "first")
    scene.settle()
    for _ in range(2):
        [id] = fed(scene.here, "load").instances
        whole_run(scene.here, id, outcome)
        fed(scene.here, "load")
        assert items(scene.here, "load")[-1].state == MOVING
        scene.look(1)
        assert items(scene.here, "load")[-1].state == state
        assert not (scene.root / "x/a.csv").exists()
        moved = scene.root / folder / "x/a.csv"
        assert moved.read_text() == "first"
        moved.rename(scene.root / "x/a.csv")  # somebody wants it again
        scene.settle()
    assert len(items(scene.here, "load")) == 3


def test_a_kill_between_the_move_and_its_record_moves_nothing_else(scene: Scene) -> None:
    scene.install(then="move")
    scene.write("a.csv")
    scene.settle()
    [id] = fed(scene.here, "load").instances
    whole_run(scene.here, id)
    fed(scene.here, "load")
    (scene.root / "done").mkdir()
    (scene.root / "a.csv").rename(scene.root / "done" / "a.csv")  # and then it was killed
    scene.write("a.csv", "the next one")
    scene.look(1)
    assert (scene.root / "a.csv").read_text() == "the next one"
    assert (scene.root / "done" / "a.csv").read_text() == "x"
    [item] = items(scene.here, "load")
    assert (item.state, item.reason) == (DONE, "its file was gone, or is another one now")


def test_a_file_never_overwrites_one_that_was_moved_before(scene: Scene) -> None:
    scene.install(then="move")
    for text in ("first", "second"):
        scene.write("a.csv", text)
        scene.settle()
        [id] = fed(scene.here, "load").instances
        whole_run(scene.here, id)
        fed(scene.here, "load")
        scene.look(1)
    found = {file.name: file.read_text() for file in (scene.root / "done").iterdir()}
    assert found == {"a.csv": "first", "a.2.csv": "second"}


def test_what_nobody_expected_ends_neither_the_watch_nor_the_other_jobs_files(
    here: Installation, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    here.install(a_triggered_job("load"), a_triggered_job("other"))
    source = FileSource("incoming", "*.csv", timedelta(0), existing="process", move=None)
    troubles, arrived = list[str](), threading.Event()
    watch = FileWatch(
        here.store,
        now=lambda: NOW,
        arrived=arrived.set,
        trouble=lambda doing, problem: troubles.append(f"{doing}: {problem}"),
        rescan_s=0.05,
    )
    folders = {"other": "a\0b", "load": str(tmp_path / "in")}
    with no_thread("file-events"):
        watch.adjust([Watched(here.uid(it), "default", it, source, at) for it, at in folders.items()], {})
        (tmp_path / "in" / "a.csv").touch()
        assert arrived.wait(60), troubles
        watch.stop()
    here.store.close()
    assert "looking for files of Job/other in root incoming: embedded null byte" in troubles
    assert "watching folders for files (they are looked at every 30 s): can't start new thread" in troubles


def test_the_longest_unchanged_comes_first() -> None:
    stable = StableFiles(2.0)
    files = [FoundFile("b", 1, 20, 1), FoundFile("a", 1, 30, 2), FoundFile("c", 1, 10, 3)]
    assert stable.look(files, 0.0) == ([], 2.0)
    ready, wait_s = stable.look(files, 2.0)
    assert ([file.path for file in ready], wait_s) == (["c", "b", "a"], float("inf"))


def test_without_a_rest_a_file_is_ready_at_once() -> None:
    ready, _ = StableFiles(0.0).look([FoundFile("a", 1, 1, 1)], 5.0)
    assert [file.path for file in ready] == ["a"]
