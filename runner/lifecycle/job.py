"""The machine of a job, and the status that is derived from its holds and instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runner.lifecycle.holds import Held, is_blocking
from runner.lifecycle.machine import Move, Table

# fmt: off
_MOVES = (
    Move("J1", "ABSENT", "DISABLED", "install", "S",
         "reconciler installs",
         "declaration valid; type, library objects, authorization and group all resolve",
         "hold `new` added; watermark unset; event job.installed"),
    Move("J2", "DISABLED", "ASLEEP", "release", "S/O",
         "git `enabled: true` applied, or operator enable, or group enabled",
         "the last blocking hold has just been cleared",
         "watermark = now, so nothing from the disabled time is caught up"),
    Move("J3", "ASLEEP", "RUNNING", "go_live", "S",
         "an instance becomes live (RUNNING, PAUSING, STOPPING or UNKNOWN)",
         "",
         ""),
    Move("J4", "RUNNING", "ASLEEP", "come_to_rest", "S",
         "last live instance leaves the live set",
         "no blocking hold and no `failure` hold",
         "detail shows backoff / paused / window-closed when one applies"),
    Move("J5", "RUNNING", "FAILED", "give_up", "S",
         "an instance ended FAILED with its back-off exhausted or a fatal error",
         "`failAfter` reached; origin is not manual",
         "hold `failure`; one alert opens an incident; no more automatic starts"),
    Move("J6", "RUNNING", "DISABLED", "drained", "S",
         "last live instance leaves the live set",
         "a blocking hold exists (disabled, group, expired, removed while live)",
         "finishes the drain"),
    Move("J7", "ASLEEP", "DISABLED", "hold", "O/S/T",
         "operator disable; git `enabled: false`; group disabled; file removed; expiry_date passed",
         "waiting instances follow `on_disable` (drop or keep)",
         "hold with kind, who, why, optional until"),
    Move("J8", "ASLEEP", "FAILED", "give_up", "T",
         "a waiting instance (SCHEDULED with attempt > 0, or PAUSED) expired as FAILED",
         "`failAfter` reached",
         "as J5"),
    Move("J9", "FAILED", "ASLEEP", "reset", "O/S",
         "operator reset; or a new revision when `clear_failure_on_change`; or a manual run succeeded",
         "no blocking hold",
         "hold `failure` cleared; back-off counter 0; incident closed; watermark = now"),
    Move("J10", "FAILED", "RUNNING", "run", "O",
         "operator run",
         "permission; auth hold absent or --force",
         "manual origin; does not clear `failure` until it succeeds"),
    Move("J11", "FAILED", "DISABLED", "hold", "O/S",
         "operator disable; git disable; group disable; removal",
         "",
         "`failure` hold is kept so re-enabling shows FAILED again"),
    Move("J12", "DISABLED", "RUNNING", "run", "O",
         "operator run on a disabled job",
         "allowed only with --force; never for a maintenance hold or a group hold without group permission",
         "manual origin; slot ledger untouched"),
    Move("J13", "DISABLED", "ABSENT", "uninstall", "S",
         "reconciler prunes a removed file",
         "no live, paused or waiting instance; not a protected type",
         "history kept; tombstone keeps id for N days"),
    Move("J14", "DISABLED", "FAILED", "release_failed", "S/O",
         "last blocking hold cleared while hold `failure` still exists",
         "",
         ""),
    Move("J15", "RUNNING", "RUNNING", "hold", "S/O/T",
         "blocking hold added while live",
         "`on_disable`: finish (default), pause, or stop",
         "detail = draining"),
)
# fmt: on

JOB = Table("a job", _MOVES, initial="ABSENT")

ASLEEP = "ASLEEP"
RUNNING = "RUNNING"
DISABLED = "DISABLED"
FAILED = "FAILED"
STATUSES = (ASLEEP, RUNNING, DISABLED, FAILED)


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a job; `detail` is one word more, or empty."""

    status: str
    detail: str


class Waits(Protocol):
    """What is read of an instance that is SCHEDULED."""

    @property
    def reason(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def due_at(self) -> datetime: ...


def why_it_waits(starts: Iterable[Waits], now: datetime) -> dict[str, bool]:
    """What the job's starts that are SCHEDULED wait for, as `job_status` takes it: the time of a retry, the
    end of a long sleep, or, when they are due, a place.
    """
    found = {"backoff": False, "sleeping": False, "waiting": False}
    for start in starts:
        if start.due_at <= now:
            found["waiting"] = True
        elif start.epoch > 0:
            found["sleeping" if start.reason == "sleeping" else "backoff"] = True
    return found


def job_status(
    holds: Iterable[Held],
    live: int,
    *,
    backoff: bool = False,
    sleeping: bool = False,
    paused: bool = False,
    window_closed: bool = False,
    waiting: bool = False,
) -> Status:
    """The status that follows from the holds that are active now and the number of live instances.

    The first match wins: live → RUNNING, a blocking hold → DISABLED, hold `failure` → FAILED, else ASLEEP.
    `backoff` says that a begun instance waits for its retry, `sleeping` that its code has gone to sleep,
    `paused` that one is paused, `window_closed` that one waits for its window, `waiting` that one is due and
    waits for a place.
    """
    kinds = [hold.kind for hold in holds]
    blocked = any(is_blocking(kind) for kind in kinds)
    if live:
        return Status(RUNNING, "draining" if blocked else "paused" if "paused" in kinds else "")
    detail = (
        "paused" if paused or "paused" in kinds
        else "auth" if any(kind.startswith("auth:") for kind in kinds)
        else "missing_ref" if "missing_ref" in kinds
        else "window_closed" if window_closed
        else "backoff" if backoff
        else "sleeping" if sleeping
        else "waiting" if waiting
        else ""
    )  # fmt: skip
    if blocked:
        return Status(DISABLED, detail)
    return Status(FAILED if "failure" in kinds else ASLEEP, detail)
