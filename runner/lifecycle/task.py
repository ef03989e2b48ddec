"""The machine of a task: one target of an instance (`-` when the job has no inventory)."""

from __future__ import annotations

from runner.lifecycle.machine import Move, Table

# fmt: off
_MOVES = (
    Move("T1", "NEW", "SCHEDULED", "create", "S",
         "prepare() freezes the target list",
         "(instance, target) unique",
         "target snapshot, order, expires_at"),
    Move("T2", "SCHEDULED", "RUNNING", "start", "S",
         "task dispatcher",
         "instance RUNNING; target lock free; max_parallel free; window has time left; not expired",
         "attempt+1"),
    Move("T3", "RUNNING", "SUCCEEDED", "succeed", "S",
         "result ok",
         "attempt id matches",
         ""),
    Move("T4", "RUNNING", "RESCHEDULED", "reschedule", "S",
         "unreachable, timeout or retryable error",
         "next try (default +5 min) before expires_at (default start+30 min)",
         "next_try_at"),
    Move("T5", "RUNNING", "RESCHEDULED", "interrupt", "S",
         "interrupted: pause, eviction, crash",
         "",
         "reason = interrupted; does not use a try"),
    Move("T6", "RESCHEDULED", "RUNNING", "start", "T/O",
         "next_try_at reached; operator retry-now",
         "as T2",
         ""),
    Move("T7", "RUNNING", "FAILED", "fail", "S",
         "fatal error, tries used up, or next try would be after expires_at",
         "",
         "reason"),
    Move("T8", "SCHEDULED", "FAILED", "expire", "T",
         "expires_at passes",
         "",
         "reason = expired"),
    Move("T9", "RESCHEDULED", "FAILED", "expire", "T",
         "expires_at passes",
         "",
         "reason = expired"),
    Move("T10", "SCHEDULED", "CANCELLED", "cancel", "O/S",
         "cancel task; instance cancelled/replaced; max_failures breaker",
         "",
         "reason"),
    Move("T11", "RESCHEDULED", "CANCELLED", "cancel", "O/S",
         "as T10",
         "",
         "reason"),
    Move("T12", "RUNNING", "CANCELLED", "cancel", "O/S",
         "as T10 after the process is gone",
         "",
         "reason"),
)
# fmt: on

TASK = Table("a task", _MOVES, initial="NEW")
