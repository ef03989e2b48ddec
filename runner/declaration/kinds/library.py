"""Which code do jobs share?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.kinds.envelope import Envelope
from runner.declaration.texts import FieldName, Model, ObjectName, RelativePath, Text


class LibrarySpec(Model):
    """One file, or several modules, that a job's Python code imports by the library's name (`-` is `_`)."""

    description: Text | None = Field(default=None, description="For people")
    file: RelativePath | None = Field(default=None, description="Python file, relative to the declaring file")
    modules: dict[FieldName, RelativePath] = Field(
        default_factory=dict, description="Instead of file: modules of a package by name, each a Python file"
    )
    libraries: tuple[ObjectName, ...] = Field(default=(), description="Libraries that this one imports")


class Library(Envelope):
    """Functions, classes and constants that jobs share."""

    kind: Literal["Library"]
    spec: LibrarySpec = Field(description="Where the code is")
