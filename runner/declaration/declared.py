"""What the rest of the house holds of a declared object: cheap to list, whole only when needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.vocabulary.identity import Address, Place

API_VERSION = "jobs.runner/v1"

KINDS = (
    "Job", "Schedule", "JobType", "Library", "Group", "Inventory", "Calendar", "Connection",
    "Authorization", "Runner",
)  # fmt: skip
"""The kinds that this release reads, in the order in which documents and help texts name them."""

LATER_KINDS = ("Alert",)
"""Kinds of the language that this release does not run yet: named as such, never as misspelt."""

SHIPPED_JOB_TYPES = ("standard", "external", "system", "loyalty")
"""Names under `shipped/`; known here because asking for a name must not parse YAML."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One object as declared in the tree: what plan, lists and guards need, without its spec."""

    address: Address
    place: Place
    digest: str
    """`sha256:` and hex over the resolved declaration and the content of every file that it names."""
    execution_digest: str
    """As `digest`, without version, description and labels."""
    enabled: bool | None
    """Of a Job or Group, as declared; None when omitted: an operator decides."""
    labels: Mapping[str, str]
    protected: bool
    prune_disabled: bool
    reconcile_disabled: bool
    moved_from: str | None
    references: tuple[str, ...]
    """Addresses as text, sorted: `Schedule/nightly`."""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole of one object, materialised only when it is needed."""

    declared: Mapping[str, Any]
    """`{"metadata": …, "spec": …}` as written."""
    resolved: Mapping[str, Any]
    """The spec with its type's and the Runner's defaults filled in; every default explicit."""
    files: Mapping[str, str]
    """Path relative to the source's root → sha256 in hex."""
