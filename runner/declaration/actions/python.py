"""Fields of `python`: call a function."""

from __future__ import annotations

from pydantic import Field

from runner.declaration.texts import FieldName, Line, Model, RelativePath, Scalar, Source


class Python(Model):
    """`{file, function}` or `{source}`; the returned map is the step's outputs."""

    file: RelativePath | None = Field(default=None, description="Python file, relative to the declaring file")
    function: Line | None = Field(default=None, description="Function to call; default run")
    source: Source | None = Field(
        default=None, description="Python source instead of a file; no ${{ }} in it"
    )
    with_: dict[FieldName, Scalar] = Field(
        default_factory=dict, alias="with", description="Keyword arguments of the function; ${{ }} is fine"
    )
