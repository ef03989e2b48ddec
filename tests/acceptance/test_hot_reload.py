"""Hot reload: the whole tree or nothing, once, within a moment of the last write."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.acceptance.running_daemon import Project

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {{name: {name}}}
spec:
  enabled: true
  steps: [{{name: work, shell: "echo {text}"}}]
"""


def git(project: Project, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=project.folder,
        check=True,
        capture_output=True,
    )


def test_a_changed_file_is_taken_in_within_a_second(project: Project) -> None:
    project.job("hello", "echo one")
    with project.up() as up:
        up.sees(r"idle")
        project.until("SELECT 1 FROM sessions")
        project.declare("hello.yaml", JOB.format(name="hello", text="two"))
        written = time.monotonic()
        up.sees(r"~ update +Job/hello")
        took = time.monotonic() - written
        project.run("jobs", "trigger", "hello")
        up.sees(r"ok +hello #1")
    assert "two" in project.run("logs", "1").stdout
    assert took < 30, "far beyond the second that an idle machine needs"


def test_an_invalid_tree_keeps_the_last_good_one_and_is_told_once(project: Project) -> None:
    project.job("tick", "true", schedule="{every: 1s}")
    good = (project.folder / "jobs.d" / "tick.yaml").read_text()
    with project.up() as up:
        up.sees(r"ok +tick")
        project.declare("tick.yaml", good.replace("schedule:", "shcedule:"))
        up.sees(r"jobs.d/tick.yaml:6:3: error\[unknown-field\]")
        up.sees(r"INVALID")
        up.sees(r"ok +tick")
        doctor = project.run("doctor", check=1)
        assert "last reload was refused" in doctor.stdout
        project.declare("tick.yaml", good)
        up.sees(r"reload +the declarations are valid again")
        project.run("doctor")
    assert up.text().count("error[unknown-field]") == 1


def test_a_checkout_of_500_files_is_one_reload(project: Project) -> None:
    project.job("first", "true")
    git(project, "init", "-q", "-b", "main")
    (project.folder / ".gitignore").write_text(".runner/\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one job")
    git(project, "checkout", "-qb", "many")
    for number in range(500):
        path = project.folder / "jobs.d" / f"job-{number}.yaml"
        path.write_text(JOB.format(name=f"job-{number}", text=number))
    git(project, "add", ".")
    git(project, "commit", "-qm", "five hundred")
    git(project, "checkout", "-q", "main")
    with project.up() as up:
        up.sees(r"idle")
        git(project, "checkout", "-q", "many")
        up.sees(r"Plan: 500 to install, 500 to enable")
    assert up.text().count("Plan: ") == 2, "the first plan, and one for the whole checkout"
    [applies] = project.rows("SELECT count(DISTINCT created_at) AS n FROM revisions")
    assert applies["n"] == 2


def test_a_rebase_in_progress_is_waited_for(project: Project) -> None:
    project.job("first", "true")
    git(project, "init", "-q", "-b", "main")
    with project.up() as up:
        up.sees(r"idle")
        in_progress = project.folder / ".git" / "rebase-merge"
        in_progress.mkdir()
        project.job("second", "true")
        project.job("third", "true")
        in_progress.rmdir()
        up.sees(r"Plan: 2 to install")
    assert up.text().count("Plan: ") == 2


def test_a_replaced_folder_is_still_watched(project: Project, tmp_path: Path) -> None:
    project.job("first", "true")
    with project.up() as up:
        up.sees(r"idle")
        replacement = tmp_path / "next"
        replacement.mkdir()
        for name in ("first", "second"):
            (replacement / f"{name}.yaml").write_text(JOB.format(name=name, text=name))
        (project.folder / "jobs.d").rename(tmp_path / "before")
        replacement.rename(project.folder / "jobs.d")
        up.sees(r"\+ install +Job/second")
        project.declare("third.yaml", JOB.format(name="third", text="third"))
        up.sees(r"\+ install +Job/third")


def test_an_emptied_folder_uninstalls_nothing(project: Project) -> None:
    path = project.job("first", "true")
    with project.up() as up:
        up.sees(r"idle")
        path.unlink()
        up.sees(r"error\[")
        up.sees(r"INVALID")
    [row] = project.rows("SELECT count(*) AS n FROM objects WHERE removed_at IS NULL")
    assert row["n"] == 1
