"""Where does data live?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.texts import Model, ObjectName, Text

Url = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://", max_length=2048)]


class ConnectionSpec(Model):
    """A URL without secrets, and the Authorization to use."""

    description: Text | None = Field(default=None, description="For people")
    url: Url = Field(description="postgresql+psycopg://db.example/warehouse, sqlite:///data/w.db, https://…")
    authorization: ObjectName | None = Field(default=None, description="Name of an Authorization")


class Connection(Envelope):
    """Where data lives."""

    kind: Literal["Connection"]
    spec: ConnectionSpec = Field(description="The URL, and the Authorization to use")
