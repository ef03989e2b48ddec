"""What do these files declare, when nothing is known of them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.loading.files import read_file
from runner.loading.verdict import examine, pack
from runner.loading.walk import Complaint

if TYPE_CHECKING:
    from runner.loading.second_process import SecondProcess


class Examined(NamedTuple):
    """A file that was read: the sha256 of its content, and the packed verdict on it."""

    sha256: bytes
    packed: bytes


def examine_files(
    root: str, paths: Sequence[str], second: SecondProcess | None = None
) -> dict[str, Examined | Complaint]:
    """The verdict on each file, or why it could not be read; half of them from the second process."""
    if second is None:
        return dict(zip(paths, examine_each(root, paths), strict=True))
    middle = len(paths) // 2
    mine, theirs = paths[:middle], paths[middle:]
    second.ask("examine", root, list(theirs))
    found = dict(zip(mine, examine_each(root, mine), strict=True))
    answer = second.answer()
    if answer is None:  # it was killed: slower, but not wrong
        found.update(zip(theirs, examine_each(root, theirs), strict=True))
    else:
        found.update((p, _examined(each)) for p, each in zip(theirs, answer, strict=True))
    return found


def examine_each(root: str, paths: Iterable[str]) -> Iterator[Examined | Complaint]:
    """The verdicts one after the other, on this core."""
    for path in paths:
        content = read_file(root, path)
        if isinstance(content, Complaint):
            yield content
        else:
            yield Examined(content.sha256, pack(examine(content.raw)))


def _examined(values: tuple[Any, ...]) -> Examined | Complaint:
    return Examined(*values) if len(values) == 2 else Complaint(*values)
