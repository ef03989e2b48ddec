"""What is told about limits that would not bind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from installations import NOW, Installation, a_job

from runner.operations.examine_installation import examine_installation
from runner.operations.validate import validate

JOB = (
    "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: load}\nspec:\n  enabled: true\n"
    "  limits: {processes: 50}\n  steps: [{name: work, shell: echo}]\n"
)


@pytest.mark.parametrize(("uid", "more", "notes"), [(0, "", 1), (1000, "", 0), (0, "  runAs: etl\n", 0)])
def test_a_limit_of_processes_that_root_does_not_feel_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, more: str, notes: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "load.yaml").write_text(JOB + more)
    found = validate((), project=tmp_path, now=NOW)
    assert found.is_valid
    told = [note for note in found.diagnostics if note.rule == "limit-without-effect"]
    assert len(told) == notes
    if told:
        assert told[0].detail.startswith("Job/load: limits.processes does not bind root")


def test_doctor_names_installed_jobs_with_such_a_limit(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.install(a_job("load", limits={"processes": 50}), a_job("other"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (finding,) = [f for f in examine_installation(here.state.parent, here.path, NOW) if f.topic == "limits"]
    assert (finding.verdict, finding.text) == ("warning", "limits.processes does not bind root: load")
