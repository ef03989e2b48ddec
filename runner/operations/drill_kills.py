"""At which moments is a drilled run killed?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Checkpoint(NamedTuple):
    """What an undisturbed run recorded, in its order: a checkpoint or a sleep of a step's code, the end of a
    step, or that of a target with its last step.
    """

    step: str
    kind: str
    """`checkpoint`, `sleep`, `step` or `target`."""


class Kill(NamedTuple):
    """One moment: `after` so many checkpoints.

    Not `late`: as soon as the last of them is durable; what a process only remembers is lost. `late`: when
    all work up to the next one (or to the end of the run) is done and nothing of it is recorded; that work is
    done again.
    """

    after: int
    late: bool


def choose_kills(checkpoints: int, most: int) -> tuple[Kill, ...]:
    """Both moments after each checkpoint, and the one before there is any, in their order.

    When these are more than `most`: both moments after checkpoints that are chosen evenly, the last among
    them, and the first of all if `most` allows for it.
    """
    places = checkpoints + 1
    chosen = places if 2 * places - 1 <= most else max(1, (most + 1) // 2)
    kills: list[Kill] = []
    for after in _evenly(checkpoints, chosen):
        if after > 0:
            kills.append(Kill(after, late=False))
        kills.append(Kill(after, late=True))
    return tuple(kills[-max(most, 1) :])


def that_can_be_done(kills: Sequence[Kill], checkpoints: Sequence[Checkpoint]) -> tuple[Kill, ...]:
    """Without those at once after the end of a target: there is no process then."""
    return tuple(kill for kill in kills if kill.late or checkpoints[kill.after - 1].kind != "target")


def numbers(kills: Sequence[Kill]) -> tuple[int, ...]:
    """The checkpoints after which it is killed."""
    return tuple(dict.fromkeys(kill.after for kill in kills))


def _evenly(last: int, count: int) -> list[int]:
    """`count` whole numbers from 0 to `last`, both among them; of one number only the last."""
    if count == 1:
        return [last]
    return list(dict.fromkeys(round(place * last / (count - 1)) for place in range(count)))
