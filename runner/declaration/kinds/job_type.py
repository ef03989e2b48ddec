"""What have jobs of one class in common?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.kinds.external import External
from runner.declaration.kinds.inputs import Input
from runner.declaration.kinds.job import Flow
from runner.declaration.kinds.policies import Policies
from runner.declaration.kinds.step import Step
from runner.declaration.texts import Bool, FieldName, Model, ObjectName, Scalar, Text


class TypeDefaults(Policies):
    """Defaults for the jobs of the type."""

    libraries: tuple[ObjectName, ...] = Field(default=(), description="Names of Libraries, imported by name")
    with_: dict[FieldName, Scalar] = Field(
        default_factory=dict, alias="with", description="Values for the inputs"
    )
    flow: Flow | None = Field(default=None, description="What a data job moves")
    external: External | None = Field(default=None, description="With executor: external")


class JobTypeSpec(Model):
    """A class of jobs: who executes, protection, visibility, inputs, defaults, a step template."""

    description: Text | None = Field(default=None, description="For people")
    executor: Literal["process", "external"] = Field(
        default="process", description="Who executes: a process of the runner, or another system"
    )
    protected: Bool = Field(
        default=False, description="Jobs change or go only with --allow-protected and the admin role"
    )
    hidden: Bool = Field(default=False, description="Left out of lists unless asked for with --all")
    inputs: dict[FieldName, Input] = Field(default_factory=dict, description="What may be given to a run")
    defaults: TypeDefaults | None = Field(default=None, description="Defaults for the jobs of the type")
    steps: tuple[Step, ...] | None = Field(
        default=None, min_length=1, description="Step template: what every job of the type runs"
    )
    outputs: dict[FieldName, Scalar] = Field(
        default_factory=dict, description="What a run of the template hands on"
    )


class JobType(Envelope):
    """A class of jobs."""

    kind: Literal["JobType"]
    spec: JobTypeSpec = Field(description="What the jobs of the type have in common")
