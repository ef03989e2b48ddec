"""Which targets of a fan-out may start now, and what becomes of the run when they have ended?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from runner.retries import Retry, RetryPolicy, decide_retry
from runner.vocabulary.duration import parse_duration

EXPIRES_IN = timedelta(minutes=30)
"""For how long a target is tried again where nothing else is said (system B)."""

FOR_EVER = timedelta(days=3650)

Share = int | str
"""A number of targets, or a part of them: `90%`."""


@dataclass(frozen=True, slots=True)
class FanOutRules:
    """A resolved `tasks`, for any number of targets."""

    parallel: int
    waves: tuple[Share, ...]
    wave_min_success: Share
    min_success: Share
    max_failures: int | None
    retry_every: timedelta
    expires_in: timedelta | None
    """None: until the windows of its schedule are over."""
    timeout: timedelta | None
    on_pause: Literal["finish", "interrupt"]

    @classmethod
    def from_resolved(cls, tasks: Mapping[str, Any]) -> FanOutRules:
        """The rules of a resolved `tasks` mapping."""
        timeout = tasks["timeout"]
        return cls(
            parallel=tasks["parallel"],
            waves=tuple(tasks["waves"]),
            wave_min_success=tasks["waveMinSuccess"],
            min_success=tasks["minSuccess"],
            max_failures=tasks["maxFailures"],
            retry_every=parse_duration(tasks["retryEvery"]),
            expires_in=parse_duration(tasks["expiresIn"]) if tasks["expiresIn"] else None,
            timeout=parse_duration(timeout) if timeout else None,
            on_pause=tasks["onPause"],
        )


class Wave(NamedTuple):
    """How far one wave is: `ended` counts those that succeeded too."""

    size: int
    ended: int = 0
    succeeded: int = 0


@dataclass(frozen=True, slots=True)
class Go:
    """So many more targets of this wave may start now (none, while all places are taken)."""

    places: int


@dataclass(frozen=True, slots=True)
class NextWave:
    """This wave is over and went well enough."""


@dataclass(frozen=True, slots=True)
class Stop:
    """No further target starts; those that have not ended are cancelled."""

    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The target is done (T3)."""


@dataclass(frozen=True, slots=True)
class Again:
    """The target is tried once more at `at` (T4), or goes on as soon as there is a place (T5)."""

    at: datetime
    reason: Literal["retry", "interrupted"]


@dataclass(frozen=True, slots=True)
class Lost:
    """The target has failed for good (T7)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody asked for the end of this one target (T12)."""

    reason: str


EndOfTry = Succeeded | Again | Lost | Cancelled
Result = Literal["succeeded", "partially", "failed"]

CRASH_BUDGET = 1
"""How often a crash may interrupt one target; a further one counts as an error (principle 8)."""


def needed(share: Share, total: int) -> int:
    """How many of `total` a share means; a part is rounded up, so that `1%` of 5 is one."""
    if isinstance(share, int):
        return min(share, total)
    # 29% of 100 is 28.999…96 in binary: what is within a millionth of a whole number is that number
    return min(math.ceil(round(float(share[:-1]) * total / 100, 6)), total)


def wave_sizes(waves: Sequence[Share], total: int) -> tuple[int, ...]:
    """The sizes of the waves of `total` targets; the last one repeats until nobody is left (as serial does).

    A part is rounded down, as Ansible does, but each wave has a target at least. Without waves there is one.
    """
    sizes: list[int] = []
    left = total
    while left > 0:
        wave: Share = waves[min(len(sizes), len(waves) - 1)] if waves else total
        wanted = wave if isinstance(wave, int) else int(round(float(wave[:-1]) * total / 100, 6))
        sizes.append(min(max(wanted, 1), left))
        left -= sizes[-1]
    return tuple(sizes)


def decide_more(
    rules: FanOutRules, wave: Wave, *, number: int, waves: int, failed: int, running: int
) -> Go | NextWave | Stop:
    """What follows for the wave `number` (from 1) of so many `waves`.

    `failed` counts the targets of all waves that failed for good, `running` those that have a process. After
    the last wave nothing is stopped any more: `minSuccess` alone says what the run becomes.
    """
    if rules.max_failures is not None and failed >= rules.max_failures:
        targets = "1 target" if failed == 1 else f"{failed} targets"
        return Stop("max-failures", f"{targets} failed, maxFailures is {rules.max_failures}")
    if wave.ended < wave.size:
        return Go(max(rules.parallel - running, 0))
    least = needed(rules.wave_min_success, wave.size)
    if wave.succeeded < least and number < waves:
        done = f"{wave.succeeded} of {wave.size} targets of wave {number} succeeded"
        return Stop("wave-failed", f"{done}, waveMinSuccess needs {least}")
    return NextWave()


def decide_end_of_try(
    rules: FanOutRules,
    outcome: str,
    *,
    retryable: bool,
    resumes: bool,
    failures: int,
    crashes: int,
    expires_at: datetime,
    now: datetime,
    asked: str = "",
) -> EndOfTry:
    """What follows the end of one try of a target.

    `failures` and `crashes` are those before this one, `resumes` is the job's `onCrash: resume`, `expires_at`
    the last moment of the target: `expiresIn` after its first start, or the run's own expiry. `asked` says
    that its end was asked for; a success wins over that.
    """
    if outcome == "succeeded":
        return Succeeded()
    if asked:
        return Cancelled(asked)
    if outcome == "stopped":
        return Again(now, "interrupted")
    if outcome == "crashed":
        if not resumes:
            return Lost("crash")
        if crashes < CRASH_BUDGET and now < expires_at:
            return Again(now, "interrupted")
        retryable = True
    if not retryable:
        return Lost("fatal")
    every = RetryPolicy("until-expiry", rules.retry_every, 1.0, None, None, None, 0.0)
    retry = decide_retry(every, failures + 1, now, now, 0.5, expires_at=expires_at)
    return Again(retry.at, "retry") if isinstance(retry, Retry) else Lost("expired")


def decide_result(rules: FanOutRules, *, total: int, succeeded: int) -> Result:
    """I12, I13 or I14 (and I7/I8, I30/I31, I37/I38): what the run becomes once no target is open.

    A run without a target succeeds: there was nothing to do. One that reached nothing never succeeds in part.
    """
    if succeeded == total:
        return "succeeded"
    return "partially" if succeeded and succeeded >= needed(rules.min_success, total) else "failed"
