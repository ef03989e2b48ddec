"""What does doctor say? One finding per question, and what now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question; anything but `ok` says what now."""

    topic: str
    verdict: Literal["ok", "warning", "error"]
    text: str
    advice: str = ""
