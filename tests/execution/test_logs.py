"""Logs are followed while they grow, to their end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runner.execution.logs import follow_log, follow_targets
from runner.execution.output import Log


def following(path: Path, writes: list[Callable[[], object]]) -> list[str]:
    """The texts that follow_log yields while, at each of its waits, the next write happens."""
    waiting = list(writes)
    return [
        line.text
        for line in follow_log(path, lambda: not waiting, wait=lambda _seconds: waiting.pop(0)() and None)
    ]


def test_following_shows_what_is_added_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(str(path), 1 << 20)
    writes: list[Callable[[], object]] = [
        lambda: log.write("a", "out", b"one\ntw"),
        lambda: None,
        lambda: log.write("a", "out", b"o\n"),
        lambda: log.write("a", "err", b"three"),
        log.close,
    ]

    assert following(path, writes) == ["one", "two", "three"]


def test_the_logs_of_targets_are_followed_together(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    told: list[str] = []
    rounds = iter(range(3))

    def grow(_: float) -> None:
        match next(rounds):
            case 0:
                folder.mkdir()
                (folder / "edge-1.log").write_text("2026-11-21T12:00:00.000Z ask out one\n2026-11-21T12")
            case 1:
                with (folder / "edge-1.log").open("a") as file:
                    file.write(":00:01.000Z ask out two\n")
                (folder / "edge-2.log").write_text("2026-11-21T12:00:02.000Z ask err three\n")

    for line in follow_targets(folder, lambda: len(told) == 3, wait=grow):
        told.append(f"{line.step} {line.text}")
    assert told == ["edge-1/ask one", "edge-1/ask two", "edge-2/ask three"]
