"""What is installed, as far as a part of a plan must know it."""

from __future__ import annotations

from collections.abc import Collection

from runner.declaration.facts import addresses_in, facts_of
from runner.store.port import Reader
from runner.vocabulary.identity import Address


class InstalledNow:
    """Asked only about objects whose change is left out."""

    def __init__(self, reader: Reader | None) -> None:
        self._reader = reader

    def has(self, address: Address) -> bool:
        return self._reader is not None and self._reader.objects.get(address) is not None

    def references(self, address: Address) -> Collection[str]:
        record = self._reader.objects.get(address) if self._reader is not None else None
        return () if record is None else addresses_in(facts_of(record.declared, record.kind))
