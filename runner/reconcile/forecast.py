"""What will a changed declaration do to the starts and the runs of its job?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from runner.reconcile.next_start import in_words, is_another_range, next_start
from runner.reconcile.plan import FieldChange
from runner.vocabulary.duration import parse_duration


@dataclass(frozen=True, slots=True)
class Forecast:
    """`rescheduled` names the schedules that are new or differ: they count from now on (rule R9).

    `ended_holds` are the kinds of hold whose reason the change takes away; `said` has, by the beginning of a
    field's path, what the change will do.
    """

    rescheduled: tuple[str, ...] = ()
    ended_holds: frozenset[str] = frozenset()
    said: tuple[tuple[str, str], ...] = ()

    def told_with(self, fields: Sequence[FieldChange]) -> tuple[FieldChange, ...]:
        """The fields, each forecast beside the first one that causes it."""
        told = list(fields)
        for beginning, words in self.said:
            for position, each in enumerate(told):
                if each.path.startswith(beginning) and not each.impact:
                    told[position] = replace(each, impact=words)
                    break
        return tuple(told)


def forecast(
    before: Mapping[str, Any], now_resolved: Mapping[str, Any], durations: Sequence[float], now: datetime
) -> Forecast:
    """The forecast for a job whose resolved spec changes; `durations` are its last running times, seconds."""
    was, will = before.get("schedules") or {}, now_resolved.get("schedules") or {}
    rescheduled = tuple(
        sorted(
            name
            for name, each in will.items()
            if was.get(name) != each or ("fireAndForget" in each and _executes_else(before, now_resolved))
        )
    )
    said = []
    if rescheduled or was.keys() != will.keys():
        starts = next_start(before, now), next_start(now_resolved, now)
        words = f"next {in_words(starts[0], now)} -> {in_words(starts[1], now)}"
        if any(name in was and is_another_range(was[name], will[name]) for name in rescheduled):
            words += "; another range, with a run of its own"
        said.append(("spec.schedule", words))
    if any("fireAndForget" in will[name] for name in rescheduled):
        said.append(("spec", "it is fired once more, at once"))
    timeout = now_resolved.get("timeout")
    if timeout and timeout != before.get("timeout") and durations:
        limit_s = parse_duration(timeout).total_seconds()
        longer = sum(duration > limit_s for duration in durations)
        many = f"the last {len(durations)} runs" if len(durations) != 1 else "1 recorded run"
        said.append(("spec.timeout", f"{longer} of {many} took longer"))
    ended = set()
    if rescheduled:
        ended.add("finished")
    if before.get("validUntil") != now_resolved.get("validUntil"):
        ended.add("expired")
    return Forecast(rescheduled, frozenset(ended), tuple(said))


def _executes_else(before: Mapping[str, Any], now_resolved: Mapping[str, Any]) -> bool:
    """Whether the change is one of what is executed: fire-and-forget is due again then."""
    informative = ("version", "description")
    return any(
        before.get(key) != now_resolved.get(key)
        for key in before.keys() | now_resolved.keys()
        if key not in informative
    )
