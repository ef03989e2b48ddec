"""What happens in the world that starts a job at once?"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from runner.declaration.kinds.policies import FromAuthorization
from runner.declaration.texts import (
    HOOK_PATH,
    Bool,
    Count,
    Duration,
    EntryName,
    Line,
    Model,
    ObjectName,
    RelativePath,
    Size,
)

EndState = Literal[
    "succeeded", "partially-succeeded", "failed", "cancelled", "replaced", "skipped", "finished", "any"
]
States = EndState | tuple[EndState, ...]
BatchSize = Annotated[int, Strict(), Field(ge=1, le=1000)]

Secrets = Annotated[tuple[FromAuthorization, ...], Field(min_length=1, max_length=4)]


class FileTrigger(Model):
    """Starts when a file has arrived. Links are not followed, and nothing outside of the root is seen."""

    root: EntryName = Field(description="Name of a root of the Runner")
    match: Line = Field(description="Pattern of its path below the root: *, ?, [a-z], ** for any folders")
    stable_for: Duration = Field(default="5s", description="Size and time of change stay for this long")
    existing: Literal["start", "ignore"] = Field(
        default="start", description="What files do that are there when the job is first enabled"
    )
    then: Literal["leave", "move"] = Field(
        default="leave", description="What becomes of the file when its run has ended"
    )
    move_to: RelativePath = Field(
        default="done", description="With move: folder below the root, after a success"
    )
    failed_to: RelativePath = Field(
        default="failed", description="With move: folder below the root, after a failure"
    )


class WebhookTrigger(Model):
    """Starts when a signed request arrives at the listener, at /hooks/PATH."""

    path: Annotated[str, Field(pattern=HOOK_PATH, max_length=200, examples=["orders", "shop/orders"])] = (
        Field(description="Path of the request below /hooks/")
    )
    secret: FromAuthorization | Secrets = Field(
        description="What signs it; several while one is being replaced"
    )
    signature: Literal["standard", "github"] = Field(
        default="standard", description="As Standard Webhooks says it, or GitHub's X-Hub-Signature-256"
    )
    tolerance: Duration = Field(
        default="5m", description="How far webhook-timestamp may be from the time here"
    )
    max_body: Size = Field(default="256KiB", description="Largest body; 1MiB at most")
    payload_schema: dict[str, Any] | None = Field(
        default=None,
        alias="schema",
        description="JSON Schema of the payload; without one its fields are the job's inputs, and no others",
    )


class JobTrigger(Model):
    """Starts when a run of another job has ended."""

    name: ObjectName = Field(description="Name of the job")
    state: States = Field(
        default="succeeded", description="How it ended; finished: succeeded, in part, or failed"
    )


class AfterTrigger(Model):
    """Starts when runs of all these jobs have ended; each of them counts once."""

    all: Annotated[dict[ObjectName, States], Field(min_length=1, max_length=50)] = Field(
        description="Names of jobs, and how they ended"
    )
    same_slot_date: Bool = Field(
        default=False, description="Only runs of one date: the local date of their slots"
    )
    within: Duration = Field(default="7d", description="What has waited longer for the others is dropped")


class Startup(Model):
    """Starts when the daemon starts."""


class Debounce(Model):
    """One start for what arrives close together."""

    quiet: Duration = Field(description="It starts when nothing has arrived for this long")
    at_most: Duration = Field(default="5m", description="And this long after the first at the latest")


class Batch(Model):
    """Several at once."""

    size: BatchSize = Field(description="So many make a start")
    within: Duration = Field(default="1m", description="Fewer do when the first has waited this long")


class Queue(Model):
    """What arrives while the job is busy or held waits, in the database."""

    limit: Count = Field(default=10_000, description="How many may wait")
    overflow: Literal["refuse", "drop-oldest", "drop-newest"] = Field(
        default="refuse",
        description="What is beyond: refuse answers 429 and leaves files where they are; what is dropped is "
        "recorded",
    )


class Consume(Model):
    """One run works through what arrives, item by item, each acknowledged with a checkpoint."""

    linger: Duration = Field(default="5s", description="How long it waits for a next item before it ends")


class Trigger(Model):
    """Exactly one of file, webhook, job, after and startup; the rest says how items become starts."""

    file: FileTrigger | None = Field(default=None, description="A file arrived")
    webhook: WebhookTrigger | None = Field(default=None, description="A request arrived")
    job: JobTrigger | None = Field(default=None, description="Another job ended")
    after: AfterTrigger | None = Field(default=None, description="Several other jobs ended")
    startup: Startup | None = Field(default=None, description="The daemon started")
    debounce: Duration | Debounce | None = Field(
        default=None, description="One start for what arrives close together"
    )
    batch: BatchSize | Batch | None = Field(default=None, description="Several at once")
    queue: Queue | None = Field(default=None, description="What may wait")
    consume: Bool | Consume | None = Field(
        default=None, description="One run works through the items, each with a checkpoint"
    )
