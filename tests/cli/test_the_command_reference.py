"""The page on the commands says what the commands say."""

from __future__ import annotations

from pathlib import Path

from runner.cli import exits
from runner.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def test_the_committed_page_is_fresh() -> None:
    assert PAGE.read_text("utf-8") == reference(), (
        "run: python -m runner.cli.reference docs/reference/commands.md"
    )


def test_every_exit_code_is_on_the_page_and_no_other() -> None:
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    told = {
        int(line.split("|")[1])
        for line in PAGE.read_text("utf-8").splitlines()
        if line[:3].strip("| ").isdigit()
    }
    assert told == codes
