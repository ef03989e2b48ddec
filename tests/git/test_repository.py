"""The commit of a folder, and whether the folder differs from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.git.blame import authors_of
from runner.git.repository import commit_of


def git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text("a: 1\n")
    (tmp_path / "README.md").write_text("hello\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_clean_folder_names_commit_and_branch(repository: Path) -> None:
    commit = commit_of(repository / "jobs.d")
    assert commit is not None
    assert commit.sha == git(repository, "rev-parse", "HEAD")
    assert (commit.branch, commit.dirty) == ("main", False)
    assert str(commit) == f"{commit.sha[:7]} (main)"


def test_only_changes_below_the_folder_make_it_dirty(repository: Path) -> None:
    (repository / "README.md").write_text("changed\n")
    assert not commit_of(repository / "jobs.d").dirty  # type: ignore[union-attr]
    (repository / "jobs.d" / "a.yaml").write_text("a: 2\n")
    assert commit_of(repository / "jobs.d").dirty  # type: ignore[union-attr]


@pytest.mark.parametrize("change", ["new", "removed", "staged"])
def test_new_removed_and_staged_files_make_it_dirty(repository: Path, change: str) -> None:
    if change == "new":
        (repository / "jobs.d" / "b.yaml").write_text("b: 1\n")
    elif change == "removed":
        (repository / "jobs.d" / "a.yaml").unlink()
    else:
        (repository / "jobs.d" / "a.yaml").write_text("a: 3\n")
        git(repository, "add", ".")
    assert commit_of(repository / "jobs.d").dirty  # type: ignore[union-attr]


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    commit = commit_of(repository)
    assert commit is not None and commit.branch is None


def test_a_file_is_asked_through_its_folder(repository: Path) -> None:
    assert commit_of(repository / "jobs.d" / "a.yaml") == commit_of(repository / "jobs.d")


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None


def test_a_repository_without_commits_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None


def test_a_damaged_repository_has_none(repository: Path) -> None:
    (repository / ".git" / "HEAD").write_text("nonsense\n")
    assert commit_of(repository) is None


def test_without_git_there_is_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert commit_of(repository) is None


def test_the_callers_environment_cannot_redirect_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_WORK_TREE", "/nonexistent")
    assert commit_of(repository) is not None


def test_no_program_of_the_repositorys_configuration_is_run(repository: Path) -> None:
    trap = repository / "trap.sh"
    trap.write_text("#!/bin/sh\ntouch sprung\n")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))
    git(repository, "config", "core.hooksPath", str(repository))
    assert commit_of(repository) is not None
    assert not (repository / "sprung").exists()


@pytest.mark.parametrize("kind", ["clean", "process"])
def test_no_filter_that_a_repository_names_is_run(repository: Path, kind: str) -> None:
    trap = repository / "trap.sh"
    trap.write_text("#!/bin/sh\ntouch sprung\ncat\n")
    trap.chmod(0o755)
    (repository / ".git" / "info" / "attributes").write_text("* filter=e=vil\n")
    (repository / ".git" / "more").write_text(f'[filter "e=vil"]\n{kind} = {trap}\nrequired = true\n')
    git(repository, "config", "include.path", "more")
    before = (repository / "jobs.d" / "a.yaml").read_text()
    (repository / "jobs.d" / "a.yaml").write_text(before.swapcase())
    commit = commit_of(repository)
    assert commit is not None and commit.dirty
    assert authors_of(repository / "jobs.d" / "a.yaml")
    assert not list(repository.rglob("sprung"))


def test_asking_does_not_write_to_the_repository(repository: Path) -> None:
    index = repository / ".git" / "index"
    (repository / "jobs.d" / "a.yaml").touch()
    before = index.stat().st_mtime_ns
    commit_of(repository)
    assert index.stat().st_mtime_ns == before
