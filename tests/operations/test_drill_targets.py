"""Which targets of a job over an inventory are drilled."""

from __future__ import annotations

import pytest

from runner.operations.drill_targets import evenly, one_after_the_other

FLEET = [(f"edge-{n}", {}) for n in range(1, 11)]


@pytest.mark.parametrize(
    ("most", "names"),
    [
        (1, ["edge-1"]),
        (2, ["edge-1", "edge-10"]),
        (3, ["edge-1", "edge-5", "edge-10"]),
        (10, [name for name, _ in FLEET]),
        (99, [name for name, _ in FLEET]),
    ],
)
def test_a_few_are_chosen_evenly_the_first_and_the_last_among_them(most: int, names: list[str]) -> None:
    assert [name for name, _ in evenly(FLEET, most)] == names


def test_each_has_one_try_and_goes_on_after_a_kill() -> None:
    tasks = one_after_the_other({"inventory": "fleet", "parallel": 8, "retryEvery": "5m", "expiresIn": None})
    assert (tasks["parallel"], tasks["inventory"]) == (1, "fleet")
    assert (tasks["retryEvery"], tasks["expiresIn"]) == ("30d", "29d")
