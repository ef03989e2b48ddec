"""Which names and functions does an expression use? Asked of its tree, as expression_parser.py makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, bytes, true, false or null; `text` when it is a text."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`target.name`, or `target["name"]`."""

    target: Node
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`name(…)` or `target.name(…)`."""

    target: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Any other combination: an operator, a list, a mapping, an index."""

    parts: tuple[Node, ...]


Node = Literal | Name | Member | Call | Parts

Chain = tuple[str, ...]

_MACROS = {"all": (2,), "exists": (2,), "exists_one": (2,), "map": (2, 3), "filter": (2,)}


def chains(tree: Node) -> Iterator[Chain]:
    """Every free variable with the members that are read of it: `inputs.region` is `("inputs", "region")`."""
    yield from _chains(tree, frozenset())


def calls(tree: Node) -> Iterator[Call]:
    """Every call in the tree, outermost first."""
    match tree:
        case Call(target, _, arguments):
            yield tree
            for each in (*((target,) if target is not None else ()), *arguments):
                yield from calls(each)
        case Member(target, _):
            yield from calls(target)
        case Parts(parts):
            for each in parts:
                yield from calls(each)


def is_macro(call: Call) -> bool:
    """Whether a call binds its first argument as a variable: `list.all(x, x > 0)`."""
    binds = call.target is not None and len(call.arguments) in _MACROS.get(call.name, ())
    return binds and isinstance(call.arguments[0], Name)


def _chains(tree: Node, bound: frozenset[str]) -> Iterator[Chain]:
    match tree:
        case Name() | Member():
            chain = _as_chain(tree)
            if chain is None:
                assert isinstance(tree, Member)
                yield from _chains(tree.target, bound)
            elif chain[0] not in bound:
                yield chain
        case Call(target, _, arguments):
            if target is not None:
                yield from _chains(target, bound)
            if is_macro(tree) and isinstance(arguments[0], Name):
                bound, arguments = bound | {arguments[0].name}, arguments[1:]
            for each in arguments:
                yield from _chains(each, bound)
        case Parts(parts):
            for each in parts:
                yield from _chains(each, bound)


def _as_chain(tree: Node) -> Chain | None:
    names: list[str] = []
    while isinstance(tree, Member):
        names.append(tree.name)
        tree = tree.target
    return (tree.name, *reversed(names)) if isinstance(tree, Name) else None
