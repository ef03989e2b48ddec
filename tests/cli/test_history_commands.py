"""`runner history` and `runner diff`."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: NAME}
spec: {enabled: true, timeout: TIMEOUT, env: {API_TOKEN: TIMEOUT}, steps: [{name: a, shell: "true"}]}
"""


@pytest.fixture
def lived(say: Callable, tmp_path: Path) -> Path:
    """Installed a and b, changed a twice, removed b and installed c."""
    jobs = tmp_path / "jobs.d"
    jobs.mkdir()

    def declare(name: str, timeout: str) -> None:
        (jobs / f"{name}.yaml").write_text(JOB.replace("NAME", name).replace("TIMEOUT", timeout))

    declare("a", "5m")
    declare("b", "5m")
    assert say("apply", "--create", "--auto-approve", "--as", "ana").code == 0
    declare("a", "6m")
    say("reconcile")
    declare("a", "7m")
    declare("c", "5m")
    (jobs / "b.yaml").unlink()
    say("reconcile")
    return tmp_path


def test_history_lists_applies_newest_first(say: Callable, lived: Path) -> None:
    rows = say("history", "-o", "json").json
    assert [(row["serial"], row["verb"], row["approval"]) for row in rows] == [
        (3, "reconcile", "nobody was asked"),
        (2, "reconcile", "nobody was asked"),
        (1, "apply", "--auto-approve"),
    ]
    assert rows[2]["who"].startswith("ana (")
    assert (rows[0]["previous"], rows[2]["previous"]) == (rows[1]["hash"], "")
    lines = say("history").out.splitlines()
    assert len(lines) == 4 and "1 uninstall" in lines[1]
    assert [row["serial"] for row in say("history", "-n", "1", "-o", "json").json] == [3]
    assert say("history", "--source", "etc").out == "Nothing was applied yet.\n"


def test_one_apply_is_shown_with_its_changes_and_no_secret(say: Callable, lived: Path) -> None:
    out = say("history", "2").out
    assert "~ update     Job/a  jobs.d/a.yaml:1" in out
    assert "spec.timeout  5m -> 6m" in out
    assert "spec.env.API_TOKEN  (masked) -> (masked)" in out
    missing = say("history", "9")
    assert (missing.code, missing.err) == (
        1,
        "Error: no apply 9 is recorded; recorded are those from 1 to 3\n",
    )


def test_an_object_has_its_revisions_also_when_it_is_gone(say: Callable, lived: Path) -> None:
    revisions = say("history", "Job/a", "-o", "json").json
    assert [each["revision"] for each in revisions] == [3, 2, 1]
    assert [field["path"] for field in revisions[0]["fields"]] == ["spec.env.API_TOKEN", "spec.timeout"] or [
        field["path"] for field in revisions[0]["fields"]
    ] == ["spec.timeout", "spec.env.API_TOKEN"]
    assert "revision 1" in say("history", "b").out
    assert say("history", "Job/zz").code == 1


def test_diff_puts_applies_together_object_by_object(say: Callable, lived: Path) -> None:
    changed = {each["address"]: each for each in say("diff", "1", "3", "-o", "json").json}
    assert {address: each["action"] for address, each in changed.items()} == {
        "Job/a": "update",
        "Job/b": "uninstall",
        "Job/c": "install",
    }
    timeout = next(field for field in changed["Job/a"]["fields"] if field["path"] == "spec.timeout")
    assert (timeout["declared_before"], timeout["declared_now"]) == ("5m", "7m")
    assert [each["address"] for each in say("diff", "0", "-o", "json").json] == ["Job/a", "Job/c"]
    assert say("diff", "2", "2").out == "From serial 2 to 2\nNo changes.\n"
    assert say("diff", "2", "9").code == 1
    assert say("diff", "3", "1").code == 1


def test_applies_are_called_by_their_commits_too(say: Callable, lived: Path) -> None:
    def git(*arguments: str) -> str:
        known = ["-c", "user.name=ana", "-c", "user.email=ana@example.org"]
        command = ["git", *known, *arguments]
        return subprocess.run(command, cwd=lived, check=True, capture_output=True, text=True).stdout.strip()

    (lived / ".gitignore").write_text(".runner/\n")
    git("init", "-q")
    commits = []
    for timeout in ("8m", "9m"):
        (lived / "jobs.d" / "a.yaml").write_text(JOB.replace("NAME", "a").replace("TIMEOUT", timeout))
        git("add", "-A")
        git("commit", "-qm", timeout)
        commits.append(git("rev-parse", "HEAD"))
        assert say("reconcile").code == 0
    [changed] = say("diff", commits[0][:7], commits[1], "-o", "json").json
    timeout = next(field for field in changed["fields"] if field["path"] == "spec.timeout")
    assert (timeout["declared_before"], timeout["declared_now"]) == ("8m", "9m")
    assert say("diff", commits[0][:9]).out.startswith("From serial 4 to 5\n")
    assert say("diff", f"main@{commits[0][:7]}", "5").out.startswith("From serial 4 to 5\n")
    assert say("history", commits[1][:10], "-o", "json").json["serial"] == 5
    wrong = say("diff", "0000000a")
    assert wrong.code == 1
    assert wrong.err == (
        "Error: no apply is called '0000000a': name a serial of `runner history`, or a commit; the last are "
        f"5 ({commits[1][:7]}), 4 ({commits[0][:7]})\n"
    )
    assert "no apply is called" in say("diff", "latest").err


def test_what_was_altered_is_found(say: Callable, lived: Path) -> None:
    assert say("history", "--verify").out == "All 3 applies are as they were written.\n"
    connection = sqlite3.connect(lived / ".runner" / "runner.db")
    connection.execute("DROP TRIGGER applies_are_never_changed")
    connection.execute("UPDATE applies SET who = 'somebody else' WHERE serial = 2")
    connection.commit()
    connection.close()
    said = say("history", "--verify")
    assert (said.code, said.out) == (1, "Not as they were written, or without the one before them: 2.\n")
    assert say("history", "--verify", "-o", "json").json == {"applies": 3, "broken": [2]}
    assert say("history", "2", "--verify").code == 64


def test_a_diff_over_applies_that_were_never_recorded_is_no_answer(say: Callable, lived: Path) -> None:
    connection = sqlite3.connect(lived / ".runner" / "runner.db")
    connection.execute("DROP TRIGGER applies_are_never_deleted")
    connection.execute("DELETE FROM applies WHERE serial = 1")
    connection.commit()
    connection.close()
    said = say("diff", "0")
    assert (said.code, "apply 1 is from before applies were recorded" in said.err) == (1, True)


@pytest.mark.parametrize(
    "changes", ["[{}]", "7", "{", '[{"action": 1, "address": "x", "uid": 2, "reason": ""}]']
)
def test_a_row_that_means_nothing_is_told_without_a_traceback(
    say: Callable, lived: Path, changes: str
) -> None:
    connection = sqlite3.connect(lived / ".runner" / "runner.db")
    connection.execute("DROP TRIGGER applies_are_never_changed")
    connection.execute("UPDATE applies SET changes = ? WHERE serial = 2", (changes,))
    connection.commit()
    connection.close()
    for words in (
        ("history",),
        ("history", "2"),
        ("diff", "0"),
        ("history", "-o", "json"),
        ("history", "--verify"),
    ):
        said = say(*words)
        assert said.code == 1, words
        assert "Traceback" not in said.err
