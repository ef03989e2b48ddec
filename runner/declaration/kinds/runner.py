"""How is the installation set up?"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.kinds.policies import Policies
from runner.declaration.texts import (
    Count,
    EntryName,
    Line,
    Model,
    Percent,
    Text,
    Whole,
    Zone,
)


class Root(Model):
    """A folder that steps may use."""

    path: Line = Field(description="Absolute, or relative to the project")
    access: Literal["read", "write"] = Field(default="read", description="What steps may do there")


class DeletionBudget(Model):
    """How much one apply may remove without being told the number."""

    objects: Whole = Field(default=3, description="More than this, and more than percent, is refused")
    percent: Percent = Field(default="20%", description="Of the installed objects")


class RunnerSpec(Model):
    """Settings of the installation. Database and state directory are flags or environment only."""

    description: Text | None = Field(default=None, description="For people")
    timezone: Zone = Field(default="UTC", description="Zone of schedules that name none")
    parallel: Count = Field(default=5, description="Instances at the same time")
    defaults: Policies | None = Field(default=None, description="Defaults for all jobs")
    deletion_budget: DeletionBudget | None = Field(
        default=None, description="How much one apply may remove; 3 objects or 20 %"
    )
    roots: dict[EntryName, Root] = Field(
        default_factory=dict, description="Folders that steps may use, by name"
    )
    sources: dict[str, Any] | None = Field(default=None, description="Where declarations come from")
    web: dict[str, Any] | None = Field(default=None, description="The web pages and the API")


class Runner(Envelope):
    """Settings of the installation; there is one."""

    kind: Literal["Runner"]
    spec: RunnerSpec = Field(default_factory=RunnerSpec, description="The settings")
