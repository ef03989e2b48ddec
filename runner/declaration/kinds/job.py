"""What runs?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.kinds.external import External
from runner.declaration.kinds.inputs import Input
from runner.declaration.kinds.policies import Policies
from runner.declaration.kinds.schedule import ScheduleSpec
from runner.declaration.kinds.step import Step
from runner.declaration.texts import (
    Bool,
    Count,
    Duration,
    EntryName,
    Expression,
    FieldName,
    Instant,
    Line,
    Model,
    ObjectName,
    Percent,
    RelativePath,
    Scalar,
    Source,
    Text,
)


class Code(Model):
    """Python code that is the whole job: `{file, function}`, `{file, class}` or `{source}`."""

    file: RelativePath | None = Field(default=None, description="Relative to the declaring file")
    function: Line | None = Field(default=None, description="Name of a function in the file; default run")
    class_: Line | None = Field(default=None, alias="class", description="Name of a Job class in the file")
    source: Source | None = Field(default=None, description="Python source with a function run")


class Flow(Model):
    """What a data job moves: shown and filterable."""

    direction: Literal["in", "out"] = Field(description="Into or out of the platform")
    subject: Line = Field(description="entities, events, …")


class Tasks(Model):
    """Fan-out over the targets of an Inventory: the job's steps run for each of them, in a process each."""

    inventory: ObjectName = Field(
        description="Name of an Inventory; its targets are frozen when a run starts"
    )
    where: Expression | None = Field(
        default=None, description="Which targets: an expression over target, inputs, slot, job and trigger"
    )
    parallel: Count = Field(default=1, description="Targets at the same time")
    waves: tuple[Count | Percent, ...] = Field(
        default=(),
        description="Sizes of the waves, one after the other; the last one repeats; default: one wave",
    )
    wave_min_success: Count | Percent | None = Field(
        default=None, description="Targets of a wave that must succeed before the next begins; default one"
    )
    min_success: Count | Percent = Field(
        default="100%", description="Targets that must succeed; with fewer the run is FAILED"
    )
    max_failures: Count | None = Field(
        default=None, description="When so many targets have failed no other starts"
    )
    retry_every: Duration = Field(default="5m", description="Pause between the tries of a target that failed")
    expires_in: Duration = Field(
        default="30m", description="After its first start a target is tried again only for so long"
    )
    timeout: Duration | None = Field(default=None, description="Running time of one try of one target")
    on_pause: Literal["finish", "interrupt"] = Field(
        default="finish",
        description="At a pause: started targets end and no other starts, or they go on later",
    )


class JobSpec(Policies):
    """One job; exactly one of steps, code, a type with steps, or an external type says what runs."""

    version: Line | None = Field(default=None, description="Informative")
    description: Text | None = Field(default=None, description="For people")
    type: ObjectName = Field(default="standard", description="Name of a JobType")
    enabled: Bool | None = Field(default=None, description="true, false; omitted: an operator decides")
    mode: Literal["automatic", "manual"] | None = Field(
        default=None, description="Default automatic with a schedule, else manual"
    )
    schedule: Line | ScheduleSpec | None = Field(
        default=None, description='Name of a Schedule, "0 2 * * *", or a mapping'
    )
    schedules: dict[EntryName, Line | ScheduleSpec] = Field(
        default_factory=dict, description="Several schedules by name, instead of schedule"
    )
    groups: tuple[ObjectName, ...] = Field(default=(), description="Names of Groups")
    libraries: tuple[ObjectName, ...] = Field(default=(), description="Names of Libraries, imported by name")
    inputs: dict[FieldName, Input] = Field(default_factory=dict, description="What may be given to a run")
    with_: dict[FieldName, Scalar] = Field(
        default_factory=dict, alias="with", description="This job's values for the inputs"
    )
    single_instance: Bool | None = Field(
        default=None, description="true = concurrency {policy: skip, limit: 1}; an error beside it"
    )
    run_skipped: Bool | None = Field(
        default=None, description="true = missed {policy: last}, false = {policy: none}; an error beside it"
    )
    valid_until: Instant | None = Field(default=None, description="The job's end date")
    locks: tuple[ObjectName, ...] = Field(
        default=(),
        description="Names of locks: of all the jobs that name one, a single instance runs at a time",
    )
    flow: Flow | None = Field(default=None, description="What a data job moves")
    steps: tuple[Step, ...] | None = Field(default=None, min_length=1, description="Run in order")
    code: Code | None = Field(default=None, description="Python code instead of steps")
    tasks: Tasks | None = Field(default=None, description="Fan-out over an Inventory")
    external: External | None = Field(default=None, description="For a type with executor: external")
    outputs: dict[FieldName, Scalar] = Field(
        default_factory=dict, description="What the run hands on; expressions over steps"
    )


class Job(Envelope):
    """What runs."""

    kind: Literal["Job"]
    spec: JobSpec = Field(description="What runs, when, and how")
