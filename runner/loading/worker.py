"""What the second process of a cold load does: `python -P -m runner.loading.worker`."""

from __future__ import annotations

import gc
import sys
from typing import IO, Any

from runner.loading.contents import Contents
from runner.loading.examination import Examined, examine_each
from runner.loading.memory import Memory
from runner.loading.resolving import Resolver, record_of
from runner.loading.second_process import receive, send
from runner.loading.snapshot import Named, Record, pack_record


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    memory = Memory("", Contents(None, ""))
    while (question := receive(questions)) is not None:
        answer = (
            _examine(memory, *question[1:]) if question[0] == "examine" else _resolve(memory, *question[1:])
        )
        send(answers, answer)


def _examine(memory: Memory, root: str, paths: list[str]) -> list[tuple[Any, ...]]:
    memory.root = root
    found = []
    for each in examine_each(root, paths):
        if isinstance(each, Examined):
            memory.fresh[each.sha256] = each.packed
        found.append(tuple(each))
    return found


def _resolve(
    memory: Memory,
    paths: dict[int, str],
    named: dict[str, str],
    special: dict[int, tuple[bytes, bytes]],
    wanted: dict[int, bytes],
) -> dict[int, bytes] | None:
    """The packed records of the wanted files, by position; None when one of them was not examined here."""
    memory.fresh.update(special.values())
    if not all(sha256 in memory.fresh for sha256 in wanted.values()):
        return None
    records = {at: Record(sha256, [], []) for at, (sha256, _) in special.items()}
    resolver = Resolver(paths, memory, {path: Named((), sha256) for path, sha256 in named.items()}, records)
    empty = {at: record_of(sha256, memory.fresh[sha256]) for at, sha256 in wanted.items()}
    return {at: pack_record(record) for at, record in resolver.resolve_all(empty).items()}


if __name__ == "__main__":
    gc.disable()  # it lives for one load, and would go again and again over what is being built
    serve(sys.stdin.buffer, sys.stdout.buffer)
