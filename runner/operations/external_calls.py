"""Call the webhooks of claimed runs: what is to be called now, with which secrets, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from runner.credentials.authorization import CredentialMissing, resolve_authorization
from runner.execution.order import ErrorInfo
from runner.execution.webhook import NotCalled
from runner.operations.external_silence import ended_unheard
from runner.operations.external_work import Work, silence_timeout, the_work
from runner.operations.outcome import Finished, definition_of
from runner.store.external_runs import ExternalRun
from runner.store.port import Reader, Transaction
from runner.vocabulary.identity import Address

COURIER = "system:courier"

LEASE = timedelta(minutes=2)
"""After this a call whose end was never recorded (its process died) is made again, with the same id."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between calls that were not accepted; each pause is twice the one before, give or take a quarter."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make. `before` is the run as it stood before the call was noted."""

    before: ExternalRun
    work: Work

    @property
    def id(self) -> str:
        """The same for all calls of one attempt, so that a receiver can tell a repeat."""
        return f"{self.before.instance_id}-{self.before.epoch}"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes, and what it is signed with; secrets included."""

    webhook: Mapping[str, Any]
    connections: Mapping[str, Mapping[str, Any]]
    secret: str

    def __repr__(self) -> str:
        return "Destination(…)"


def take_calls(tx: Transaction, now: datetime) -> tuple[Call, ...]:
    """The calls that are due, each noted before it is made: it may arrive although nobody will know."""
    calls = []
    for live in tx.external.live():
        run = live.run
        if live.state != "RUNNING" or run.call_at is None or run.call_at > now:
            continue
        instance = tx.instances.get(run.instance_id)
        if instance is None:
            continue
        tx.external.put(replace(run, calls=run.calls + 1, perhaps_heard=True, call_at=now + LEASE))
        calls.append(Call(run, the_work(tx, instance, definition_of(tx, instance))))
    return tuple(calls)


def next_call(reader: Reader) -> datetime | None:
    """When the next one is due."""
    times = [r.run.call_at for r in reader.external.live() if r.state == "RUNNING" and r.run.call_at]
    return min(times, default=None)


def destination(reader: Reader, call: Call, project: Path) -> Destination:
    """Where the call goes, with its secrets as they are now; NotCalled when they are not to be found."""
    webhook = call.work.spec["external"]["webhook"]
    connections: dict[str, dict[str, Any]] = {}
    name = webhook.get("connection")
    try:
        if name:
            record = reader.objects.get(Address("Connection", name))
            if record is None:
                raise NotCalled("unknown-name", f"Connection/{name} is not installed", False, False)
            secrets = _secrets(reader, record.resolved.get("authorization"), project)
            connections[name] = {"url": record.resolved["url"], **secrets}
        wanted = webhook["secret"]
        found = _secrets(reader, wanted["authorization"], project)
    except CredentialMissing as problem:
        raise NotCalled("authorization", str(problem), False, False) from None
    if not found.get(wanted["key"]):
        text = f"Authorization/{wanted['authorization']} has no key {wanted['key']!r} to sign with"
        raise NotCalled("authorization", text, False, False)
    return Destination(webhook, connections, found[wanted["key"]])


def record_call(
    tx: Transaction, call: Call, problem: NotCalled | None, now: datetime, draw: float
) -> Finished | None:
    """Note what came of a call. Not accepted, it is made again later; one that can never be ends the run."""
    run = tx.external.get(call.before.instance_id)
    if run is None or run.epoch != call.before.epoch or run.heard_at is not None or run.call_at is None:
        return None  # it has reported meanwhile, or the attempt is over
    if problem is None:
        silence = silence_timeout(call.work.spec)
        tx.external.put(replace(run, accepted_at=now, call_at=None, call_error=None, silent_at=now + silence))
        _note(tx, run, "webhook.accepted", f"call {run.calls}", now)
        return None
    error = {"code": problem.code, "description": f"its webhook was not accepted: {problem}"}
    perhaps = problem.perhaps or call.before.perhaps_heard
    pause_s = min(FIRST_PAUSE_S * 2 ** min(run.calls - 1, 10), LONGEST_PAUSE_S) * (0.75 + draw / 2)
    again_at = now + timedelta(seconds=pause_s) if problem.retryable else None
    noted = replace(run, call_at=again_at, call_error=error, perhaps_heard=perhaps)
    tx.external.put(noted)
    if run.call_error is None or run.call_error.get("description") != error["description"]:
        _note(tx, run, "webhook.refused", error["description"], now)  # the same again is only counted
    if problem.retryable or perhaps:
        return None
    return ended_unheard(tx, noted, ErrorInfo(problem.code, error["description"]), now, draw)


def _note(tx: Transaction, run: ExternalRun, event: str, why: str, now: datetime) -> None:
    tx.events.append("instance", str(run.instance_id), event, at=now, who=COURIER, why=why)


def _secrets(reader: Reader, name: str | None, project: Path) -> dict[str, str]:
    if not name:
        return {}
    record = reader.objects.get(Address("Authorization", name))
    if record is None:
        raise NotCalled("unknown-name", f"Authorization/{name} is not installed", False, False)
    return resolve_authorization(record.resolved, name=name, base=project)
