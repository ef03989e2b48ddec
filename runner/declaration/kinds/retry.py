"""When is failed work tried again?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.texts import Count, Duration, Model, Percent


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


RetryName = Literal["none", "once", "backoff", "until-expiry"]
Retry = RetryName | RetryNumbers
RETRY = (
    "none; once: one retry, at once; backoff: after 1 minute, doubling, for 2 hours; until-expiry: every "
    "5 minutes until the deadline (30 minutes without one); or own numbers"
)
