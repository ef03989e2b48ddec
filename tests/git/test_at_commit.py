"""A folder as it was at a commit, without a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.git.at_commit import standpoint_of, write_files_at
from runner.vocabulary.errors import RunnerError


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "deploy" / "jobs.d").mkdir(parents=True)
    (folder / "deploy" / "jobs.d" / "a.yaml").write_text("one\n")
    (folder / "deploy" / "jobs.d" / "data.bin").write_bytes(bytes(range(256)) + b"\n\n")
    (folder / "deploy" / "jobs.d" / "ä ö.txt").write_text("x")
    (folder / "deploy" / "jobs.d" / "link").symlink_to("a.yaml")
    (folder / "elsewhere.txt").write_text("not asked for")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def test_the_files_come_as_they_were(repository: Path, tmp_path: Path) -> None:
    folder = repository / "deploy" / "jobs.d"
    (folder / "a.yaml").write_text("two\n")
    (folder / "new.yaml").write_text("new\n")
    to = tmp_path / "to"
    to.mkdir()
    assert write_files_at(folder, standpoint_of(folder, "main"), to) == 4
    assert (to / "a.yaml").read_text() == "one\n"
    assert (to / "data.bin").read_bytes() == bytes(range(256)) + b"\n\n"
    assert (to / "ä ö.txt").read_text() == "x"
    assert (to / "link").readlink() == Path("a.yaml")
    assert sorted(path.name for path in to.iterdir()) == ["a.yaml", "data.bin", "link", "ä ö.txt"]


def test_a_folder_that_is_gone_now_is_found_in_the_past(repository: Path, tmp_path: Path) -> None:
    folder = repository / "deploy" / "jobs.d"
    git(repository, "rm", "-rq", "deploy")
    git(repository, "commit", "-q", "-m", "two")
    to = tmp_path / "to"
    to.mkdir()
    assert write_files_at(folder, standpoint_of(folder, "HEAD~1"), to) == 4
    assert write_files_at(folder, standpoint_of(folder, "HEAD"), to) == 0


def test_neither_filters_nor_hooks_of_the_repository_run(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    git(repository, "config", "filter.evil.smudge", f"touch {marker}; cat")
    git(repository, "config", "filter.evil.clean", f"touch {marker}; cat")
    (repository / ".gitattributes").write_text("* filter=evil export-subst\n")
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    to = tmp_path / "to"
    to.mkdir()
    folder = repository / "deploy" / "jobs.d"
    assert write_files_at(folder, standpoint_of(folder, "main"), to) == 4
    assert not marker.exists()


@pytest.mark.parametrize("ref", ["nope", "--output=/tmp/x", "-h", "main:deploy", ""])
def test_what_names_no_commit_is_an_error(repository: Path, ref: str) -> None:
    with pytest.raises(RunnerError, match="names no commit in the repository"):
        standpoint_of(repository / "deploy" / "jobs.d", ref)


def test_outside_of_a_repository_nothing_can_be_compared(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="is in no git repository"):
        standpoint_of(tmp_path, "main")
