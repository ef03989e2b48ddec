"""A commit of a git source, as its files lie in the state directory; what plan and apply are given of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.git.repository import Commit


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """`root` is the folder `path` of the repository; `source` is what its objects are recorded under."""

    root: Path
    source: str
    path: str
    commit: Commit

    @property
    def shown(self) -> str:
        """What stands before the names of files, for people."""
        return self.source if self.path == "." else f"{self.source}/{self.path}"
