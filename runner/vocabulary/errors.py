"""Exceptions for callers: one class per different reaction."""

from __future__ import annotations

from collections.abc import Sequence

from runner.vocabulary.diagnostic import Diagnostic


class RunnerError(Exception):
    """Something went wrong that a person can understand; the message says where, what and what now."""


class Refused(RunnerError):
    """A guard said no, and nothing was changed (exit code 3)."""


class NotAllowed(Refused):
    """This actor may not do this."""


class StalePlan(Refused):
    """What is installed is no longer what the plan was made against."""


class AppliesNow(Refused):
    """Somebody else applies at this moment."""


class IllegalTransition(Refused):
    """The state does not allow this event; the message names the states that do."""


class AlreadyRunning(Refused):
    """Another daemon holds this database."""


class ChangedMeanwhile(RunnerError):
    """A guarded write found another state or epoch than it expected; nothing was written."""


class TargetAtWork(RunnerError):
    """Another run works on that target of the inventory; nothing was written."""


class UnknownName(RunnerError):
    """No such object, instance or step; the message offers the nearest known name."""


class NotUnderstood(RunnerError):
    """What was typed means nothing, whatever is installed: wrong usage (exit code 64)."""


class StoreUnavailable(RunnerError):
    """The database is missing, locked, read-only, full, damaged or newer than this program."""


class NoDatabase(StoreUnavailable):
    """There is no database there, and nobody said that one may be made."""


class DamagedRow(RunnerError):
    """A row of the database holds something else than was written; the message names object and table."""


class InvalidDeclarations(RunnerError):
    """The declarations have errors, so nothing was done with them."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = sum(d.severity == "error" for d in self.diagnostics)
        super().__init__(
            f"{errors} error{'' if errors == 1 else 's'} in the declarations; nothing was changed"
        )
