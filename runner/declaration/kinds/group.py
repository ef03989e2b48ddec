"""Which jobs are switched together?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.texts import Bool, Count, Model, Text


class GroupSpec(Model):
    """A switch over its member jobs."""

    description: Text | None = Field(default=None, description="For people")
    enabled: Bool | None = Field(default=None, description="true, false; omitted: an operator decides")
    limit: Count | None = Field(
        default=None, description="Instances of its members that run at the same time; others wait"
    )


class Group(Envelope):
    """A switch over its member jobs; a job names its groups."""

    kind: Literal["Group"]
    spec: GroupSpec = Field(default_factory=GroupSpec, description="The switch")
