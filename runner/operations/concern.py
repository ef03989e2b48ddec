"""What should somebody know of the installation, and does it need a person?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to know. A `problem` needs a person; the others only may. `hint` is what to do."""

    kind: str
    name: str
    since: datetime | None
    summary: str
    hint: str
    problem: bool = True
