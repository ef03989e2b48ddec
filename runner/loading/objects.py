"""The declared objects of a tree, made one by one when somebody asks for them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping

from runner.declaration.declared import Declared
from runner.declaration.facts import addresses_in
from runner.loading.snapshot import Held, Record, Snapshot, unpack_record
from runner.vocabulary.identity import Address, Place


class Objects(Mapping[Address, Declared]):
    """By address, in the order of addresses. Asking for digests alone makes no objects."""

    def __init__(
        self, snapshot: Snapshot, shown: Callable[[str], str], is_part: Callable[[str], bool] | None
    ) -> None:
        self._shown = shown
        self._records: list[bytes] = snapshot["records"]
        self._paths = snapshot.paths()
        addresses, owners = snapshot.addresses(), snapshot.owners()
        self._digests = snapshot.digests()
        if is_part is not None:
            kept = [index for index, owner in enumerate(owners) if is_part(self._paths[owner])]
            self._addresses = [addresses[index] for index in kept]
            self._owners = [owners[index] for index in kept]
            self._digests = [self._digests[index] for index in kept]
        else:
            self._addresses, self._owners = addresses, list(owners)
        self._made: dict[str, Declared] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[Address]:
        for text in self._addresses:
            kind, _, name = text.partition("/")
            yield Address(kind, name)

    def __contains__(self, address: object) -> bool:
        return isinstance(address, tuple) and len(address) == 2 and self._index(address) is not None

    def __getitem__(self, address: Address) -> Declared:
        text = f"{address[0]}/{address[1]}"
        if text not in self._made:
            path, _, _, held = self.held(address)
            self._made[text] = _declared(held, Place(self._shown(path), held.line))
        return self._made[text]

    def digests(self) -> Mapping[str, str]:
        """The digest of every object, by its address as text."""
        return dict(zip(self._addresses, self._digests, strict=True))

    def held(self, address: Address) -> tuple[str, int, Record, Held]:
        """The path and position of the file that declares the object, its record, and what it holds of it."""
        index = self._index(address)
        if index is None:
            raise KeyError(address)
        at = self._owners[index]
        record = unpack_record(self._records[at])
        held = next(each for each in record.held if each.kind == address[0] and each.name == address[1])
        return self._paths[at], at, record, held

    def _index(self, address: tuple[str, str]) -> int | None:
        text = f"{address[0]}/{address[1]}"
        index = bisect_left(self._addresses, text)
        return index if index < len(self._addresses) and self._addresses[index] == text else None


def _declared(held: Held, place: Place) -> Declared:
    facts = held.facts
    return Declared(
        address=Address(held.kind, held.name),
        place=place,
        digest=held.digest,
        execution_digest=held.execution_digest,
        enabled=facts["enabled"],
        labels=facts["labels"],
        protected=held.protected,
        prune_disabled=facts["pruneDisabled"],
        reconcile_disabled=facts["reconcileDisabled"],
        moved_from=facts.get("movedFrom"),
        references=addresses_in(facts),
    )
