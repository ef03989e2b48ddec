"""Which repository is it, wherever it was cloned to?"""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.git.history import Standing, first_commits, has_any, remote_of, standing_of
from tests.git.test_repository import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "jobs.d").mkdir(parents=True)
    git(folder, "init", "-q")
    for text in ("one", "two"):
        (folder / "jobs.d" / "a.yaml").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", text)
    return folder


def clone(repository: Path, name: str, *arguments: str) -> Path:
    target = repository.parent / name
    git(repository.parent, "clone", "-q", *arguments, repository.as_uri(), str(target))
    return target


def test_a_clone_has_the_first_commit_of_its_origin(repository: Path) -> None:
    first = first_commits(repository)
    assert first == (git(repository, "rev-list", "--max-parents=0", "HEAD"),)
    copy = clone(repository, "copy")
    assert standing_of(copy / "jobs.d") == Standing("jobs.d/", shallow=False)
    assert has_any(copy, first)


def test_a_shallow_clone_says_so_and_does_not_have_it(repository: Path) -> None:
    copy = clone(repository, "copy", "--depth=1")
    assert standing_of(copy) == Standing("", shallow=True)
    assert not has_any(copy, first_commits(repository))
    assert has_any(copy, [*first_commits(repository), git(repository, "rev-parse", "HEAD")])


def test_a_commit_is_never_taken_for_an_option(repository: Path) -> None:
    assert not has_any(repository, ["--all", "HEAD", ""])


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://git.example/ana/shop.git", "git.example/ana/shop"),
        ("https://ci:token@Git.Example:8443/ana/shop", "git.example/ana/shop"),
        ("ssh://git@git.example/ana/shop.git/", "git.example/ana/shop"),
        ("git@git.example:ana/shop.git", "git.example/ana/shop"),
        ("/srv/git/shop.git", "/srv/git/shop"),
        ("../shop.git", ""),
        ("nonsense", ""),
    ],
)
def test_a_remote_is_the_same_however_it_is_spelt(repository: Path, url: str, remote: str) -> None:
    git(repository, "config", "remote.origin.url", url)
    assert remote_of(repository) == remote


def test_outside_of_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert standing_of(tmp_path) is None
