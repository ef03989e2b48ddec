"""What else is a resolved spec made of: other objects, the installation's settings, files?"""

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
    inventories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    calendars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    runner: Mapping[str, Any] | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The Runner's spec as written; empty when there is none."""
        return spec_of(self.runner)

    @property
    def timezone(self) -> str:
        """The zone of schedules that name none (R8)."""
        return str(self.settings.get("timezone") or "UTC")

    def job_type(self, name: str) -> Mapping[str, Any]:
        """The spec of a JobType, the user's own or a shipped one."""
        if name in self.job_types:
            return spec_of(self.job_types[name])
        from runner.declaration.shipped_types import shipped_type

        return spec_of(shipped_type(name))

    def sha256(self, path: str) -> str:
        """The hash of a file that an object names; LookupError when nobody has read that file."""
        if path not in self.files:
            raise LookupError(f"{path} is named by a declaration and was not read")
        return self.files[path]


def spec_of(document: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A document's spec; empty when it has none."""
    return (document or {}).get("spec") or {}
