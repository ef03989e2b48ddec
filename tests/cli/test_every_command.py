"""What all commands have in common: help with an example, the common options, 64 for wrong usage."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import click
import pytest

from runner.cli.main import runner


def all_commands(
    group: click.Group = runner, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, (*words, name))
        else:
            yield (*words, name), command


EVERY = [pytest.param(words, command, id=" ".join(words) or "runner") for words, command in all_commands()]


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_the_help_has_one_example(words: tuple[str, ...], command: click.Command, plain: Callable) -> None:
    code, out, err = plain(*words, "--help")
    assert (code, err) == (0, "")
    assert out.count("Example:") == 1
    assert "runner " in out.partition("Example:")[2]


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_every_example_is_of_its_command_and_is_accepted(
    words: tuple[str, ...], command: click.Command
) -> None:
    for line in (command.help or "").partition("Example:")[2].strip().splitlines():
        pieces = [shlex.split(piece) for piece in re.split(r"&&|[|>()]", line) if "runner " in piece]
        typed = [
            piece[1:] for piece in pieces if piece[0] == "runner" and tuple(piece[1:])[: len(words)] == words
        ]
        assert typed, f"{line} is an example of another command"
        for example in typed:
            at, rest = runner, example
            context = click.Context(runner, **runner.context_settings)
            while isinstance(at, click.Group) and rest:
                at, rest = at.get_command(context, rest[0]), rest[1:]
                assert at is not None, line
            at.make_context(line, list(rest), parent=context)


def test_help_is_short_too(plain: Callable) -> None:
    assert plain("-h") == plain("--help")


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_a_misspelt_flag_or_command_is_wrong_usage(
    words: tuple[str, ...], command: click.Command, plain: Callable
) -> None:
    for wrong in ("--detaild-exitcod", *(("no-such-command",) if isinstance(command, click.Group) else ())):
        code, out, err = plain(*words, wrong)
        assert (code, out) == (64, "")
        assert "No such" in err


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_the_common_options_are_accepted(words: tuple[str, ...], command: click.Command) -> None:
    if isinstance(command, click.Group):
        return
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--project", "--db"} <= options
    variables = {parameter.envvar for parameter in command.params}
    assert {"RUNNER_PROJECT", "RUNNER_DB"} <= variables


def test_the_common_options_may_stand_before_the_command(
    plain: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_PROJECT", "/from/the/environment")
    for project, words in (
        ("/from/the/environment", ()),
        ("/before", ("--project", "/before")),
    ):
        assert f"no database at {project}/.runner/runner.db" in plain(*words, "jobs", "list")[2]
    code, _, err = plain("--project", "/before", "jobs", "list", "--project", "/beside")
    assert (code, "no database at /beside/.runner/runner.db" in err) == (1, True)
    assert "no database at /x/y.db" in plain("--db", "/x/y.db", "jobs", "list")[2]


@pytest.fixture
def plain(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`runner …`, as it is typed."""
    from runner.cli.main import main

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(words))
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, captured.out, captured.err

    return run
