"""The documents of a tree, each materialised when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.declaration.declared import Document
from runner.loading.tree import Tree
from runner.vocabulary.identity import Address


class Documents(Mapping[Address, Document]):
    """By address; of ten thousand, a plan asks for the few that differ."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __getitem__(self, address: Address) -> Document:
        return self._tree.document(address)

    def __iter__(self) -> Iterator[Address]:
        return iter(self._tree.objects)

    def __len__(self) -> int:
        return len(self._tree.objects)
