"""When is failed work tried again?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from runner.declaration.texts import Count, Duration, Line, Model, Percent

SQL_STATE = r"^[0-9A-Z]{2}([0-9A-Z]{3})?$"


class RetryNumbers(Model):
    """Own numbers for retries; what is left out has the numbers of `backoff`."""

    initial: Duration = Field(default="1m", description="Delay before the first retry")
    factor: float = Field(default=2, ge=1, le=100, description="By what each delay grows")
    max_delay: Duration = Field(default="1h", description="No delay is longer")
    max_attempts: Count | None = Field(
        default=None, description="Attempts in all, the first one included; none: only time limits them"
    )
    max_elapsed: Duration | None = Field(
        default=None,
        description="The first failure later than this after the first error is final; "
        "2h when maxAttempts is left out too",
    )
    jitter: Percent = Field(default="0%", description="By how much a delay varies at random")


class RetryErrors(Model):
    """Which failures are meant; one that any of the three names is."""

    errors: tuple[Line, ...] = Field(
        default=(),
        description="Codes of errors (timeout, connection, deadlock), and class names of Python exceptions, "
        "of those that they derive from too",
    )
    exit_codes: tuple[Annotated[int, Strict(), Field(ge=0, le=255)], ...] = Field(
        default=(), description="Exit codes of programs"
    )
    sql_states: tuple[Annotated[str, StringConstraints(pattern=SQL_STATE)], ...] = Field(
        default=(), description="SQL states, or their first two characters for a whole class: 40001, 08"
    )


RetryName = Literal["none", "once", "backoff", "until-expiry"]
Retry = RetryName | RetryNumbers
RETRY = (
    "none; once: one retry, at once; backoff: after 1 minute, doubling, for 2 hours; until-expiry: every "
    "5 minutes until the deadline (30 minutes without one); or own numbers"
)
