"""How is the installation set up?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.kinds.policies import Policies
from runner.declaration.kinds.sources import Source
from runner.declaration.texts import (
    Count,
    Duration,
    EntryName,
    Line,
    Model,
    Percent,
    Text,
    Whole,
    Zone,
)

Port = Annotated[int, Strict(), Field(ge=0, le=65535)]


class Root(Model):
    """A folder that steps may use."""

    path: Line = Field(description="Absolute, or relative to the project")
    access: Literal["read", "write"] = Field(default="read", description="What steps may do there")


class DeletionBudget(Model):
    """How much one apply may remove without being told the number."""

    objects: Whole = Field(default=3, description="More than this, and more than percent, is refused")
    percent: Percent = Field(default="20%", description="Of the installed objects")


class Web(Model):
    """The HTTP listener; without `web` there is none. `web: {}` is one with these defaults."""

    bind: Line = Field(default="127.0.0.1", description="Address; beside loopback, hosts is needed")
    port: Port = Field(default=8470, description="Port; 0: any free one")
    hosts: tuple[Line, ...] = Field(
        default=(), description="Names that requests may ask for (Host), beside loopback and bind"
    )
    origins: tuple[Line, ...] = Field(
        default=(), description="Origins whose pages may send requests, beside the listener's own"
    )
    base_url: Line | None = Field(default=None, description="Where others reach it; default http://BIND:PORT")


class RunnerSpec(Model):
    """Settings of the installation. Database and state directory are flags or environment only."""

    description: Text | None = Field(default=None, description="For people")
    timezone: Zone = Field(default="UTC", description="Zone of schedules that name none")
    parallel: Count = Field(default=5, description="Instances at the same time")
    defaults: Policies | None = Field(default=None, description="Defaults for all jobs")
    deletion_budget: DeletionBudget | None = Field(
        default=None, description="How much one apply may remove; 3 objects or 20 %"
    )
    on_invalid: Literal["refuse", "isolate"] | None = Field(
        default=None,
        description="refuse (default): nothing is applied while anything is invalid; isolate: what is "
        "invalid stays as it is installed, with what needs it, and the rest is applied",
    )
    keep_removed: Duration | None = Field(
        default=None, description="How long `runner undo` can bring back what was uninstalled; default 30d"
    )
    roots: dict[EntryName, Root] = Field(
        default_factory=dict, description="Folders that steps may use, by name"
    )
    sources: dict[EntryName, Source] | None = Field(
        default=None, description="Further sources of declarations, by name"
    )
    web: Web | None = Field(
        default=None, description="The HTTP listener; without it there is none, {} is one on loopback"
    )


class Runner(Envelope):
    """Settings of the installation; there is one."""

    kind: Literal["Runner"]
    spec: RunnerSpec = Field(default_factory=RunnerSpec, description="The settings")
