"""Every example does what its README says: its commands run, and give what is expected."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.imported_runner import programs
from tests.real_kustomize import NONE, kustomize

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
COMMANDS = re.compile(r"<!-- commands -->\n```sh\n(.*?)```", re.DOTALL)


def a_copy_of(name: str, tmp_path: Path) -> Path:
    project = tmp_path / name
    shutil.copytree(EXAMPLES / name, project, ignore=shutil.ignore_patterns(".runner", "expected"))
    return project


def sh(script: str, project: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The script with `runner` on its path, and nothing of RUNNER_ from outside."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RUNNER_")}
    path = os.pathsep.join((str(programs()), str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=project,
        env={**clean, "PATH": path, "NO_COLOR": "1", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )


def a_git_repository(project: Path) -> None:
    sh(
        "git init -q -b main && git add -A && git -c user.name=a -c user.email=a@b.c commit -q -m jobs"
        " && git update-ref refs/remotes/origin/main HEAD && git rev-parse HEAD > .git/FETCH_HEAD",
        project,
    )


def test_the_list_of_examples_names_each_of_them() -> None:
    assert re.findall(r"\]\(([a-z-]+)\) \|", (EXAMPLES / "README.md").read_text()) != []
    assert sorted(re.findall(r"\]\(([a-z-]+)\) \|", (EXAMPLES / "README.md").read_text())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid(name: str, tmp_path: Path) -> None:
    ran = sh("runner validate", a_copy_of(name, tmp_path))
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_of_an_example_give_what_it_expects(name: str, tmp_path: Path) -> None:
    project = a_copy_of(name, tmp_path)
    a_git_repository(project)
    commands = COMMANDS.search((project / "README.md").read_text())
    if name == "environments" and not kustomize():
        pytest.skip(NONE)
    assert commands is not None, f"{name}/README.md has no commands"
    ran = sh(commands[1], project)
    assert ran.returncode == 0, ran.stdout
    expected = EXAMPLES / name / "expected"
    assert_contains_in_order(ran.stdout, (expected / "output.txt"))
    for file in sorted(path for path in expected.rglob("*") if path.is_file() and path.name != "output.txt"):
        assert (project / file.relative_to(expected)).read_text() == file.read_text()


def assert_contains_in_order(output: str, expected: Path) -> None:
    if not expected.is_file():
        return
    position = 0
    for line in expected.read_text().splitlines():
        found = output.find(line, position)
        assert found >= 0, f"{line!r} does not come (in this order) in:\n{output}"
        position = found + len(line)


def ci_commands() -> Iterator[tuple[str, str]]:
    """(file, command) of the CI files and the hook, those that call the runner."""
    github: Any = YAML(typ="safe").load(EXAMPLES / "git-ci" / ".github" / "workflows" / "jobs.yml")
    gitlab: Any = YAML(typ="safe").load(EXAMPLES / "git-ci" / ".gitlab-ci.yml")
    hooks: Any = YAML(typ="safe").load(EXAMPLES / "git-ci" / ".pre-commit-config.yaml")
    for job in github["jobs"].values():
        yield from (("github", step["run"]) for step in job["steps"] if "run" in step)
    for job in gitlab.values():
        if isinstance(job, dict) and "script" in job:
            yield from (("gitlab", line) for line in job["script"])
    yield from (("pre-commit", hook["entry"]) for repo in hooks["repos"] for hook in repo["hooks"])


def test_the_ci_files_plan_and_reconcile() -> None:
    for file in ("github", "gitlab"):
        commands = [command for name, command in ci_commands() if name == file]
        assert any(command.startswith("runner plan --detailed-exitcode") for command in commands)
        assert "runner reconcile" in commands


def test_the_commands_of_the_ci_files_run(tmp_path: Path) -> None:
    project = a_copy_of("git-ci", tmp_path)
    a_git_repository(project)
    database = {
        "RUNNER_DB": str(tmp_path / "var" / "runner.db"),
        "GITHUB_BASE_REF": "main",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    origin = tmp_path / "origin.git"
    assert sh(f"git clone -q --bare . {origin} && git remote add origin {origin}", project).returncode == 0
    first = sh("runner reconcile --create", project, **database)
    assert first.returncode == 0, first.stdout
    for file, command in ci_commands():
        if not command.startswith("pip "):  # what it would install is the program under test
            ran = sh(command, project, **database)
            assert ran.returncode == 0, f"{file}: {command}\n{ran.stdout}"
    assert "**No changes.**" in (tmp_path / "summary.md").read_text()


def test_a_pull_request_that_changes_a_job_shows_it_and_passes(tmp_path: Path) -> None:
    project = a_copy_of("git-ci", tmp_path)
    a_git_repository(project)
    sh("runner reconcile --create", project)
    job = project / "jobs.d" / "nightly.yaml"
    job.write_text(job.read_text().replace('"0 2 * * *"', '"0 3 * * *"'))
    assert sh("runner plan --detailed-exitcode", project).returncode == 2
    ran = sh("runner plan --detailed-exitcode || test $? -eq 2", project)
    assert (ran.returncode, "Job/nightly" in ran.stdout) == (0, True)
    job.write_text(job.read_text().replace("schedule:", "shcedule:"))
    assert sh("runner plan --detailed-exitcode || test $? -eq 2", project).returncode == 1
