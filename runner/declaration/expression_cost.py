"""How many steps would an expression take with these values? Asked before: nothing can interrupt it.

The evaluator copies the list that it makes for each element of `map` and `filter`: ten thousand of them, as
a webhook can bring, take 15 seconds, and the process that evaluates them does nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from runner.declaration.expression_tree import Call, Literal, Member, Name, Node, Parts, is_macro

MOST_STEPS = 10_000_000
"""About a second."""

_EACH = 5
"""Of an element that a macro looks at, in copies of one that it keeps."""

_KEEPING = ("map", "filter")


class _Stands(NamedTuple):
    """What a part of an expression stands for: how many values at most, after how many steps; the values
    themselves where they are known.
    """

    size: float
    steps: float
    values: Sequence[Any] | None = None


def steps_of(tree: Node, variables: Mapping[str, Any]) -> float:
    """An upper bound, but for what is known of the values."""
    names = {name: _known([value]) for name, value in variables.items()}
    return _stands(
        tree, names, float(max((_largest(value) for value in variables.values()), default=1))
    ).steps


def _stands(tree: Node, names: Mapping[str, _Stands], largest: float) -> _Stands:
    match tree:
        case Literal():
            return _Stands(1, 1)
        case Name(name):
            return names.get(name, _Stands(largest, 1))
        case Member(target, name):
            whole = _stands(target, names, largest)
            if whole.values is None:
                return _Stands(whole.size, whole.steps)
            found = [each[name] for each in whole.values if isinstance(each, Mapping) and name in each]
            return _known(found, whole.steps)
        case Call() if is_macro(tree):
            return _macro(tree, names, largest)
        case Call(target, _, arguments):
            return _together((*((target,) if target is not None else ()), *arguments), names, largest)
        case Parts(parts):
            return _together(parts, names, largest)


def _macro(call: Call, names: Mapping[str, _Stands], largest: float) -> _Stands:
    assert call.target is not None
    bound, *rest = call.arguments
    assert isinstance(bound, Name)
    over = _stands(call.target, names, largest)
    each = _Stands(over.size, 1) if over.values is None else _known(list(_elements(over.values)))
    inner = _together(rest, {**names, bound.name: each}, largest)
    steps = over.steps + over.size * (_EACH + inner.steps)
    if call.name in _KEEPING:
        steps += over.size**2
    return _Stands(max(over.size, inner.size), steps)


def _together(parts: Iterable[Node], names: Mapping[str, _Stands], largest: float) -> _Stands:
    found = [_stands(part, names, largest) for part in parts]
    size = sum(each.size for each in found)
    return _Stands(size, size + sum(each.steps for each in found))


def _known(values: Sequence[Any], steps: float = 1) -> _Stands:
    return _Stands(max((_size(value) for value in values), default=1), steps, values)


def _elements(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, list | tuple | Mapping):
            yield from value


def _size(value: Any) -> int:
    return max(len(value), 1) if isinstance(value, list | tuple | Mapping) else 1


def _largest(value: Any) -> int:
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return max([_size(value), *map(_largest, below)])
