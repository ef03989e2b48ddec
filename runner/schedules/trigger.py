"""`trigger`: something that happens starts a job, so there are no slots; and how items become starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from runner.schedules.slot import ScheduleProblem, Slot
from runner.vocabulary.duration import parse_duration, parse_size

Overflow = Literal["refuse", "drop-oldest", "drop-newest"]


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files below a root; `move` are the folders for them after a success and after a failure."""

    root: str
    match: str
    stable_for: timedelta
    existing: str
    move: tuple[str, str] | None

    @property
    def in_words(self) -> str:
        return f"a file {self.match} in {self.root}"


@dataclass(frozen=True, slots=True)
class HookSource:
    """Signed requests; `secrets` are pairs of an Authorization's name and a key."""

    path: str
    secrets: tuple[tuple[str, str], ...]
    signature: str
    tolerance: timedelta
    max_body: int
    payload_schema: Mapping[str, Any] | None

    @property
    def in_words(self) -> str:
        return f"a webhook {self.path}"


@dataclass(frozen=True, slots=True)
class AfterSource:
    """Ends of runs of other jobs: name → outcomes that count, as states in capitals."""

    jobs: Mapping[str, frozenset[str]]
    same_slot_date: bool
    within: timedelta

    @property
    def in_words(self) -> str:
        return " and ".join(f"the end of {name}" for name in self.jobs)


@dataclass(frozen=True, slots=True)
class StartupSource:
    """Starts of the daemon."""

    @property
    def in_words(self) -> str:
        return "a start of the daemon"


Source = FileSource | HookSource | AfterSource | StartupSource


@dataclass(frozen=True, slots=True)
class Flow:
    """How items become starts, and how many may wait.

    With `quiet` one start takes all that wait; otherwise a start takes `size` items, or fewer after `within`.
    `linger` is how long a run that works through items waits for the next one; None: a start takes what it
    takes.
    """

    size: int = 1
    within: timedelta = timedelta(0)
    quiet: timedelta | None = None
    at_most: timedelta = timedelta(0)
    limit: int = 10_000
    overflow: Overflow = "refuse"
    linger: timedelta | None = None


class TriggerSchedule:
    """What starts it, and how; without slots."""

    kind: ClassVar[str] = "trigger"

    def __init__(self, source: Source, flow: Flow, zone: ZoneInfo) -> None:
        self.source = source
        self.flow = flow
        self.zone = zone

    def next_after(self, instant: datetime) -> Slot | None:
        """None: nobody knows when something happens."""

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """Nothing, likewise."""
        return iter(())


def in_words(trigger: TriggerSchedule) -> str:
    """`a webhook orders, signed with shop/secret; 5 at a time`"""
    source, flow = trigger.source, trigger.flow
    said = source.in_words
    if isinstance(source, HookSource):
        said += f", signed with {' or '.join(f'{name}/{key}' for name, key in source.secrets)}"
    if isinstance(source, AfterSource):
        ends = {" or ".join(sorted(states)).lower().replace("_", "-") for states in source.jobs.values()}
        said += f" ({', '.join(sorted(ends))})" + (" on one date" if source.same_slot_date else "")
    if flow.quiet is not None:
        said += f"; together when quiet for {flow.quiet.total_seconds():g} s"
    if flow.size > 1:
        said += f"; {flow.size} at a time"
    return said + ("; one run works through them" if flow.linger is not None else "")


def trigger_schedule(resolved: Mapping[str, Any], zone: ZoneInfo) -> TriggerSchedule:
    """The trigger of a resolved declaration; ScheduleProblem when it means nothing."""
    return _shared(json.dumps(resolved, sort_keys=True), zone)


@lru_cache(maxsize=1024)
def _shared(text: str, zone: ZoneInfo) -> TriggerSchedule:
    resolved = json.loads(text)
    try:
        return TriggerSchedule(_source(resolved), _flow(resolved), zone)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise ScheduleProblem("trigger", f"the trigger means nothing: {problem}") from None


def _source(resolved: Mapping[str, Any]) -> Source:
    match resolved["kind"]:
        case "file":
            own = resolved["file"]
            move = own.get("move")
            return FileSource(
                own["root"],
                own["match"],
                parse_duration(own["stableFor"]),
                own["existing"],
                (move["done"], move["failed"]) if move else None,
            )
        case "webhook":
            own = resolved["webhook"]
            return HookSource(
                own["path"],
                tuple((each["authorization"], each["key"]) for each in own["secrets"]),
                own["signature"],
                parse_duration(own["tolerance"]),
                parse_size(own["maxBody"]),
                own.get("schema"),
            )
        case "after":
            own = resolved["after"]
            jobs = {name: frozenset(map(_state, states)) for name, states in own["all"].items()}
            return AfterSource(jobs, bool(own["sameSlotDate"]), parse_duration(own["within"]))
        case "startup":
            return StartupSource()
    raise ValueError(f"{resolved['kind']!r} is no kind of trigger")


def _state(outcome: str) -> str:
    return outcome.upper().replace("-", "_")


def _flow(resolved: Mapping[str, Any]) -> Flow:
    debounce, batch, consume = resolved.get("debounce"), resolved.get("batch"), resolved.get("consume")
    queue = resolved["queue"]
    return Flow(
        size=batch["size"] if batch else 1,
        within=parse_duration(batch["within"]) if batch else timedelta(0),
        quiet=parse_duration(debounce["quiet"]) if debounce else None,
        at_most=parse_duration(debounce["atMost"]) if debounce else timedelta(0),
        limit=queue["limit"],
        overflow=queue["overflow"],
        linger=parse_duration(consume["linger"]) if consume else None,
    )
