"""Which commit wrote each line of a file, and who?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.git.repository import ask_about_files, is_in_a_repository

_HEADER = re.compile(r"(?P<sha>[0-9a-f]{40}(?:[0-9a-f]{24})?) \d+ (?P<line>\d+)")


@dataclass(frozen=True, slots=True)
class Author:
    """The commit that wrote a line; `sha` is empty for what is not committed yet."""

    sha: str
    name: str
    mail: str
    at: datetime | None
    summary: str


def authors_of(file: Path) -> dict[int, Author]:
    """By line, counted from 1; empty outside of a repository, without git, or for a file that it ignores.

    Nothing of the repository runs: contents are compared as they are (`--no-textconv`).
    """
    if not is_in_a_repository(file.parent):
        return {}
    answer = ask_about_files(file.parent, "blame", "--no-textconv", "--line-porcelain", "--", file.name)
    found: dict[int, Author] = {}
    line, about = 0, dict[str, str]()
    for text in (answer or "").split("\n"):
        header = _HEADER.match(text)
        if text.startswith("\t"):
            found[line] = _author(about)
        elif header:
            line, about = int(header["line"]), {"sha": header["sha"]}
        else:
            key, _, value = text.partition(" ")
            about[key] = value
    return found


def _author(about: dict[str, str]) -> Author:
    if set(about["sha"]) == {"0"}:
        return Author("", "", "", None, "")
    seconds = about.get("author-time", "")
    at = datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None
    mail = about.get("author-mail", "").strip("<>")
    return Author(about["sha"], about.get("author", ""), mail, at, about.get("summary", ""))
