"""Fields of `shell`: run a script or a program."""

from __future__ import annotations

from pydantic import Field

from runner.declaration.texts import EnvName, Line, Model, RelativePath, Scalar, Source, Whole


class Shell(Model):
    """Exactly one of script, argv and file. Outputs: lines `name=value` in `$RUNNER_OUTPUT`."""

    script: Source | None = Field(default=None, description="Script for /bin/sh; no ${{ }} in it")
    argv: tuple[Line, ...] | None = Field(
        default=None, min_length=1, description="Program and arguments, without a shell; ${{ }} is fine"
    )
    file: RelativePath | None = Field(default=None, description="Script file, relative to the declaring file")
    arguments: tuple[Line, ...] = Field(default=(), description="$1, $2, … of script or file; ${{ }} is fine")
    env: dict[EnvName, Scalar] = Field(
        default_factory=dict, description="Environment of this step beside the job's; ${{ }} is fine"
    )
    workdir: Line | None = Field(default=None, description="Folder to run in; default the instance's own")
    success_codes: tuple[Whole, ...] = Field(
        default=(0,), min_length=1, description="Exit codes that are success"
    )
