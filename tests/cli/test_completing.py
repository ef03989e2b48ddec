"""What the shell offers behind TAB."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from installations import Installation, a_group, a_job

from runner.cli.main import runner


def offered(*words: str) -> list[str]:
    *before, typed = words
    found = ShellComplete(runner, {}, "runner", "_RUNNER_COMPLETE").get_completions(before, typed)
    return [item.value for item in found]


@pytest.fixture
def typed_at(here: Installation) -> list[str]:
    here.install(a_group("nightly"), a_job("report"), a_job("repair"), a_job("import"))
    return ["--db", str(here.path)]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("jobs", "show", "rep"), ["repair", "report"]),
        (("jobs", "disable", "report", "rep"), ["repair"]),
        (("groups", "disable", ""), ["nightly"]),
        (("jobs", "list", "--group", "n"), ["nightly"]),
        (("instances", "list", "--job", "i"), ["import"]),
        (("logs", "imp"), ["import"]),
        (("schedule", "next", "imp"), ["import"]),
        (("state", "show", "x"), []),
    ],
)
def test_installed_names_are_offered(typed_at: list[str], words: tuple[str, ...], names: list[str]) -> None:
    assert offered(*typed_at, *words) == names
    *before, typed = words
    if before[-1] not in ("--group", "--job"):
        assert offered(*before, *typed_at, typed) == names


def test_commands_and_choices_are_offered_too() -> None:
    assert offered("maint") == ["maintenance"]
    assert offered("jobs", "list", "--status", "f") == ["failed"]


def test_where_nothing_can_be_read_nothing_is_offered(tmp_path: Path) -> None:
    assert offered("--db", str(tmp_path / "none.db"), "jobs", "show", "") == []
    (tmp_path / "bad.db").write_bytes(b"x" * 5000)
    assert offered("--db", str(tmp_path / "bad.db"), "jobs", "show", "") == []
