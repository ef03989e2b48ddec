"""Which targets does a job fan out over?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.texts import FieldName, Line, Model, RelativePath, Scalar, Text
from runner.vocabulary.names import TARGET_NAME

TargetName = Annotated[str, StringConstraints(pattern=TARGET_NAME)]
Delimiter = Annotated[str, StringConstraints(min_length=1, max_length=1)]


class InventorySpec(Model):
    """Targets (devices, tenants, files), each a name and a map of values: written here, or in a file."""

    description: Text | None = Field(default=None, description="For people")
    targets: dict[TargetName, dict[FieldName, Scalar]] | None = Field(
        default=None, description="Targets by name, each with its values; {} for none"
    )
    file: RelativePath | None = Field(
        default=None,
        description="Instead of targets: a CSV, JSON or YAML file, relative to the declaring file",
    )
    format: Literal["csv", "json", "yaml"] | None = Field(
        default=None, description="Of the file; default by the ending of its name"
    )
    name_column: Line = Field(
        default="name", description="The column, or in a list of maps the field, that holds a target's name"
    )
    delimiter: Delimiter = Field(default=",", description="Between the columns of a CSV file")


class Inventory(Envelope):
    """Targets that jobs fan out over."""

    kind: Literal["Inventory"]
    spec: InventorySpec = Field(description="The targets, or where they are")
