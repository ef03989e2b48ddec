"""How far is a job, and is it complete?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Status:
    """What `prepare` and `perform` return: the state to go on with, and whether the work is complete.

    `state` is a map of JSON values (at most 1 MiB as JSON, unless more is allowed): it is recorded when it
    is returned, and what a resume starts from. `perform` gets the same object back in its next call, so it
    may be changed and returned again. `outputs` are the step's outputs for steps and jobs after it; they
    may be given only with `complete=True`.
    """

    __slots__ = ("complete", "outputs", "state")

    def __init__(
        self,
        state: dict[str, Any] | None = None,
        complete: bool = False,
        *,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        self.state: dict[str, Any] = {} if state is None else state
        self.complete = complete
        self.outputs: Mapping[str, Any] | None = outputs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Status):
            return NotImplemented
        ours, theirs = (self.state, self.complete, self.outputs), (other.state, other.complete, other.outputs)
        return ours == theirs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Status({self.state!r}, complete={self.complete})"
