"""How a job behaves around its runs: what stands in Job, in a JobType's and in the Runner's defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from runner.declaration.kinds.retry import RETRY, Retry, RetryErrors
from runner.declaration.texts import (
    Bool,
    Count,
    Duration,
    EnvName,
    Model,
    ObjectName,
    Size,
    Text,
    Whole,
)

USER = r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}(:[A-Za-z_][A-Za-z0-9_.-]{0,31})?$"
"""As useradd(8) accepts it, and as Debian's own packages call theirs: `Debian-exim`."""


class Concurrency(Model):
    """What happens to a start while an earlier instance is open."""

    policy: Literal["skip", "queue-one", "queue", "replace", "allow"] = Field(
        default="skip",
        description="What a start does when the limit is reached: skip ends it as SKIPPED; queue lets it "
        "wait, queue-one too, and gives up what waited before; replace ends the oldest instance for it; "
        "allow has no limit of its own, with one what is beyond waits",
    )
    limit: Count | None = Field(
        default=None,
        description="Open instances of the job at the same time; default 1, with allow any number",
    )


class Missed(Model):
    """What happens to slots that passed while nothing could start."""

    policy: Literal["none", "last", "all"] = Field(default="last", description="Which missed slots are run")
    max_age: Duration = Field(default="24h", description="Older slots are dropped")
    max_runs: Count = Field(default=10, description="With all: how many are run at most, oldest first")


class FromAuthorization(Model):
    """A secret, by name."""

    authorization: ObjectName = Field(description="Name of an Authorization")
    key: EnvName = Field(description="Which of its values")


class Limits(Model):
    """What one instance may use."""

    memory: Size | None = Field(default=None, description="Address space of each of its processes")
    cpu_time: Duration | None = Field(default=None, description="Processor time of each of its processes")
    open_files: Annotated[int, Strict(), Field(ge=16, le=1_048_576)] | None = Field(
        default=None, description="Open files of each of its processes"
    )
    processes: Count | None = Field(
        default=None,
        description="Processes and threads beside those that its user has at its start; root is not bound",
    )
    output: Size | None = Field(
        default=None, description="Size of its log; more is cut with a mark and a warning"
    )
    nice: Annotated[int, Strict(), Field(ge=-20, le=19)] | None = Field(
        default=None, description="Priority: 19 yields to everything; below the daemon's own only root may go"
    )
    umask: Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3}$")] | None = Field(
        default=None, description="Which rights its new files do not get, quoted: '027'"
    )


class History(Model):
    """How long instances and their logs are kept."""

    keep: Whole | None = Field(default=None, description="How many ended instances")
    max_age: Duration | None = Field(default=None, description="For how long")


class Policies(Model):
    """Fields with defaults on three levels: job, type, Runner; the nearest one that is declared counts."""

    concurrency: Concurrency | None = Field(default=None, description="Overlap of instances; limit 1, skip")
    missed: Missed | None = Field(default=None, description="Slots missed while the daemon was down")
    retry: Retry | None = Field(default=None, description=f"{RETRY}; default once")
    retry_on: RetryErrors | None = Field(
        default=None,
        description="Only these failures are tried again, also those that would else be final; default: "
        "those that may pass. An authorization error never is",
    )
    never_retry_on: RetryErrors | None = Field(
        default=None, description="These failures are final, whatever else is declared"
    )
    fail_after: Count | Literal["never"] | None = Field(
        default=None,
        description="Consecutive failed instances until the job is FAILED; default 3, "
        "1 with retry backoff and until-expiry; never: for monitors",
    )
    on_crash: Literal["resume", "fail"] | None = Field(
        default=None,
        description="After a crash of the process; default resume when every step is sql, copy or prune or "
        "the code is a class, else fail",
    )
    timeout: Duration | None = Field(
        default=None,
        description="Running time of one attempt; paused and waiting do not count; null clears a default",
        json_schema_extra={"clearable": True},
    )
    perform_timeout: Duration | None = Field(
        default=None,
        description="Time between two checkpoints of Python code that makes some; beyond it the attempt is "
        "ended and fails; null clears a default",
        json_schema_extra={"clearable": True},
    )
    deadline: Duration | None = Field(
        default=None,
        description="Wall time from the slot, retries included; null clears a default",
        json_schema_extra={"clearable": True},
    )
    on_expiry: Literal["finish", "stop"] | None = Field(
        default=None, description="What a live instance does at validUntil; default finish"
    )
    on_disable: Literal["finish", "pause", "stop"] | None = Field(
        default=None,
        description="What a live instance does when the job or a group is disabled; default finish",
    )
    clear_failure_on_change: Bool | None = Field(
        default=None,
        description="true: a new revision lets a FAILED job start again, as a reset does; default false",
    )
    env: dict[EnvName, Text | FromAuthorization] = Field(
        default_factory=dict,
        description="Environment of the steps; a child inherits only PATH, HOME, LANG and TZ beside it",
    )
    limits: Limits | None = Field(default=None, description="What one instance may use")
    run_as: Annotated[str, StringConstraints(pattern=USER)] | None = Field(
        default=None,
        description="User, or user:group, whose rights the job's processes have; another than the daemon's "
        "own only when root runs the daemon",
    )
    keep_workdir: bool | None = Field(
        default=None,
        description="Keep an instance's working directory as long as its log; default false: it is removed",
    )
    history: History | None = Field(default=None, description="How many instances are kept, and for how long")
