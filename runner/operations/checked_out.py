"""A commit of a git source, as its files lie in the state directory; what plan and apply are given of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.git.repository import Commit
from runner.vocabulary.printable import printable


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """`root` is the folder `path` of the repository; `source` is what its objects are recorded under.

    `verified` says who has signed it, where that was asked for.
    """

    root: Path
    source: str
    path: str
    commit: Commit
    verified: str = ""

    @property
    def shown(self) -> str:
        """What stands before the names of files, for people."""
        return self.source if self.path == "." else f"{self.source}/{self.path}"

    @property
    def approval(self) -> str:
        """Who has agreed to it, as an apply records that."""
        return printable(self.verified) or f"followed: {self.commit.branch or self.commit.sha[:7]}"
