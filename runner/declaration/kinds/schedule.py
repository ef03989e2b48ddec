"""When does a job start?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.kinds.trigger import Trigger
from runner.declaration.texts import (
    Duration,
    Instant,
    Line,
    Model,
    ObjectName,
    Text,
    Whole,
    Zone,
)

CronField = Annotated[Whole | Line, Field(description="A number, or a text as between the spaces of cron")]
ClockTime = Annotated[
    str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", description='Like "22:00"')
]


class CronFields(Model):
    """The five fields of a cron expression by name; what is left out is `*`."""

    minute: CronField = Field(default="*", description="0-59; default *")
    hour: CronField = Field(default="*", description="0-23; default *")
    day: CronField = Field(default="*", description="1-31, L, LW; default *")
    month: CronField = Field(default="*", description="1-12 or jan-dec; default *")
    wday: CronField = Field(default="*", description="0-7 or sun-sat, n#k; default *")


class FireAndForget(Model):
    """Once, as soon as the job may start."""

    retry_every: Duration = Field(default="5m", description="Pause between tries")
    expires_in: Duration = Field(default="30m", description="No more tries after this")


class Window(Model):
    """A range of dates with a daily time window."""

    from_: Instant | None = Field(
        default=None, alias="from", description="First day, or the moment; needed without repeat: each"
    )
    to: Instant | None = Field(
        default=None, description="Last day on which it opens, or the moment; default: until the run succeeds"
    )
    start: ClockTime = Field(description="Opens at")
    end: ClockTime = Field(description='Closes at; not after start: on the next day; "24:00" ends a day')
    weekdays: tuple[Line, ...] = Field(
        default=(), description="Of the opening: mon-fri, sat; none: every day"
    )
    last_start: Duration | None = Field(
        default=None, description="Nothing begins this short before the close"
    )
    on_close: Literal["pause", "finish", "stop"] = Field(
        default="pause",
        description="What a run does at the close; a fan-out begins no further target whatever it is",
    )
    close_grace: Duration = Field(
        default="5m", description="How long a pause may take before work that may be repeated is stopped"
    )
    retry_every: Duration = Field(default="5m", description="Pause between tries, inside the windows")
    repeat: Literal["range", "each"] = Field(
        default="range", description="One run for the whole range, or one for each opening"
    )


class ScheduleSpec(Model):
    """Exactly one of cron, every, at, fireAndForget, window and trigger; the rest goes with it."""

    description: Text | None = Field(default=None, description="For people")
    cron: Line | CronFields | None = Field(
        default=None, description="Wall clock of the timezone: five fields"
    )
    every: Duration | None = Field(default=None, description="Elapsed time from the anchor; ignores DST")
    anchor: Instant | None = Field(
        default=None, description="With every: counted from; default the Unix epoch"
    )
    at: Instant | None = Field(default=None, description="Once: RFC 3339, or local date-time in the timezone")
    fire_and_forget: FireAndForget | None = Field(default=None, description="Once, as soon as possible")
    window: Window | tuple[Window, ...] | None = Field(
        default=None, description="One or several time windows"
    )
    trigger: Trigger | None = Field(default=None, description="A real-time trigger")
    timezone: Zone | None = Field(default=None, description="IANA zone; default the Runner's, else UTC")
    jitter: Duration | None = Field(default=None, description="Spread of the starts; stable per job")
    start_deadline: Duration | None = Field(
        default=None, description="A start that is later than this is skipped"
    )
    calendars: tuple[ObjectName, ...] = Field(
        default=(), description="Names of Calendars whose dates are left out"
    )


class Schedule(Envelope):
    """A named schedule that jobs share."""

    kind: Literal["Schedule"]
    spec: ScheduleSpec = Field(description="When jobs start")
