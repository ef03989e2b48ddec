"""Are these declarations right? Offline, every problem of the whole tree at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runner.loading.tree import Tree, load_stream, load_tree
from runner.operations.clock_change_notes import clock_change_notes
from runner.operations.limit_notes import limit_notes
from runner.operations.time_notes import time_notes
from runner.vocabulary.diagnostic import Diagnostic, has_errors, in_order


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found, in order, and how much was looked at."""

    diagnostics: tuple[Diagnostic, ...]
    files: int
    objects: int

    @property
    def is_valid(self) -> bool:
        return not has_errors(self.diagnostics)


def validate(
    paths: Sequence[Path], *, project: Path, state: Path | None = None, now: datetime | None = None
) -> Validation:
    """The validation of every path (none: the project's `jobs.d`), with notes on 24 months after `now`."""
    trees = [load_tree(path, project=project, state=state, now=now) for path in paths or (None,)]
    return _of(trees, now)


def validate_stream(raw: bytes, *, base: Path, project: Path, now: datetime | None = None) -> Validation:
    """The validation of documents from a stream, whose paths are relative to `base`; notes as above."""
    return _of([load_stream(raw, base=base, project=project)], now)


def _of(trees: Sequence[Tree], now: datetime | None) -> Validation:
    found = Validation(
        in_order(diagnostic for tree in trees for diagnostic in tree.diagnostics),
        sum(tree.file_count for tree in trees),
        sum(len(tree.objects) for tree in trees),
    )
    if now is None or not found.is_valid:
        return found
    notes = [
        note
        for tree in trees
        for note in (*clock_change_notes(tree, now), *time_notes(tree, now), *limit_notes(tree))
    ]
    return replace(found, diagnostics=in_order((*found.diagnostics, *notes)))
