"""`runner adopt`, `release`, `uninstall` and `undo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: NAME}
spec: {enabled: true, steps: [{name: a, shell: "true"}]}
"""


def declare(folder: Path, *names: str) -> None:
    for name in names:
        (folder / "jobs.d").mkdir(exist_ok=True)
        (folder / "jobs.d" / f"{name}.yaml").write_text(JOB.replace("NAME", name))


def test_a_job_that_was_removed_by_mistake_comes_back(say: Callable, tmp_path: Path) -> None:
    declare(tmp_path, "one", "two")
    assert say("reconcile", "--create").code == 0
    assert say("undo").out == "Nothing was uninstalled that could be brought back.\n"
    (tmp_path / "jobs.d" / "one.yaml").unlink()
    assert say("reconcile").code == 0
    listed = say("undo", "-o", "json").json
    assert [each["address"] for each in listed] == ["Job/one"]
    assert "Job/one" in say("undo").out
    said = say("undo", "one", "-o", "json")
    assert (said.code, said.json["changed"], said.json["serial"]) == (0, True, 3)
    assert say("undo", "Job/one").code == 3
    wrong = say("undo", "Job/xyz")
    assert wrong.code == 1
    assert wrong.err == (
        "Error: no Job was uninstalled that was called 'xyz'; "
        "`runner undo` alone lists what can be brought back\n"
    )


def test_release_and_adopt(say: Callable, tmp_path: Path) -> None:
    declare(tmp_path, "one")
    say("reconcile", "--create")
    said = say("release", "Job/one")
    assert said.code == 0
    assert "no plan changes or removes it" in said.out
    assert "left alone: it was released" in say("plan").out
    assert say("adopt", "Job/one").out == "Job/one belongs to jobs.d now; it was nobody's.\n"
    assert say("adopt", "Job/one").out == "Job/one belongs to jobs.d already.\n"
    assert say("adopt", "/x").code == 1


def test_what_no_plan_removes_is_uninstalled_by_name(say: Callable, tmp_path: Path) -> None:
    declare(tmp_path, "one", "two")
    say("reconcile", "--create")
    refused = say("uninstall", "Job/one")
    assert refused.code == 3
    assert "is managed by jobs.d: take its declaration away (jobs.d/one.yaml:1)" in refused.err
    (tmp_path / "jobs.d" / "one.yaml").unlink()
    say("release", "Job/one")
    assert say("reconcile").out.rstrip().endswith("No changes.")
    said = say("uninstall", "Job/one", "--as", "ana")
    assert said.code == 0
    assert said.out.startswith("Job/one is uninstalled; `runner undo Job/one` brings it back until ")
    row = say("history", "-o", "json").json[0]
    assert (row["verb"], row["who"].startswith("ana (")) == ("uninstall", True)
    assert [each["name"] for each in say("jobs", "list", "-o", "json").json] == ["two"]
    [changed] = say("diff", str(row["serial"] - 1), "-o", "json").json
    assert (changed["action"], changed["address"]) == ("uninstall", "Job/one")

    assert say("undo", "Job/one").code == 0
    assert say("reconcile").out.rstrip().endswith("No changes.")
    assert [each["changed"] for each in say("uninstall", "Job/one", "-o", "json").json] == [True]
    assert say("uninstall", "Job/one").code == 1
    assert say("uninstall").code == 64


def test_what_a_source_has_left_is_uninstalled_together(say: Callable, tmp_path: Path) -> None:
    declare(tmp_path, "one", "two", "three")
    say("reconcile", "--create")
    refused = say("uninstall", "--source", "jobs.d", "--yes")
    assert (refused.code, "is managed by jobs.d" in refused.err) == (3, True)
    for name in ("one", "two"):
        say("release", name)
    asked = say("uninstall", "--source", "(released)")
    assert (asked.code, "  Job/one\n  Job/two\n" in asked.err) == (3, True)
    assert "uninstall of 2 objects needs --yes" in asked.err
    assert say("uninstall", "--source", "(released)", "--yes").code == 0
    assert [each["name"] for each in say("jobs", "list", "-o", "json").json] == ["three"]
    wrong = say("uninstall", "--source", "git:old")
    assert wrong.err == "Error: nothing is installed from git:old; there is jobs.d\n"
