"""What may be given to a job?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.texts import Bool, Model, Scalar, Text, Whole


class Input(Model):
    """One value that may be given to a run."""

    type: Literal["string", "integer", "number", "boolean", "date"] = Field(
        default="string", description="Type of the value"
    )
    default: Scalar | None = Field(default=None, description="Used when none is given; else null")
    required: Bool = Field(default=False, description="A run without a value is refused")
    choices: tuple[Scalar, ...] = Field(default=(), description="The only accepted values")
    minimum: float | None = Field(default=None, description="Smallest accepted number")
    maximum: float | None = Field(default=None, description="Largest accepted number")
    max_length: Whole | None = Field(default=None, description="Most characters of a text; default 4096")
    description: Text | None = Field(default=None, description="For people who start the job by hand")
