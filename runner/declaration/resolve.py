"""What does a declaration say once every default is filled in?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The other objects that a resolved spec is made of, and the files.

    Documents are whole (`{"metadata": …, "spec": …}`), keyed by name; shipped JobTypes need not be given.
    `folders` has, for an address, the folder of the declaring file relative to the source's root ("" for the
    root itself); `files` has the sha256 (hex) of every named file by its path relative to that root.
    """

    job_types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schedules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    libraries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    runner: Mapping[str, Any] | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def resolve(document: Mapping[str, Any], kind: str, around: Surroundings) -> dict[str, Any]:
    """The resolved spec of a valid document, as plain JSON with every default explicit."""
    raise NotImplementedError
