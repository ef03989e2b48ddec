"""Keep what the runner itself noticed when it started an instance, beside what the job's code raises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.store.errors import ErrorRecord
from runner.store.port import Transaction

CODE = "authorization"


def record_warnings(tx: Transaction, instance_id: int, warnings: Sequence[str], at: datetime) -> None:
    """Each once per instance, however often it is started; a warning never makes a run fail (system E5)."""
    known = {error.description for error in tx.errors.of(instance_id)}
    for text in dict.fromkeys(warnings):
        if text not in known:
            tx.errors.add(ErrorRecord(instance_id, at, "warning", CODE, text))
