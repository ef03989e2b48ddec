"""What a program reads on stdout when the command that it asked has failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.cli.main import main

BAD = "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: a}\nspec: {stepps: []}\n"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int | str | None, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(words)
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("jobs", "list"),
        ("jobs", "disable", "a"),
        ("history",),
        ("db", "check"),
        ("apply",),
        ("reconcile",),
        ("token", "list"),
    ],
)
def test_json_was_asked_for_and_json_says_why_there_is_none(words: tuple[str, ...], told: Callable) -> None:
    code, out, err = told(*words, "-o", "json")
    error = json.loads(out)["error"]
    assert (code, error["exit_code"]) == (1, 1)
    assert error["message"].startswith("There is no database at ")
    assert err == f"Error: {error['message']}\n"


def test_yaml_is_told_in_yaml_and_text_only_on_stderr(told: Callable) -> None:
    assert told("jobs", "list", "-o", "yaml")[1].startswith("error:\n  exit_code: 1\n  message: There is no")
    assert told("jobs", "list")[1] == ""
    assert told("jobs", "list", "-o", "name")[1] == ""


def test_wrong_usage_has_asked_for_nothing(told: Callable) -> None:
    code, out, _ = told("jobs", "list", "-o", "json", "--stauts", "FAILED")
    assert (code, out) == (64, "")


def test_a_guard_that_refuses_after_the_plan_was_shown_adds_no_second_document(
    told: Callable, tmp_path: Path
) -> None:
    (tmp_path / "jobs.d").mkdir()
    job = BAD.replace("stepps: []", "steps: [{name: s, shell: echo}]")
    (tmp_path / "jobs.d" / "a.yaml").write_text(job)
    told("reconcile", "--create")
    (tmp_path / "jobs.d" / "a.yaml").write_text(job.replace("name: a", "name: b"))
    code, out, err = told("reconcile", "--dry-run", "-o", "json")
    assert (code, json.loads(out)["format_version"]) == (3, 2)
    code, out, err = told("reconcile", "-o", "json")
    error = json.loads(out)["error"]
    assert (code, error["exit_code"], f"Refused: {error['message']}\n") == (3, 3, err)


@pytest.mark.parametrize("command", ["plan", "apply", "reconcile"])
def test_what_is_invalid_is_in_the_json_of_every_command_that_reads_declarations(
    command: str, told: Callable, tmp_path: Path
) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(BAD)
    words = () if command == "plan" else ("--create",)
    code, out, err = told(command, "-o", "json", *words)
    diagnostic = json.loads(out)["error"]["diagnostics"][0]
    assert (code, diagnostic["file"], diagnostic["line"]) == (1, "jobs.d/a.yaml", 4)
    assert f"jobs.d/a.yaml:4:{diagnostic['column']}: error[{diagnostic['rule']}]" in err


@pytest.mark.parametrize("output", ["markdown", "github", "sarif", "junit"])
def test_a_comment_on_a_change_names_what_is_invalid(output: str, told: Callable, tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(BAD)
    code, out, _ = told("plan", "-o", output)
    assert (code, out.count("unknown-field") > 0) == (1, True)
    assert "runner plan" in out or output in ("markdown", "github", "sarif")


def test_a_working_directory_that_is_gone_is_named(
    told: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, out, err = told("jobs", "list")
    assert (code, out, err) == (1, "", "Error: the working directory is gone; change into one that exists\n")
