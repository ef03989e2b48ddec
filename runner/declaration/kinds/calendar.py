"""On which dates does nothing start?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.texts import EntryName, Model, Text

CALENDAR_DATE = r"^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$"
"""A date, or the month and the day of every year."""
CALENDAR_EDGE = r"^(([0-9]{4}-)?[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)$"

CalendarDate = Annotated[str, StringConstraints(pattern=CALENDAR_DATE)]
CalendarEdge = Annotated[str, StringConstraints(pattern=CALENDAR_EDGE)]


class CalendarSpan(Model):
    """From one date to another, both included; or from one local time to another."""

    from_: CalendarEdge = Field(
        alias="from", description='First day, "2026-12-24" or "12-24", or a local time "2026-12-24T18:00"'
    )
    to: CalendarEdge = Field(description="Last day, written as from is; with times: the moment of its end")


class CalendarSpec(Model):
    """Dates that schedules leave out. They follow the clocks of each schedule that names the calendar."""

    description: Text | None = Field(default=None, description="For people")
    dates: dict[EntryName, CalendarDate | CalendarSpan] = Field(
        description='Named dates: "2026-12-25", "12-25" for every year, or a span {from, to}'
    )


class Calendar(Envelope):
    """Blackout or holiday dates; a schedule names the calendars that it leaves out."""

    kind: Literal["Calendar"]
    spec: CalendarSpec = Field(description="The dates")
