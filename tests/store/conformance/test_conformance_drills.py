"""What every store does with crash drills."""

from __future__ import annotations

from dataclasses import replace

from store_builders import later

from runner.store.drills import DrillRecord
from runner.store.port import Store

DRILL = DrillRecord(
    job="import",
    digest="sha256:1",
    verdict="refuted",
    at=later(1),
    who="ana",
    checkpoints=4,
    kills=3,
    difference={"path": "outputs.rows", "was": 600, "now": 850},
    ignored=("outputs.at",),
)


def test_what_a_drill_found_comes_back_as_it_was(store: Store) -> None:
    store.transact(lambda tx: tx.drills.put(DRILL))
    with store.read() as reader:
        assert reader.drills.get("import") == DRILL
        assert reader.drills.get("export") is None


def test_the_last_drill_of_a_job_takes_the_place_of_the_one_before(store: Store) -> None:
    proven = replace(DRILL, verdict="proven", digest="sha256:2", difference={}, ignored=())
    other = replace(proven, job="export")
    for drill in (DRILL, proven, other):
        store.transact(lambda tx, drill=drill: tx.drills.put(drill))  # type: ignore[misc]
    with store.read() as reader:
        assert reader.drills.all() == [other, proven]
