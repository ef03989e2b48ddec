"""The hooks, with the pre-commit program itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    if not PRE_COMMIT.exists():
        if os.environ.get("RUNNER_NO_SKIPS"):
            pytest.fail("there is no pre-commit program; pip install -e '.[test]' brings it")
        pytest.skip("there is no pre-commit program")
    project = tmp_path / "project"
    shutil.copytree(
        ROOT / "examples" / "git-ci", project, ignore=shutil.ignore_patterns(".runner", "expected")
    )
    run(project, "git", "init", "-q", "-b", "main")
    run(project, "git", "add", "-A")
    return project


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"PRE_COMMIT_HOME": str(project.parent / "cache"), "PATH": path, "NO_COLOR": "1"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RUNNER_", "GIT_"))}
    return subprocess.run(
        words,
        cwd=project,
        env={**clean, **home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_hooks_lay_out_and_validate_what_is_committed(project: Path) -> None:
    job = project / "jobs.d" / "nightly.yaml"
    good = job.read_text()
    job.write_text(good.replace("  schedule:", "  schedule:   "))
    run(project, "git", "add", "-A")
    laid_out = run(project, str(PRE_COMMIT), "run", "--all-files")
    assert laid_out.returncode == 1 and "files were modified by this hook" in laid_out.stdout
    assert "runner validate" in laid_out.stdout and "Passed" in laid_out.stdout
    assert job.read_text() == good
    job.write_text(good.replace("schedule:", "shcedule:"))
    run(project, "git", "add", "-A")
    refused = run(project, str(PRE_COMMIT), "run", "--all-files")
    assert refused.returncode == 1 and "did you mean 'schedule'?" in refused.stdout


def test_the_hooks_of_this_repository_are_those_of_the_example() -> None:
    offered = {each["id"]: each for each in YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")}
    config = YAML(typ="safe").load(ROOT / "examples" / "git-ci" / ".pre-commit-config.yaml")
    used = {hook["id"]: hook for repo in config["repos"] for hook in repo["hooks"]}
    assert {name: each["entry"] for name, each in offered.items()} == {
        name: each["entry"] for name, each in used.items()
    }
    done = (
        subprocess.run(
            [str(PRE_COMMIT), "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],
            check=False,
            timeout=100,
        )
        if PRE_COMMIT.exists()
        else None
    )
    assert done is None or done.returncode == 0
