"""What every object has around its spec: the envelope of the Kubernetes Resource Model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.texts import LabelKey, LabelValue, Model, ObjectName, Text


class Metadata(Model):
    """Name, labels and annotations of an object."""

    name: ObjectName = Field(description="Lower-case DNS label, unique per kind, at most 63 characters")
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Tags, for selection with -l"
    )
    annotations: dict[LabelKey, Text] = Field(
        default_factory=dict,
        description="Notes for tools; jobs.runner/prune: disabled, jobs.runner/reconcile: disabled and "
        "jobs.runner/moved-from: OLD-NAME steer the reconciler",
    )


class Envelope(Model):
    """The part of a document that is the same for every kind."""

    api_version: Literal["jobs.runner/v1"] = Field(description="Version of the language")
    metadata: Metadata = Field(description="Name, labels and annotations")
