"""Fields of `prune`: delete or archive files of a root."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.texts import (
    Bool,
    Duration,
    EntryName,
    Line,
    Model,
    Size,
    Whole,
)


class Prune(Model):
    """At least one of olderThan, keep, maxSize. Outputs: `files`, `bytes`, `deleted`, `archived`, `names`."""

    root: EntryName = Field(description="Name of a root of the Runner; nothing else is touched")
    match: Line = Field(default="*", description="Pattern of the files' paths below the root")
    older_than: Duration | None = Field(default=None, description="Files that were changed longer ago go")
    keep: Whole | None = Field(default=None, description="The newest stay, the others go")
    max_size: Size | None = Field(default=None, description="The newest up to this size in all stay")
    action: Literal["delete", "archive"] = Field(
        default="delete", description="archive moves them to archive/ in the root"
    )
    dry_run: Bool = Field(default=False, description="Only say what would be done")
