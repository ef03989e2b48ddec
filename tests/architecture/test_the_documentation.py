"""Every page is listed, every link leads somewhere, and the program accepts every command that is shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from runner.cli.main import runner

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def outside_of_code(page: Path) -> str:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """As GitHub names its headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", outside_of_code(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        there = page.parent / file if file else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


def test_every_page_is_in_the_list_of_pages() -> None:
    docs = ROOT / "docs"
    listed = set(re.findall(r"\]\(([^)#\s]+)\)", (docs / "README.md").read_text("utf-8")))
    pages = {str(page.relative_to(docs)) for page in docs.glob("**/*.md")} - {"README.md"}
    assert sorted(pages - listed) == [], "list it in docs/README.md"


def test_the_list_names_every_decision_as_it_names_itself() -> None:
    text = (ROOT / "docs" / "README.md").read_text("utf-8")
    for page in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        number, title = page.read_text("utf-8").splitlines()[0].removeprefix("# ").split(". ", 1)
        assert f"{number}. [{title}](decisions/{page.name})" in text


PLACEHOLDERS = re.compile(r"\b([A-Z]|COMMAND|ID|NAME|KIND|FILE|DIR|REV|TIME|COMMIT)\b|[…<>$\[\]]|--git$")
"""A command that has one of them is shown, not typed."""


def shown_commands(text: str) -> Iterator[str]:
    """In blocks of shell, and between backticks; each piece of a pipe by itself."""
    lines = [
        line
        for block in re.findall(r"^```.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", text)]:
        for piece in re.split(r"&&|[|>;()]", line.partition("  #")[0]):
            if re.match(r"\s*(\$ )?(\.venv/bin/)?runner \w", piece) and not PLACEHOLDERS.search(piece):
                yield piece.strip().removeprefix("$ ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_accepted(page: Path) -> None:
    for shown in shown_commands(page.read_text("utf-8")):
        at: click.Command | None = runner
        context = click.Context(runner, **runner.context_settings)
        words = shlex.split(shown)[1:]
        while isinstance(at, click.Group) and words:
            at, words = at.get_command(context, words[0]), words[1:]
        assert at is not None, shown
        if isinstance(at, click.Group):
            continue
        try:
            at.make_context("runner", words, parent=context)
        except (click.exceptions.Exit, click.MissingParameter):
            pass  # what a sentence leaves out, it leaves out on purpose
        except click.UsageError as problem:
            pytest.fail(f"{shown}: {problem.format_message()}")
