"""What a run has used, added up over its attempts and stored with it."""

from __future__ import annotations

from typing import Any

from installations import Installation, a_job
from lives import a_slot_run, an_end, at, start

from runner.execution.order import Usage
from runner.operations.finish_instance import finish_instance

KiB = 1024


def an_attempt(here: Installation, id: int, began: Any, ended: Any, outcome: str, **used: Any) -> None:
    epoch = start(here, id, began)
    report = an_end(id, epoch, outcome)._replace(**used)
    here.store.transact(lambda tx: finish_instance(tx, report, None, ended, 0.5))


def test_attempts_are_added_up_and_the_peak_is_the_highest(here: Installation) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}, retry="backoff"))
    id = a_slot_run(here, "tick", at(1))
    first = {"usage": Usage(0.25, 300 * KiB), "output_bytes": 40, "checkpoints": 2}
    an_attempt(here, id, at(1), at(1, seconds=3), "failed", **first)
    assert here.instance(id).metrics == {
        "running_s": 3.0, "cpu_s": 0.25, "peak_memory": 300 * KiB, "log_bytes": 40, "checkpoints": 2,
    }  # fmt: skip
    second = {"usage": Usage(0.5, 200 * KiB), "output_bytes": 2, "checkpoints": 1}
    an_attempt(here, id, at(2), at(2, seconds=1.5), "failed", **second)
    assert here.instance(id).metrics == {
        "running_s": 4.5, "cpu_s": 0.75, "peak_memory": 300 * KiB, "log_bytes": 42, "checkpoints": 3,
    }  # fmt: skip


def test_a_run_that_never_had_a_process_has_used_nothing(here: Installation) -> None:
    here.install(a_job("tick"))
    assert here.instance(here.run("tick")).metrics == {}


def test_a_fan_out_has_used_what_its_targets_have(here: Installation) -> None:
    here.install(a_job("tick"))
    id = here.run("tick")

    def work(tx: Any) -> dict[str, Any]:
        for target, seconds, peak in (("a", 1.5, 10), ("b", 0.5, 30)):
            figures = (
                f'{{"running_s":{seconds},"cpu_s":0.1,"peak_memory":{peak},"log_bytes":1,"checkpoints":0}}'
            )
            tx.connection.execute(
                "INSERT INTO tasks (instance_id, target, state, metrics) VALUES (?, ?, 'SUCCEEDED', ?)",
                (id, target, figures),
            )
        found: dict[str, Any] = tx.tasks.metrics(id)
        return found

    assert here.store.transact(work) == {
        "running_s": 2.0, "cpu_s": 0.2, "peak_memory": 30, "log_bytes": 2, "checkpoints": 0,
    }  # fmt: skip
