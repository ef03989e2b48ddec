"""Whatever a job leaves in the place of its working directory, only that goes away."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runner.execution.workdirs import WorkingDirectories, remove_if_small, remove_tree


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir(mode=0o755)
    (folder / "kept").write_text("kept")
    return folder


def test_a_folder_with_a_few_files_is_removed_at_once(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a").touch()
    (work / "b").symlink_to(tmp_path)
    assert remove_if_small(str(work)) and not work.exists()


def test_a_folder_with_folders_is_left_for_later(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    assert not remove_if_small(str(work))
    remove_tree(str(work))
    assert not work.exists()


def test_what_has_gone_already_is_gone(tmp_path: Path) -> None:
    assert remove_if_small(str(tmp_path / "gone"))
    remove_tree(str(tmp_path / "gone"))


def test_a_link_in_its_place_goes_and_what_it_leads_to_stays(tmp_path: Path, elsewhere: Path) -> None:
    for remove in (remove_if_small, remove_tree):
        work = tmp_path / "work"
        work.symlink_to(elsewhere)
        remove(str(work))
        assert not os.path.lexists(work)
        assert (elsewhere / "kept").read_text() == "kept"
        assert elsewhere.stat().st_mode & 0o777 == 0o755


def test_a_file_in_its_place_goes(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.touch()
    assert remove_if_small(str(work)) and not work.exists()


def test_folders_without_permissions_go_and_no_link_in_them_is_followed(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    locked = work / "locked"
    locked.mkdir(parents=True)
    (locked / "link").symlink_to(elsewhere)
    locked.chmod(0o500)
    unlink = os.unlink

    def refused(path: str, *, dir_fd: int | None = None) -> None:  # as for anybody but root
        if dir_fd is not None and os.fstat(dir_fd).st_mode & 0o200 == 0:
            raise PermissionError(13, "Permission denied", path)
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refused)
    remove_tree(str(work))
    assert not work.exists()
    assert elsewhere.stat().st_mode & 0o777 == 0o755 and (elsewhere / "kept").exists()


def test_a_directory_in_which_nothing_was_made_goes_to_the_next(tmp_path: Path) -> None:
    work = WorkingDirectories(tmp_path / "work")
    first = work.take()
    assert work.give_back(first)
    assert work.take() == first and work.give_back(first)


@pytest.mark.parametrize("age_s", [0, 60])
def test_a_directory_in_which_something_was_made_does_not(
    tmp_path: Path, age_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkingDirectories(tmp_path / "work")
    work.give_back(work.take())
    now_ns = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now_ns + age_s * 10**9)
    taken = work.take()
    Path(taken, "made").touch()
    assert not work.give_back(taken)
    assert work.take() != taken


def test_a_directory_whose_change_does_not_show_in_its_time_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = WorkingDirectories(tmp_path / "work")
    taken = work.take()
    Path(taken, "made").touch()
    work._changed_ns[taken] = Path(taken).stat().st_ctime_ns  # as on a file system that counts in ticks
    assert not work.give_back(taken)
