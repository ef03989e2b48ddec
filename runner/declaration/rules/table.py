"""Kind → the rules for its documents. A rule gets the document and its spec, and yields problems.

Rules see documents that may have schema errors too: they look before they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runner.declaration.problem import Problem
from runner.declaration.rules import (
    calendar,
    credentials,
    expressions,
    external,
    inventory,
    job,
    metadata,
    schedule,
    settings,
    steps,
)

Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], Iterable[Problem]]

_RULES: dict[str, tuple[Rule, ...]] = {
    "Job": (
        metadata.our_annotations,
        job.body,
        external.job,
        job.shorthands,
        job.schedules,
        job.policies,
        job.code,
        job.inputs,
        inventory.fan_out,
        steps.steps,
        credentials.environment,
        expressions.of_job,
    ),
    "Schedule": (metadata.our_annotations, schedule.named),
    "JobType": (
        metadata.our_annotations,
        external.job_type,
        job.inputs,
        job.policies,
        steps.steps,
        credentials.environment,
        expressions.of_job_type,
    ),
    "Library": (metadata.our_annotations, settings.library),
    "Group": (metadata.our_annotations,),
    "Inventory": (metadata.our_annotations, inventory.inventory),
    "Calendar": (metadata.our_annotations, calendar.dates),
    "Connection": (metadata.our_annotations, credentials.connection),
    "Authorization": (metadata.our_annotations, credentials.authorization),
    "Runner": (metadata.our_annotations, settings.runner, job.policies, credentials.environment),
}


def rules_of(kind: str) -> tuple[Rule, ...]:
    """The rules for a kind's documents, in the order in which their problems are told."""
    return _RULES[kind]
