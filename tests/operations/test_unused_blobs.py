"""Contents that nothing names any more go after a while; what an apply is about to name stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from runner.operations import unused_blobs as room
from runner.operations.blobs import blob_path, renew_blob, store_blob
from runner.operations.prune_history import prune_history
from runner.operations.unused_blobs import UNUSED_AFTER, DeletedBlobs, delete_unused_blobs
from runner.store.open import open_store
from tests.operations.declared_projects import NOW, Project

AGES_AGO = (NOW - 2 * UNUSED_AFTER).timestamp()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "shop")
    project.write("jobs.d/sum.py", "def run(): pass\n")
    project.write(
        "jobs.d/sum.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: sum}
        spec:
          enabled: true
          code: {file: sum.py, function: run}
        """,
    )
    project.apply()
    yield project
    project.store.close()


def copies(project: Project) -> dict[str, Path]:
    """By content."""
    found = (path for path in (project.state / "blobs").rglob("*") if path.is_file())
    return {path.read_text(): path for path in found}


def grow_old(project: Project) -> None:
    for path in copies(project).values():
        os.utime(path, (AGES_AGO, AGES_AGO))


def change(project: Project, content: str) -> None:
    project.write("jobs.d/sum.py", content)
    project.apply()


def delete(project: Project) -> DeletedBlobs:
    return delete_unused_blobs(project.store, project.state, NOW)


def test_what_nothing_names_goes_and_what_is_installed_stays(project: Project) -> None:
    change(project, "def run(): return {}\n")
    grow_old(project)
    assert delete(project) == DeletedBlobs(1, len("def run(): pass\n"))
    assert set(copies(project)) == {"def run(): return {}\n"}
    assert delete(project) == DeletedBlobs()


def test_pruning_the_history_does_it(project: Project) -> None:
    change(project, "def run(): return {}\n")
    grow_old(project)
    assert prune_history(project.store, project.state, now=NOW).blobs.count == 1


def test_what_was_written_lately_stays(project: Project) -> None:
    sha = sha256(b"new").hexdigest()
    store_blob(project.state, sha, b"new")  # an apply under way
    young = (NOW - UNUSED_AFTER + timedelta(hours=1)).timestamp()
    os.utime(blob_path(project.state, sha), (young, young))
    assert delete(project).count == 0


def test_what_a_run_under_way_is_pinned_to_stays(project: Project) -> None:
    project.starts("sum")
    change(project, "def run(): return {}\n")
    grow_old(project)
    assert delete(project).count == 0


def test_an_apply_renews_what_it_finds(project: Project) -> None:
    change(project, "def run(): return {}\n")
    grow_old(project)
    project.write("jobs.d/sum.py", "def run(): pass\n")
    project.apply()
    path = copies(project)["def run(): pass\n"]
    assert path.stat().st_mtime > AGES_AGO
    assert not renew_blob(project.state, "0" * 64)


def test_a_content_that_is_renewed_at_the_last_moment_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(project, "def run(): return {}\n")
    grow_old(project)
    path = copies(project)["def run(): pass\n"]
    rename = Path.rename

    def renewed_before(self: Path, target: Path) -> Path:
        if self == path:
            os.utime(path)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", renewed_before)
    assert delete(project).count == 0
    assert path.read_text() == "def run(): pass\n"


def test_what_a_killed_write_left_goes_and_what_is_not_ours_stays(project: Project) -> None:
    folder = next(iter(copies(project).values())).parent
    ours = [folder / f".{'0' * 64}.a1b2c3d_", folder / f".{'0' * 64}"]
    theirs = [folder / "notes.txt", folder / ".gitignore.swp", project.state / "blobs" / "README"]
    for path in (*ours, *theirs):
        path.write_text("x")
        os.utime(path, (AGES_AGO, AGES_AGO))
    (folder / ("1" * 64)).symlink_to("/etc/passwd")
    assert delete(project).count == 2
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in theirs)


def test_nothing_goes_while_another_database_may_name_it(project: Project) -> None:
    change(project, "def run(): return {}\n")
    grow_old(project)
    with closing(open_store(project.state / "other.db", create=True)):
        assert delete(project).count == 0
    for path in project.state.glob("other.db*"):
        path.unlink()
    assert delete(project).count == 1


def test_what_cannot_be_deleted_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    change(project, "def run(): return {}\n")
    grow_old(project)
    path = copies(project)["def run(): pass\n"]

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(room, "_delete", refuse)
    assert delete(project).kept == (path.relative_to(project.state).as_posix(),)
