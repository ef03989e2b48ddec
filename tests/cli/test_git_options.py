"""What is said wrongly of a git source is wrong usage, before anything is done."""

from __future__ import annotations

import pytest

from runner.cli.main import main


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("up", "--ref", "main"), "--ref goes with --git URL"),
        (("up", "jobs.d", "--git", "https://git.example/x"), "--git stands in the place of PATH"),
        (("up", "--git", "ext::sh -c x"), "Invalid value for --git: write https://"),
        (("up", "--git", "https://ana:pw@git.example/x"), "put user and password into an Authorization"),
        (
            ("up", "--git", "https://git.example/x", "--ref=-x"),
            "Invalid value for --ref: not a name that git",
        ),
        (("up", "--git", "http://git.example/x"), "anybody on the way may answer"),
        (("up", "--git", "https://git.example/x", "--path", "../x"), "without '..'"),
        (("up", "--git", "https://git.example/x", "--interval", "soon"), "Invalid value for --interval"),
        (("up", "--git", "https://git.example/x", "--verify", "commit"), "--verify goes with"),
        (("reconcile", "--with-source", "--dry-run"), "--with-source goes with --wait and --timeout only"),
        (("reconcile", "jobs.d", "--wait", "elsewhere"), "'elsewhere' is none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_as_that(
    wrong: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 64
    assert said in capsys.readouterr().err
