"""`runner schedule next`, as a person or a script types it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from installations import Installation, a_job

from runner.cli.main import main
from runner.store.holds import HoldRecord
from tests.new_databases import open_new_store

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "schedules.md"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def an_installed_job(
    project: Path, name: str, schedules: dict[str, dict[str, str]], *, held: bool = False
) -> None:
    store = open_new_store(project / ".runner" / "runner.db")
    job = a_job(name, schedule=None, schedules=schedules or None)

    def install(tx: object) -> None:
        uid = tx.objects.install(job, at=NOW, who="test")  # type: ignore[attr-defined]
        if held:
            tx.holds.add(uid, HoldRecord(uid, "operator", "ana", "INC-123", NOW), who="ana")  # type: ignore[attr-defined]

    store.transact(install)
    store.close()


def test_an_expression_is_answered_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--zone", "Europe/Berlin", "-e", "*/30 2 * * *", "--from", "2026-03-29", "-n", "1"]
    assert run("schedule", "next", *arguments, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "at": "2026-03-29T01:00:00.000Z",
            "local": "2026-03-29T03:00:00+02:00",
            "slots": ["2026-03-29T02:00[Europe/Berlin]", "2026-03-29T02:30[Europe/Berlin]"],
            "marks": ["gap", "merged"],
        }
    ]


def test_a_wrong_expression_is_an_error_that_names_every_wrong_field(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("schedule", "next", "-e", "0 25 * * mno") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "  hour: 25 is out of range; an hour is 0 to 23\n" in err
    assert "  wday: 'mno' is not a day of the week" in err


def test_an_unknown_zone_is_an_error_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schedule", "next", "-e", "0 2 * * *", "--zone", "Berlin") == 1
    assert "did you mean 'Europe/Berlin'?" in capsys.readouterr().err


def test_a_warning_goes_to_stderr_and_the_answer_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schedule", "next", "-e", "*/7 * * * *", "-n", "1", "-o", "json") == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 1
    assert "does not divide its range" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nightly", "-e", "0 2 * * *"],
        ["nightly", "--zone", "UTC"],
        ["-e", "0 2 * * *", "--zon", "UTC"],
        ["-e", "0 2 * * *", "-n", "0"],
        ["-e", "0 2 * * *", "--from", "yesterday"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_64(arguments: list[str]) -> None:
    assert run("schedule", "next", *arguments) == 64


def test_the_slots_of_a_job_come_in_order_and_each_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an_installed_job(
        tmp_path,
        "report",
        {
            "weekdays": {"cron": "0 6 * * mon-fri", "timezone": "Europe/Zurich"},
            "daily": {"cron": "0 6,18 * * *", "timezone": "Europe/Zurich"},
        },
    )
    arguments = ["--project", str(tmp_path), "--from", "2026-11-20T00:00", "-n", "5", "-o", "json"]
    assert run("schedule", "next", "report", *arguments) == 0
    assert [row["local"] for row in json.loads(capsys.readouterr().out)] == [
        "2026-11-20T06:00:00+01:00",
        "2026-11-20T18:00:00+01:00",
        "2026-11-21T06:00:00+01:00",
        "2026-11-21T18:00:00+01:00",
        "2026-11-22T06:00:00+01:00",
    ]


def test_an_unknown_job_is_an_error_with_the_nearest_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an_installed_job(tmp_path, "nightly-report", {"default": {"cron": "0 2 * * *"}})
    assert run("schedule", "next", "nightly-reprot", "--project", str(tmp_path)) == 1
    assert (
        capsys.readouterr().err
        == "Error: no Job is called 'nightly-reprot'; did you mean 'nightly-report'?\n"
    )


def test_a_job_that_is_held_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    an_installed_job(tmp_path, "report", {"default": {"every": "1h"}}, held=True)
    assert run("schedule", "next", "report", "--project", str(tmp_path), "-n", "1", "-o", "json") == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 1
    assert err == "Job 'report' is held (operator): it would start then.\n"


def test_a_job_without_a_schedule_has_no_next_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an_installed_job(tmp_path, "by-hand", {})
    assert run("schedule", "next", "by-hand", "--project", str(tmp_path), "-o", "json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert err == "Job 'by-hand' has no schedule; it starts by hand.\n"


def test_without_a_database_there_is_one_clear_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("schedule", "next", "report", "--project", str(tmp_path)) == 1
    assert "There is no database at" in capsys.readouterr().err


def examples_of_the_page() -> list[tuple[str, str]]:
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [
        (command, output)
        for block in blocks
        for command, output in re.findall(r"^\$ runner (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.mark.parametrize(
    ("command", "output"), examples_of_the_page(), ids=lambda text: text.partition("\n")[0]
)
def test_the_page_on_schedules_shows_what_the_command_prints(
    command: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(*shlex.split(command))
    printed = capsys.readouterr()
    assert printed.err + printed.out == output


def test_a_slot_that_an_operator_skipped_is_marked(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule="0 2 * * *"))
    assert say("jobs", "skip", "report").code == 0
    first, second = say("schedule", "next", "report", "-n", "2", "-o", "json").json
    assert (first["marks"], second["marks"]) == (["skipped"], [])
    assert say("schedule", "next", "report", "-n", "1").out.rstrip().endswith("skipped")
