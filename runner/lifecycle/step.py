"""The machine of a step, and the state that follows from its timestamps."""

from __future__ import annotations

from runner.lifecycle.machine import Move, Table

# fmt: off
_MOVES = (
    Move("S1", "PENDING", "STARTED", "start", "S",
         "previous step done and condition true",
         "attempt RUNNING",
         "started_at"),
    Move("S2", "PENDING", "SKIPPED", "skip", "S",
         "condition false, or an earlier step asked to skip",
         "",
         "skipped_at + reason"),
    Move("S3", "PENDING", "SKIPPED", "operator_skip", "O",
         "operator skip, or resume-from a later step",
         "step declared skippable",
         "skipped_at + who"),
    Move("S4", "STARTED", "COMPLETED", "complete", "S",
         "step returns",
         "epoch matches",
         "completed_at, output and state written in ONE transaction"),
    Move("S5", "STARTED", "FAILED", "fail", "S",
         "step raises",
         "",
         "completed_at + error"),
    Move("S6", "STARTED", "PENDING", "interrupt", "S",
         "attempt interrupted (pause, eviction, crash)",
         "",
         "started_at kept as first_started_at; cursor kept"),
    Move("S7", "FAILED", "PENDING", "reopen", "S/O",
         "new attempt of the same instance or task",
         "instance not terminal",
         "attempt history row keeps the failure"),
    Move("S8", "FAILED", "SKIPPED", "operator_skip", "O",
         "operator skips the failed step and continues",
         "step declared skippable; instance not terminal",
         "skipped_at + who"),
)
# fmt: on

STEP = Table("a step", _MOVES, initial="PENDING")
