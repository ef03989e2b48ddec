"""Fields of `http`: send one request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from runner.declaration.texts import Bool, Line, Model, ObjectName, Scalar, Size

StatusCode = Annotated[int, Field(ge=100, le=599)]


class Expect(Model):
    """What makes the answer a success."""

    status: StatusCode | tuple[StatusCode, ...] | None = Field(
        default=None, description="Accepted status codes; default every 2xx"
    )
    contains: Line | None = Field(default=None, description="Text that the answer must hold")


class Http(Model):
    """Exactly one of connection and url. Outputs: `status`, `json`."""

    connection: ObjectName | None = Field(
        default=None, description="Name of a Connection with an http(s) URL"
    )
    url: Line | None = Field(default=None, description="Whole URL; ${{ }} is fine")
    path: Line | None = Field(default=None, description="Added to the connection's URL; ${{ }} is fine")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="Method of the request"
    )
    headers: dict[Line, Scalar] = Field(default_factory=dict, description="Headers; ${{ }} is fine")
    query: dict[Line, Scalar] = Field(default_factory=dict, description="Query parameters; ${{ }} is fine")
    body: Any = Field(default=None, description="Text as it is, anything else as JSON; ${{ }} is fine")
    expect: Expect | None = Field(default=None, description="What makes the answer a success")
    redirects: Bool = Field(default=False, description="Follow redirects")
    private_addresses: Bool = Field(
        default=False, description="Allow loopback, link-local and private addresses"
    )
    max_body: Size = Field(default="10MiB", description="A longer answer is a failure")
