"""Fields of `sql`: run one statement in its own transaction."""

from __future__ import annotations

from pydantic import Field

from runner.declaration.texts import FieldName, Model, ObjectName, RelativePath, Scalar, Source


class Sql(Model):
    """Exactly one of statement and file. Outputs: `rows` (count), `first` (first row, by column)."""

    connection: ObjectName = Field(description="Name of a Connection")
    statement: Source | None = Field(
        default=None, description="SQL with bind parameters :name; no ${{ }} in it"
    )
    file: RelativePath | None = Field(default=None, description="SQL file, relative to the declaring file")
    with_: dict[FieldName, Scalar] = Field(
        default_factory=dict, alias="with", description="Values of the bind parameters; ${{ }} is fine"
    )
