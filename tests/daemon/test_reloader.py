"""Hot reload: what counts as a change, what is waited for, and what is told once."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.daemon import reloader as room
from runner.daemon.git_at_work import git_at_work, git_directory
from runner.daemon.reloader import Reloaded, Reloader
from runner.operations.last_reload import last_reload
from runner.vocabulary.diagnostic import Diagnostic

PATIENCE_S = 60.0
"""Longest wait on a loaded machine."""
GOOD = Reloaded(True, "nothing to do")
CHANGED = Reloaded(True, "1 to install", changed=True)
BAD = Reloaded(
    False, "1 error", (Diagnostic("a.yaml", 1, 1, "error", "x", "Unknown field", ""),), cause="invalid"
)


class Tree:
    """A project whose reloads give what the test wants next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "jobs.d"
        self.root.mkdir()
        self.state = folder / ".runner"
        self.state.mkdir()
        self.next: Reloaded | Exception = GOOD
        self.reloads = 0
        self.told: queue.SimpleQueue[Reloaded] = queue.SimpleQueue()
        self.reloader = Reloader(self.root, self.state, self._reload)

    def _reload(self) -> Reloaded:
        self.reloads += 1
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    def reload(self, outcome: Reloaded | Exception) -> list[Reloaded]:
        """What is told of a reload that ends like this."""
        self.next = outcome
        told: list[Reloaded] = []
        self.reloader._done = told.append
        self.reloader.reload_now()
        return told

    def watch(self) -> None:
        self.next = CHANGED
        self.reloader.start(self.told.put)

    def note(self) -> dict[str, Any]:
        return json.loads((self.state / "reload.json").read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    it = Tree(tmp_path)
    yield it
    it.reloader.stop()


def until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.01)


# -- what is told


def test_a_change_is_told_and_a_reload_without_one_is_not(tree: Tree) -> None:
    tree.reloader.load_first()
    assert tree.reload(GOOD) == []
    assert tree.reload(CHANGED) == [CHANGED]
    assert tree.reload(CHANGED) == [CHANGED], "each of them has changed something"


def test_the_same_problems_are_told_once_and_so_is_their_end(tree: Tree) -> None:
    tree.reloader.load_first()
    assert tree.reload(BAD) == [BAD]
    assert tree.reload(BAD) == []
    assert tree.reload(GOOD) == [GOOD]
    assert tree.reload(GOOD) == []


def test_a_reload_that_raises_is_an_outcome_too(tree: Tree) -> None:
    [told] = tree.reload(RuntimeError("no more memory"))
    assert (told.ok, told.text, told.cause) == (False, "RuntimeError: no more memory", "trouble")


def test_the_last_outcome_is_left_for_doctor(tree: Tree) -> None:
    tree.reload(BAD)
    note = tree.note()
    assert (note["ok"], note["text"], note["waiting"]) == (False, "1 error", None)
    assert len(note["diagnostics"]) == 1


def test_a_state_directory_that_takes_no_note_stops_no_reload(tree: Tree) -> None:
    tree.state.rmdir()
    assert tree.reload(CHANGED) == [CHANGED]


# -- what counts as a change


@pytest.mark.parametrize(
    "name",
    [".#job.yaml", "job.yaml~", ".job.yaml.swp", ".job.yaml.swx", "4913", "x.tmp", ".gitignore", ".git/HEAD"],
)
def test_what_editors_and_git_make_for_themselves_is_noise(tree: Tree, name: str) -> None:
    assert tree.reloader._is_noise(str(tree.root / name))


@pytest.mark.parametrize("name", ["job.yaml", "sub/job.yml", "sum.sql", "lib/dates.py", "my.git/job.yaml"])
def test_everything_else_may_be_a_change(tree: Tree, name: str) -> None:
    assert not tree.reloader._is_noise(str(tree.root / name))


def test_the_runners_own_files_are_noise_also_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / ".runner").mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(real)
    watching = Reloader(link, link / ".runner", lambda: GOOD)
    assert watching._is_noise(str(real / ".runner" / "runner.db-wal"))


def test_a_written_file_is_noticed(tree: Tree) -> None:
    tree.watch()
    tree.told.get(timeout=PATIENCE_S)  # the first look of the watcher
    (tree.root / "job.yaml").write_text("a: 1")
    assert tree.told.get(timeout=PATIENCE_S) == CHANGED


def test_a_folder_that_comes_later_is_noticed(tree: Tree) -> None:
    tree.root.rmdir()
    tree.watch()
    tree.told.get(timeout=PATIENCE_S)
    tree.root.mkdir()
    (tree.root / "job.yaml").write_text("a: 1")
    assert tree.told.get(timeout=PATIENCE_S) == CHANGED


def test_a_watcher_that_fails_is_told_and_replaced_by_looking(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    real = watchfiles.watch
    asked: list[Any] = []

    def watch(*paths: Path, **options: Any) -> Any:
        asked.append(options["force_polling"])
        if len(asked) == 1:
            raise OSError(28, "inotify watch limit reached")
        return real(*paths, **options)

    monkeypatch.setattr(watchfiles, "watch", watch)
    monkeypatch.setattr(room, "WATCH_AGAIN_S", 0.01)
    tree.watch()
    told = tree.told.get(timeout=PATIENCE_S)
    assert (told.ok, told.cause) == (False, "trouble")
    assert "cannot be watched, so it is polled: [Errno 28] inotify watch limit reached" in told.text
    assert tree.told.get(timeout=PATIENCE_S) == CHANGED
    assert asked[:2] == [None, True]


def test_what_the_files_are_not_to_blame_for_is_tried_again_by_itself(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loader that was killed in the night: its change is not to wait for the next one."""
    monkeypatch.setattr(room, "AGAIN_S", 0.01)
    monkeypatch.setattr(room, "LOOK_AGAIN_MS", 20)
    tree.reloader = Reloader(tree.root, tree.state, tree._reload)
    killed = Reloaded(False, "the loader was ended by signal 9", cause="trouble")
    tree.watch()
    tree.next = killed
    while tree.told.get(timeout=PATIENCE_S) != killed:
        (tree.root / "job.yaml").write_text("a: 1")
    before = tree.reloads
    until(lambda: tree.reloads > before + 1)
    tree.next = CHANGED
    assert tree.told.get(timeout=PATIENCE_S) == CHANGED, "and the same trouble was told once"
    until(lambda: tree.reloader._again_at_s is None)


# -- git


@pytest.mark.parametrize(
    "name", ["rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "BISECT_LOG", "index.lock"]
)
def test_git_says_by_a_file_that_it_is_at_work(tmp_path: Path, name: str) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    assert git_at_work(git) is None
    (git / name).touch()
    assert git_at_work(git) == git / name


def test_the_git_directory_is_found_from_below_and_through_a_linked_work_tree(tmp_path: Path) -> None:
    linked = tmp_path / "main" / ".git" / "worktrees" / "other"
    linked.mkdir(parents=True)
    jobs = tmp_path / "other" / "deep" / "jobs.d"
    jobs.mkdir(parents=True)
    assert git_directory(jobs) is None
    (tmp_path / "other" / ".git").write_text(f"gitdir: {linked}\n")
    assert git_directory(jobs) == linked
    (tmp_path / "other" / ".git").write_text("gitdir: ../main/.git/worktrees/other\n")
    assert git_directory(jobs) == linked
    assert git_directory(tmp_path / "main") == tmp_path / "main" / ".git"


def test_a_reload_waits_for_git_and_doctor_hears_what_for(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOOK_AT_GIT_S", 0.01)
    monkeypatch.setattr(room, "TOLD_AFTER_S", 0.05)
    tree.reloader.load_first()
    rebase = tree.folder / ".git" / "rebase-merge"
    rebase.mkdir(parents=True)
    tree.watch()
    until(lambda: tree.note()["waiting"] is not None)
    last = last_reload(tree.state)
    assert last is not None and last.ok
    assert last.waits_for == f"a rebase is in progress ({rebase})"
    assert tree.reloads == 1
    rebase.rmdir()
    assert tree.told.get(timeout=PATIENCE_S) == CHANGED
    assert tree.note()["waiting"] is None


def test_a_wait_for_git_that_is_over_is_not_told_any_more(tree: Tree) -> None:
    lock = tree.folder / "index.lock"
    lock.touch()
    room.note(tree.state, GOOD, lock)
    assert last_reload(tree.state).waits_for  # type: ignore[union-attr]
    lock.unlink()
    assert last_reload(tree.state).waits_for == ""  # type: ignore[union-attr]


def test_nothing_is_loaded_at_the_start_while_git_is_at_work(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FIRST_PATIENCE_S", 0.05)
    merge = tree.folder / ".git" / "MERGE_HEAD"
    merge.parent.mkdir()
    merge.touch()
    outcome = tree.reloader.load_first()
    assert (outcome.ok, tree.reloads) == (False, 0)
    assert outcome.text == f"a merge is in progress ({merge}); the files are read when it is over"
    merge.unlink()
    tree.watch()
    assert tree.told.get(timeout=PATIENCE_S) == CHANGED


def test_a_lock_of_a_moment_is_waited_for_at_the_start(tree: Tree) -> None:
    lock = tree.folder / ".git" / "index.lock"
    lock.parent.mkdir()
    lock.touch()
    timer = threading.Timer(0.1, lock.unlink)
    timer.start()
    assert tree.reloader.load_first() == GOOD
    timer.join()


def test_stopping_ends_a_wait_for_git(tree: Tree) -> None:
    (tree.folder / ".git").mkdir()
    (tree.folder / ".git" / "index.lock").touch()
    tree.watch()
    tree.reloader.stop()
    assert not tree.reloader._thread.is_alive()
    assert tree.reloads == 0
