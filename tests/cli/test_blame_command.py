"""`runner blame`, and what runs and jobs tell of their commits."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: a}
spec:
  enabled: true
  timeout: 5m
  steps: [{name: a, shell: "true"}]
"""


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=ana", "-c", "user.email=ana@b.c", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_a_field_and_all_fields(say: Callable, tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(JOB)
    git(tmp_path, "init", "-qb", "main")
    git(tmp_path, "add", "jobs.d")
    git(tmp_path, "commit", "-qm", "First")
    sha = git(tmp_path, "rev-parse", "HEAD")
    said = say("blame", "Job/a", "timeout")
    assert said.code == 0
    assert "at         jobs.d/a.yaml:6" in said.out and "ana <ana@b.c>: First" in said.out
    [found] = say("blame", "a", "timeout", "-o", "json").json
    assert (found["commit"], found["line"], found["installed"]) == (sha, 6, None)
    say("reconcile", "--create")
    [found] = say("blame", "a", "timeout", "-o", "json").json
    assert (found["installed"]["revision"], found["installed"]["commit"]) == (1, sha)
    assert "timeout" in say("blame", "a").out
    assert say("blame", "a", "nothing").code == 1
    assert say("jobs", "show", "a", "-o", "json").json["failing"] is None
    number = say("jobs", "trigger", "a", "-o", "json").json
    run = number[0] if isinstance(number, list) else number
    details = say("instances", "show", str(run.get("instance_id") or run.get("id")), "-o", "json").json
    assert details["commit"] == sha
