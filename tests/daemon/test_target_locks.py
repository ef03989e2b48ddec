"""Which run works on which target: one at a time, and whoever waits is told when it is free."""

from __future__ import annotations

from runner.daemon.target_locks import TargetLocks


def at_once(callback: object) -> None:
    callback()  # type: ignore[operator]


def test_a_target_of_an_inventory_is_taken_by_one_run_and_others_hear_when_it_is_free() -> None:
    heard: list[str] = []
    locks = TargetLocks(at_once)
    assert locks.take("fleet", "edge-1", 1, lambda: heard.append("first"))
    assert locks.take("fleet", "edge-1", 1, lambda: heard.append("again")), "it is its own already"
    assert locks.take("others", "edge-1", 2, lambda: heard.append("elsewhere")), "of another inventory"
    assert not locks.take("fleet", "edge-1", 2, lambda: heard.append("second"))
    assert not locks.take("fleet", "edge-1", 3, lambda: heard.append("third"))
    locks.release("fleet", "edge-1", 2)
    assert heard == [], "only its owner gives it back"
    locks.release("fleet", "edge-1", 1)
    assert heard == ["second", "third"]
    assert locks.take("fleet", "edge-1", 3, lambda: None)


def test_a_process_that_outlived_its_run_keeps_its_target_until_it_is_gone() -> None:
    locks = TargetLocks(at_once)
    locks.take("fleet", "edge-1", 1, lambda: None)
    locks.take("others", "edge-1", 2, lambda: None)
    locks.gone("edge-1", 1)
    assert locks.take("fleet", "edge-1", 3, lambda: None)
    assert not locks.take("others", "edge-1", 3, lambda: None)
