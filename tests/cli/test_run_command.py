"""`runner run`: what it says before and after a trial; the trial itself is tried in tests/acceptance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runner.cli.commands.run import told
from runner.operations.outcome import Finished

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: send}
spec:
  inputs: {api_token: {type: string}, mode: {type: string}}
  with: {api_token: abcdef, mode: "a\\u001b[2Jb"}
  steps: [{name: a, if: "inputs.mode != 'x\\e[2J'", shell: "true"}]
"""


def test_what_a_job_says_of_its_failure_does_not_steer_the_terminal() -> None:
    error = {"code": "ValueError", "description": "bad \x1b[2J\nü"}
    result = Finished(1, "send", "FAILED", "ValueError", None, error)
    assert told(result) == ("FAILED", "bad \\x1b[2J\\nü")


def test_a_dry_run_shows_no_secret_and_nothing_that_steers_the_terminal(
    say: Callable, tmp_path: Path
) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "send.yaml").write_text(JOB)
    shown = say("run", "send", "--dry-run")
    assert shown.code == 0, shown.err
    assert shown.out.splitlines()[2:] == [
        "  input    api_token = (masked)",
        "  input    mode = a\\x1b[2Jb",
        "  step     a (shell)  if inputs.mode != 'x\\x1b[2J'",
    ]
    assert say("run", "send", "--dry-run", "-p", "api_token=xyz", "-o", "json").json["with"] == {
        "api_token": "(masked)",
        "mode": "a\x1b[2Jb",
    }
