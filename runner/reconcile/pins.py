"""Which objects does a rollback hold at what they were, whatever is declared now, and for how long?

A pin holds while the object is declared as the bad commit had it. The first tree that declares it otherwise
(or no longer, or again) ends the pin, and flows; so does whatever is not pinned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner.declaration.declared import Declared, Document
from runner.declaration.digest import canonical
from runner.reconcile.plan import Change
from runner.vocabulary.identity import Address


@dataclass(frozen=True, slots=True)
class Pin:
    """One object that is held at `declared`; None: it stays away.

    `bad_digest` is what the bad commit made of it, empty when that removed it. `bad_own` is of its own
    declaration and files there; empty when only something that it refers to had changed. Pins of one `uid`
    (an object that was renamed) end together. `told` says since when, by whom and why.
    """

    id: int
    address: Address
    uid: str
    bad_digest: str
    bad_own: str
    declared: Declared | None
    document: Document | None
    told: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """What is declared once the pins that hold are laid over it; `ended` are those that do not."""

    objects: Mapping[Address, Declared]
    documents: Mapping[Address, Document]
    kept: tuple[Pin, ...] = ()
    ended: tuple[Pin, ...] = ()
    notes: tuple[Change, ...] = ()


def own_digest(document: Document) -> str:
    """Of what the object's author wrote: its declaration and the content of the files that it names."""
    return hashlib.sha256(canonical([document.declared, dict(document.files)])).hexdigest()


def under_pins(
    pins: Sequence[Pin],
    objects: Mapping[Address, Declared],
    documents: Mapping[Address, Document],
) -> Pinned:
    """Which pins hold against this tree, and what is declared under them."""
    over = {pin.uid for pin in pins if not _holds(pin, objects, lambda at: own_digest(documents[at]))}
    kept = tuple(pin for pin in pins if pin.uid not in over)
    ended = tuple(pin for pin in pins if pin.uid in over)
    if not kept:
        return Pinned(objects, documents, (), ended)
    laid_over = dict(objects)
    for pin in kept:
        laid_over.pop(pin.address, None)
        if pin.declared is not None:
            laid_over[pin.address] = pin.declared
    own = {pin.address: pin.document for pin in kept if pin.document is not None}
    notes = tuple(_note(pin, objects.get(pin.address)) for pin in kept)
    return Pinned(laid_over, _LaidOver(own, documents), kept, ended, notes)


def _holds(pin: Pin, objects: Mapping[Address, Declared], own_of: Callable[[Address], str]) -> bool:
    now = objects.get(pin.address)
    if now is None or not pin.bad_digest:
        return now is None and not pin.bad_digest
    if now.digest == pin.bad_digest:
        return True
    return bool(pin.bad_own) and own_of(pin.address) == pin.bad_own


def _note(pin: Pin, now: Declared | None) -> Change:
    what = "stays away" if pin.declared is None else "stays as it was"
    place = now.place if now is not None else pin.declared.place if pin.declared is not None else None
    return Change(
        "note",
        pin.address,
        f"{what}: {pin.told}",
        place,
        uid=pin.uid,
        impact={"left_alone": True, "pinned": True},
    )


class _LaidOver(Mapping[Address, Document]):
    """Documents of pinned objects, and those of the tree, which are made when they are asked for."""

    def __init__(self, own: Mapping[Address, Document], below: Mapping[Address, Document]) -> None:
        self._own, self._below = own, below

    def __getitem__(self, address: Address) -> Document:
        found = self._own.get(address)
        return self._below[address] if found is None else found

    def __iter__(self) -> Iterator[Address]:
        return iter({*self._own, *self._below})

    def __len__(self) -> int:
        return len({*self._own, *self._below})
