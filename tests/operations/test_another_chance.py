"""What an apply means for holds that are not git's: a failure gets another chance, a maintenance no end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from declared_projects import NOW, Project

from runner.access.permission import Actor
from runner.operations.maintenance import maintenance_on
from runner.store.holds import HoldRecord


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    yield project
    project.store.close()


def fail(project: Project, name: str) -> None:
    uid = project.record(name).uid
    hold = HoldRecord(uid, "failure", "system:supervisor", "3 failed runs in a row", NOW)
    project.store.transact(lambda tx: tx.holds.add(uid, hold))


@pytest.mark.parametrize(
    ("more", "left"),
    [("clearFailureOnChange: true", []), ("description: as before", [("failure", "system:supervisor")])],
)
def test_a_new_revision_lets_a_failed_job_start_again_when_the_job_says_so(
    project: Project, more: str, left: list[tuple[str, str]]
) -> None:
    project.job("load", more=more)
    project.apply()
    fail(project, "load")
    project.job("load", more=more, shell="echo mended")
    project.apply()
    assert project.holds("load") == left
    with project.store.read() as reader:
        rows = [event.row for event in reader.events.of("Job", "load")]
    assert ("J9" in rows) == (not left)


def test_a_job_that_is_installed_during_a_maintenance_is_held_as_the_others_are(project: Project) -> None:
    project.job("load")
    project.apply()
    project.store.transact(lambda tx: maintenance_on(tx, (), actor=Actor("ana"), reason="upgrade", now=NOW))
    project.job("newcomer")
    project.apply()
    assert project.holds("newcomer") == [("maintenance", "ana")]
