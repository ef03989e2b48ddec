"""The page about plans shows what the program prints."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner
from test_plan_apply_and_reconcile import Here
from test_plan_views import THE_TEXT

PAGE = (Path(__file__).parents[2] / "docs" / "reconcile.md").read_text()


def test_the_plan_on_the_page_is_the_one_that_is_promised():
    assert THE_TEXT in PAGE


def test_the_session_on_the_page_is_what_happens(tmp_path):
    here = Here(tmp_path)
    here.job("hello")
    [session] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for part in session.split("$ runner ")[1:]:
        command, _, shown = part.partition("\n")
        assert here(*command.split()).stdout == shown


def test_every_option_on_the_page_exists():
    from runner.cli.main import runner

    known = {"--create", "--auto-approve"}
    for verb in ("plan", "apply", "reconcile", "history", "fmt"):
        known |= set(re.findall(r"--[a-z-]+", CliRunner().invoke(runner, [verb, "--help"]).output))
    of_others = {"--token"}  # in scripts of jobs
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - of_others <= known
