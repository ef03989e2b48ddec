"""What is one step of a job?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.actions.copy import Copy
from runner.declaration.actions.http import Http
from runner.declaration.actions.prune import Prune
from runner.declaration.actions.python import Python
from runner.declaration.actions.shell import Shell
from runner.declaration.actions.sql import Sql
from runner.declaration.kinds.retry import RETRY, Retry, RetryErrors
from runner.declaration.texts import Bool, Duration, Expression, FieldName, Line, Model, Source, Text


class Step(Model):
    """Exactly one action, and when and how it runs."""

    name: FieldName = Field(description="Unique in the job; expressions read steps.NAME.outputs")
    shell: Source | tuple[Line, ...] | Shell | None = Field(
        default=None, description="A script (text), a program with arguments (list), or a mapping"
    )
    python: Python | None = Field(default=None, description="A function in a file, or Python source")
    sql: Sql | None = Field(default=None, description="One SQL statement or file, in its own transaction")
    copy_: Copy | None = Field(default=None, alias="copy", description="Rows between tables and files")
    prune: Prune | None = Field(default=None, description="Delete or archive files of a root")
    http: Http | None = Field(default=None, description="One request")
    if_: Expression | Bool | None = Field(
        default=None, alias="if", description="Expression; the step is skipped when it is false"
    )
    timeout: Duration | None = Field(default=None, description="Running time of the step")
    retry: Retry | None = Field(default=None, description=f"With onFailure: retry. {RETRY}; default once")
    retry_on: RetryErrors | None = Field(
        default=None, description="As retryOn of the job, for this step; default: the job's"
    )
    never_retry_on: RetryErrors | None = Field(
        default=None, description="As neverRetryOn of the job, for this step; default: the job's"
    )
    on_failure: Literal["continue", "retry", "fail"] = Field(
        default="fail", description="What a failure means for the instance"
    )
    remedy: Text | None = Field(default=None, description="Shown to people when the step fails")
    skippable: Bool = Field(
        default=False, description="true: an operator may leave it out (skip-step, rerun --from-step)"
    )
    interruptible: Bool = Field(
        default=True, description="false: no pause, eviction or window close kills it"
    )
