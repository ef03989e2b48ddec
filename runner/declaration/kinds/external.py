"""How is another system told that it is time, and how long is it waited for?"""

from __future__ import annotations

from pydantic import Field

from runner.declaration.kinds.policies import FromAuthorization
from runner.declaration.texts import Bool, Duration, Line, Model, ObjectName


class Webhook(Model):
    """Exactly one of connection and url. The call is signed, and made again until it is accepted."""

    connection: ObjectName | None = Field(
        default=None, description="Name of a Connection with an http(s) URL"
    )
    url: Line | None = Field(default=None, description="Whole URL, with https")
    path: Line | None = Field(default=None, description="Added to the connection's URL")
    secret: FromAuthorization = Field(description="What the call is signed with (HMAC-SHA256)")
    private_addresses: Bool = Field(
        default=False, description="Allow loopback, link-local and private addresses, and http without TLS"
    )


class External(Model):
    """For jobs that another system executes. Without a webhook it has to ask whether it is time."""

    webhook: Webhook | None = Field(default=None, description="What is called at the job's time")
    silence_timeout: Duration | None = Field(
        default=None, description="Without a report for this long a run is UNKNOWN; default 10m"
    )
    unknown_timeout: Duration | None = Field(
        default=None, description="After this long UNKNOWN it is decided as onCrash says; default 1h"
    )
