"""kill -9 of a random one of daemon, zygote and child, at a random moment, again and again.

`RUNNER_CHAOS_ROUNDS` says how many rounds the long one has, `RUNNER_CHAOS_SEED` repeats one.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.chaos.storm import Storm

SEED = int(os.environ.get("RUNNER_CHAOS_SEED") or secrets.randbelow(2**32))

ENOUGH_FOR_NAPS = 200
"""Rounds of a storm that lasts much longer than its longest sleep."""


def weather(folder: Path, rounds: int) -> None:
    storm = Storm(folder, SEED, naps=rounds >= ENOUGH_FOR_NAPS)
    print(f"RUNNER_CHAOS_SEED={SEED}")
    try:
        for _ in range(rounds):
            storm.round()
        storm.settle()
    finally:
        storm.end()
    print(f"{rounds} rounds, killed: {dict(storm.killed)}")


@pytest.mark.timeout(120)
def test_nothing_is_lost_doubled_or_stuck(tmp_path: Path) -> None:
    weather(tmp_path, 5)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_nothing_is_lost_doubled_or_stuck_in_a_long_storm(tmp_path: Path) -> None:
    weather(tmp_path, int(os.environ.get("RUNNER_CHAOS_ROUNDS", "500")))
