"""`runner rollback`: what it prints, asks and refuses; what it does is tested with the operation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {{name: {name}}}
spec: {{enabled: true, steps: [{{name: work, shell: "echo {said}"}}]}}
"""


@pytest.fixture
def rolled(say: Callable, tmp_path: Path) -> Callable:
    """`runner …` in a project whose second apply changed one job and added another."""
    (tmp_path / "jobs.d").mkdir()

    def job(name: str, said: str) -> None:
        (tmp_path / "jobs.d" / f"{name}.yaml").write_text(JOB.format(name=name, said=said))

    job("one", "good")
    job("two", "good")
    assert say("reconcile", "--create").code == 0
    job("one", "bad")
    job("three", "bad")
    assert say("reconcile").code == 0
    return say


def test_it_asks_and_without_a_terminal_it_refuses(rolled: Callable) -> None:
    said = rolled("rollback")
    assert (said.code, said.err) == (
        3,
        "Refused: nobody can be asked here, so rollback needs --auto-approve; nothing was changed\n",
    )
    assert "~ update     Job/one" in said.out and "- uninstall  Job/three" in said.out
    assert rolled("plan", "--detailed-exitcode").code == 0


def test_it_says_what_is_pinned_and_plan_status_and_history_show_it(rolled: Callable) -> None:
    said = rolled("rollback", "--auto-approve", "--reason", "INC-7")
    assert said.code == 0
    assert said.out.splitlines()[-3:] == [
        "Applied: 1 update, 1 uninstall; serial 3 now.",
        "2 objects are pinned to serial 1, until a newer commit of jobs.d changes them.",
        "`runner rollback --end` lets what is declared flow again.",
    ]
    notes = [line.split("  ")[2].strip() for line in rolled("plan").out.splitlines() if " i note " in line]
    assert len(notes) == 2
    assert "rolled serial 2 back (INC-7); until a newer commit changes it" in rolled("plan").out
    (pinned,) = [each for each in rolled("status", "-o", "json").json["findings"] if each["kind"] == "pinned"]
    assert (pinned["name"], pinned["problem"]) == ("jobs.d", False)
    assert pinned["summary"].endswith(": Job/one, Job/three")
    newest = rolled("history", "-o", "json").json[0]
    assert (newest["serial"], newest["verb"]) == (3, "rollback")
    assert newest["approval"] == "--auto-approve; INC-7"
    assert rolled("db", "check").code == 0


def test_a_dry_run_changes_nothing(rolled: Callable) -> None:
    plan = rolled("rollback", "--dry-run", "-o", "json").json
    assert [(each["action"], each["address"]) for each in plan["changes"]] == [
        ("update", "Job/one"),
        ("uninstall", "Job/three"),
    ]
    assert rolled("plan", "--detailed-exitcode").code == 0


def test_the_end_of_a_quarantine_is_said_with_what_follows(rolled: Callable) -> None:
    assert rolled("rollback", "--end").out == "Nothing is pinned.\n"
    rolled("rollback", "--auto-approve")
    assert rolled("rollback", "--end").out == (
        "No longer pinned: Job/one, Job/three.\n"
        "`runner reconcile` (--with-source for git sources) applies what is declared now.\n"
    )
    assert rolled("plan", "--detailed-exitcode").code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("99",), 1, "Error: no apply of jobs.d is called 99; there is 1\n"),
        (("2",), 3, "Refused: 2 is what is installed; name an earlier one\n"),
        (("--source", "nowhere"), 1, "Error: nothing was applied from nowhere yet"),
        (("--end", "1"), 64, "--end goes with --source and --as only"),
        (("--nonsense",), 64, "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_told(rolled: Callable, words: tuple[str, ...], code: int, said: str) -> None:
    found = rolled("rollback", *words)
    assert (found.code, said in found.err) == (code, True), found.err


def test_an_apply_that_has_changed_nothing_since_comes_with_the_names_of_earlier_ones(
    rolled: Callable, tmp_path: Path
) -> None:
    """`rollback` alone means the one before the last, and that was a `release`."""
    assert rolled("release", "Job/two").code == 0
    found = rolled("rollback")
    assert found.code == 3
    assert found.err == (
        "Refused: jobs.d is installed as it was at serial 2 already; "
        "name an earlier one: 1 (runner history)\n"
    )
