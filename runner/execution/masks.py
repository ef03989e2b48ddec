"""What hides the secrets of an instance in what it prints and says?"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

MASKED = "***"
SHORTEST_MASK = 4
"""Characters: masking shorter texts would blank out half of every log, and tell their places."""


class Masks:
    """The secrets of one instance, and their replacement."""

    __slots__ = ("_bytes", "_text", "longest")

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            # The lines of a key are masked each: it may be printed over several reads.
            for text in (secret, secret.strip(), *secret.splitlines()):
                for form in (text, quote(text, safe=""), repr(text)[1:-1], *_base64_forms(text)):
                    if len(form) >= SHORTEST_MASK and form.strip():
                        forms.add(form)
        ordered = sorted(forms, key=len, reverse=True)
        self.longest = len(ordered[0].encode()) if ordered else 0
        self._text = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        encoded = [re.escape(form.encode("utf-8", "surrogateescape")) for form in ordered]
        self._bytes = re.compile(b"|".join(encoded)) if ordered else None

    def hide(self, text: str) -> str:
        """`text` without the secrets."""
        return text if self._text is None else self._text.sub(MASKED, text)

    def hide_bytes(self, data: bytes) -> bytes:
        """`data` without the secrets."""
        return data if self._bytes is None else self._bytes.sub(MASKED.encode(), data)

    def hide_all(self, value: Any) -> Any:
        """The same JSON value with every text in it hidden."""
        if self._text is None:
            return value
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(name): self.hide_all(inner) for name, inner in value.items()}
        return [self.hide_all(inner) for inner in value] if isinstance(value, list) else value


def _base64_forms(secret: str) -> Iterator[str]:
    """How a secret looks in base64, alone and within a longer text: in `Authorization: Basic …` a name leads.

    Both alphabets, with and without padding, and in lines of 64 and 76 characters. Within a longer text it
    begins at one of three places of a group; what depends on its neighbours there is left out.
    """
    data = secret.encode("utf-8", "surrogateescape")
    if len(data) < SHORTEST_MASK:
        return
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        alone = encode(data).decode()
        yield alone
        yield alone.rstrip("=")
        for width in (64, 76):
            if len(alone) > width:
                yield from (alone[at : at + width] for at in range(0, len(alone), width))
        for before in range(3):
            within = encode(b"\0" * before + data).decode()
            first, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
            yield within[first:end]


NO_MASKS = Masks(())
