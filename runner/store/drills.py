"""What does the store keep of crash drills? For each job what its last one found, and of which definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

Verdict = Literal["proven", "refuted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """The last crash drill of the job with this name, installed or not yet.

    `digest` is the execution digest of what was drilled: the verdict says nothing of any other. `checkpoints`
    are those of an undisturbed run, `kills` how often it was killed. `difference` says what a killed run left
    otherwise, and is empty when it is proven; `ignored` are the paths that were not compared.
    """

    job: str
    digest: str
    verdict: Verdict
    at: datetime
    who: str
    checkpoints: int
    kills: int
    difference: Mapping[str, Any] = field(default_factory=dict)
    ignored: Sequence[str] = ()


class DrillReads(Protocol):
    def get(self, job: str) -> DrillRecord | None:
        """The last drill of the job with that name."""

    def all(self) -> list[DrillRecord]:
        """By the name of the job."""


class DrillWrites(DrillReads, Protocol):
    def put(self, drill: DrillRecord) -> None:
        """In place of the one before."""
