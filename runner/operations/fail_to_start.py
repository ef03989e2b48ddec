"""Record that a claimed instance could not be started: no process was ever made for it."""

from __future__ import annotations

from datetime import datetime

from runner.credentials.authorization import CredentialMissing
from runner.declaration.expressions import ExpressionError
from runner.operations.finish_instance import failed
from runner.operations.outcome import Finished, Recording, definition_of
from runner.operations.run_as import CannotRunAs
from runner.operations.whole_copies import DamagedCopy
from runner.store.port import Transaction
from runner.vocabulary.errors import UnknownName

DISPATCHER = "system:dispatcher"


def fail_to_start(
    tx: Transaction, instance_id: int, epoch: int, problem: Exception, now: datetime, draw: float
) -> Finished | None:
    """FAILED with the message, or again later; None when a later epoch owns it.

    No retry is spent on a missing secret, a missing connection or a damaged copy: time alone does not bring
    them back (C7).
    """
    instance = tx.instances.get(instance_id)
    if instance is None or instance.epoch != epoch or instance.state not in ("RUNNING", "STOPPING"):
        return None
    recording = Recording(tx, instance, definition_of(tx, instance), now, DISPATCHER)
    if instance.state == "STOPPING":
        return recording.stopped()
    error = {"code": code_of(problem), "description": str(problem) or type(problem).__name__}
    return failed(recording, error, draw, retryable=not is_lasting(problem))


def is_lasting(problem: Exception) -> bool:
    """Whether time alone does not bring back what is missing."""
    return isinstance(problem, CredentialMissing | UnknownName | DamagedCopy | ExpressionError | CannotRunAs)


def code_of(problem: Exception) -> str:
    """The code of an error that nothing but this exception tells about."""
    if isinstance(problem, ExpressionError):
        return "expression"
    if isinstance(problem, CredentialMissing):
        return "authorization"
    if isinstance(problem, DamagedCopy):
        return "damaged-copy"
    if isinstance(problem, CannotRunAs):
        return "run-as"
    return "unknown-name" if isinstance(problem, UnknownName) else "not-started"
