"""What was noticed at the start of an instance is kept once."""

from __future__ import annotations

from installations import ANA, NOW, Installation, a_job

from runner.operations.record_warnings import record_warnings
from runner.operations.trigger import trigger_job


def test_a_warning_is_kept_once_however_often_the_run_is_started(here: Installation) -> None:
    here.install(a_job("tick", schedule=None))
    id = trigger_job(here.store, "tick", actor=ANA, key="1", now=NOW).id
    for warnings in (["open", "open"], ["open", "wide open"]):
        here.store.transact(lambda tx, warnings=warnings: record_warnings(tx, id, warnings, NOW))
    with here.store.read() as reader:
        assert [(e.severity, e.description) for e in reader.errors.of(id)] == [
            ("warning", "open"),
            ("warning", "wide open"),
        ]
