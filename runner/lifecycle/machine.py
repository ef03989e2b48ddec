"""A state machine as a table of moves; everybody else names events, never target states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runner.vocabulary.errors import IllegalTransition


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a table.

    `who` lists who may cause it: S the system, O an operator, T the time. `trigger`, `guard` and `effect`
    are prose for people; whoever writes the move has already checked the guard.
    """

    row: str
    before: str
    after: str
    event: str
    who: str
    trigger: str
    guard: str
    effect: str


class Table:
    """All the moves of one kind of thing.

    `initial` is the state of what does not exist yet; `also` gives a second event name to a row where two
    questions have the same answer there.
    """

    def __init__(
        self,
        name: str,
        moves: Iterable[Move],
        *,
        initial: str,
        also: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.name = name
        self.initial = initial
        self.moves = tuple(moves)
        rows = {move.row: move for move in self.moves}
        self._by_event: dict[tuple[str, str], Move] = {(m.before, m.event): m for m in self.moves}
        self._by_event.update({key: rows[row] for key, row in (also or {}).items()})
        self.states = frozenset({m.before for m in self.moves} | {m.after for m in self.moves})
        self.terminal = self.states - {m.before for m in self.moves}
        self.events = frozenset(event for _, event in self._by_event)

    def move(self, state: str, event: str) -> Move:
        """The row for `event` in `state`; IllegalTransition, naming the states that accept it, if none."""
        found = self._by_event.get((state, event))
        if found is None:
            accepted = ", ".join(self.accepting(event)) or "no state"
            raise IllegalTransition(
                f"{self.name} in state {state} does not accept '{event}'; it is accepted in {accepted}"
            )
        return found

    def accepts(self, state: str, event: str) -> bool:
        """Whether `event` is allowed in `state`."""
        return (state, event) in self._by_event

    def accepting(self, event: str) -> tuple[str, ...]:
        """The states in which `event` is allowed, in the order of the table."""
        return tuple(dict.fromkeys(before for before, name in self._by_event if name == event))

    def events_of(self, move: Move) -> tuple[str, ...]:
        """Every event name that leads to this row."""
        return tuple(event for (_, event), found in self._by_event.items() if found is move)
