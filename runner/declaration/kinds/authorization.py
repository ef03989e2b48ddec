"""Which credentials are there, and where do their secret parts come from?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.texts import EnvName, Line, Model, Text


class SecretSource(Model):
    """Exactly one place of a secret."""

    env: EnvName | None = Field(default=None, description="Environment variable of the daemon")
    file: Line | None = Field(default=None, description="File; relative to the project")
    systemd_credential: Line | None = Field(default=None, description="Credential that systemd hands over")


class Secret(Model):
    """A value that is not in the file."""

    from_: SecretSource = Field(alias="from", description="Where it is read when a run starts")


class OAuth2(Model):
    """Access that another system grants."""

    token_url: Line = Field(description="Where tokens come from")
    client_id: Line | Secret = Field(description="Who asks")
    client_secret: Secret = Field(description="Proves it")
    scopes: tuple[Line, ...] = Field(default=(), description="For what")
    grant: Literal["client-credentials", "refresh-token", "authorization-code"] = Field(
        default="client-credentials", description="How it is granted"
    )


class AuthorizationSpec(Model):
    """Exactly one of config and oauth2."""

    description: Text | None = Field(default=None, description="For people")
    config: dict[EnvName, Line | Secret] | None = Field(
        default=None,
        description="Values by name: text, or {from: {env | file | systemdCredential}}; "
        "a password, token, secret or key is never text",
    )
    oauth2: OAuth2 | None = Field(default=None, description="By access delegation")


class Authorization(Envelope):
    """Credentials."""

    kind: Literal["Authorization"]
    spec: AuthorizationSpec = Field(description="The values, and where the secret ones come from")
