"""A verb on several objects: what each one gets by naming its noun and itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
import pytest
from installations import Installation, a_group, a_job

from runner.cli import acting
from runner.cli.acting import Asked, acts_on
from runner.cli.main import runner
from runner.cli.nouns import GROUPS, JOBS, RUNS
from runner.operations.holding import Acted

SEEN: list[Asked] = []


@pytest.fixture
def poke(monkeypatch: pytest.MonkeyPatch) -> Callable[[acting.Noun], None]:
    """Put `runner poke`, a verb that looks on, in place of `runner jobs`."""
    SEEN.clear()

    def installed(noun: acting.Noun) -> None:
        @click.command()
        @acts_on(noun, "poke", click.option("--hard", is_flag=True), done="poked")
        def verb(asked: Asked, *, hard: bool) -> Sequence[Any]:
            """Look on."""
            SEEN.append(asked)
            names = asked.record(lambda tx, objects, **more: [*objects, more["hard"]], hard=hard)
            return [Acted(str(name), name != "same", "ASLEEP", "") for name in names]

        monkeypatch.setattr(runner, "get_command", lambda ctx, name: verb)

    return installed


def test_a_verb_shows_one_line_for_each_object(here: Installation, say: Callable, poke: Callable) -> None:
    here.install(a_job("report"), a_job("same"))
    poke(JOBS)
    said = say("jobs", "report", "same", "report", "--yes", "--reason", "R", "--as", "Ana", "--hard")
    assert said.out.splitlines() == [
        "Job/report poked: ASLEEP", "Job/same unchanged: ASLEEP", "Job/True poked: ASLEEP",
    ]  # fmt: skip
    assert (said.code, said.err) == (0, "")
    (asked,) = SEEN
    assert (asked.objects, asked.reason, asked.actor.as_name) == (["report", "same"], "R", "Ana")


def test_above_one_object_a_verb_shows_them_first_and_wants_a_yes(
    here: Installation, say: Callable, poke: Callable
) -> None:
    here.install(*(a_job(f"job-{n:02}", labels={"team": "bi"}) for n in range(22)))
    poke(JOBS)
    said = say("jobs", "-l", "team=bi")
    assert said.code == 3
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[:2] == ["poke 22 objects:", "  Job/job-00"]
    assert lines[20:] == [
        "  Job/job-19",
        "  … and 2 more",
        "Refused: poke of 22 objects needs --yes where nobody can be asked; nothing was done",
    ]
    assert SEEN == []


@pytest.mark.parametrize(
    ("noun", "words", "preview"),
    [
        (GROUPS, ("day", "night"), ["poke 2 objects:", "  Group/day", "  Group/night"]),
        (RUNS, ("1", "2"), ["poke 2 objects:", "  instance 1", "  instance 2"]),
    ],
)
def test_groups_and_runs_are_previewed_as_jobs_are(
    here: Installation, say: Callable, poke: Callable, noun: acting.Noun, words: tuple[str, ...], preview: Any
) -> None:
    here.install(a_group("day"), a_group("night"))
    poke(noun)
    said = say("jobs", *words)
    assert (said.code, said.err.splitlines()[:-1]) == (3, preview)


def test_a_verb_on_jobs_wants_at_least_one(here: Installation, say: Callable, poke: Callable) -> None:
    here.install(a_job("report"))
    poke(JOBS)
    assert say("jobs").code == 64
    said = say("jobs", "-l", "team=bi")
    assert (said.out, said.err) == ("Job/False poked: ASLEEP\n", "No job fits; nothing was done.\n")
