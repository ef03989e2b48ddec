"""Take in a signed request: whose is it, does its payload fit, and what has become of it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.access.signature import GITHUB, Secret, Signed, Unsigned, check_signature
from runner.lifecycle.holds import active
from runner.operations.arrive import (
    DUPLICATE,
    QUEUED,
    REFUSED,
    REQUEST,
    Arrived,
    switched_off,
    was_delivered,
)
from runner.operations.arrive_together import arrive_together
from runner.operations.feed import feed
from runner.operations.hook_payload import inputs_of, payload_of, validator_of
from runner.operations.hook_secrets import secrets_of
from runner.operations.request_refused import RETRY_AFTER_S, RequestRefused
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import HookSource
from runner.store.arrivals import NewItem
from runner.store.holds import HoldRecord
from runner.store.port import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Received:
    """What became of it: `started` a run, `queued`, `duplicate`, `dropped`, or `pong` to a ping of GitHub."""

    outcome: str
    item: int | None = None
    instance: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A request whose signature holds and whose payload fits; not yet taken in."""

    hook: Triggered
    signed: Signed
    payload: Any
    inputs: Mapping[str, Any]
    event: str


Hooks = Mapping[str, tuple[tuple[str, str], ...]]
"""Path → the jobs (uid) and triggers that have it; more than one only when sources do not know each other."""


def hooks_of(reader: Reader) -> Hooks:
    """All paths that are installed now."""
    found: dict[str, list[tuple[str, str]]] = {}
    for summary in reader.objects.summaries("Job"):
        record = reader.objects.by_uid(summary.uid)
        schedules = record.resolved.get("schedules") if record is not None else None
        for name, settings in schedules.items() if isinstance(schedules, dict) else ():
            hook = ((settings or {}).get("trigger") or {}).get("webhook") or {}
            if hook.get("path"):
                found.setdefault(str(hook["path"]), []).append((summary.uid, name))
    return {path: tuple(own) for path, own in found.items()}


@dataclass(frozen=True, slots=True)
class Hook:
    """One path with what its requests are checked by, as it is at this moment; made anew for each group."""

    found: Triggered
    source: HookSource
    secrets: tuple[Secret, ...]
    validator: Any = None


def hook_of(reader: Reader, owners: tuple[tuple[str, str], ...], project: Path) -> Hook:
    """The hook that these have; RequestRefused when there is none, more than one, or no secret for it."""
    if len(owners) != 1:
        text = (
            "several jobs have that path; give each a path of its own" if owners else "there is no such hook"
        )
        raise RequestRefused("ambiguous-hook" if owners else "unknown-hook", 409 if owners else 404, text)
    found = trigger_of(reader, *owners[0])
    if not isinstance(found, Triggered) or not isinstance(found.trigger.source, HookSource):
        raise RequestRefused("unknown-hook", 404, "there is no such hook")
    source = found.trigger.source
    validator = None if source.payload_schema is None else validator_of(source.payload_schema)
    return Hook(found, source, secrets_of(reader, source, project), validator)


def examine(hook: Hook, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Message | Received:
    """Check signature, time, size and payload; RequestRefused says what is wrong. Nothing is written.

    Nothing of the job is told before the signature holds.
    """
    source = hook.source
    signed = check_signature(
        source.signature, headers, body, hook.secrets, now=now, tolerance=source.tolerance
    )
    if isinstance(signed, Unsigned):
        raise RequestRefused(signed.rule, 401, signed.reason)
    if len(body) > source.max_body:
        text = f"the body has {len(body)} bytes, and {source.max_body} are allowed (maxBody)"
        raise RequestRefused("too-large", 413, text)
    event = headers.get("x-github-event", "")[:64] if source.signature == GITHUB else ""
    if event == "ping":
        return Received("pong", reason="the signature holds")
    payload = payload_of(body)
    return Message(
        hook.found, signed, payload, inputs_of(hook.found.record.resolved, hook.validator, payload), event
    )


def receive(tx: Transaction, messages: Sequence[Message], now: datetime) -> list[Received | RequestRefused]:
    """Keep messages of one hook and start what they start, in one transaction; what became of each."""
    found = messages[0].hook
    uid, name = found.record.uid, found.name
    holds = active(tx.holds.of(uid), now)
    off = switched_off(holds)
    outcomes: list[Arrived | RequestRefused | NewItem] = []
    for message in messages:
        key = f"{REQUEST}{message.signed.id}"
        is_refused = off is not None and _is_new(tx, uid, name, key)
        outcomes.append(_switched_off(found, off) if is_refused and off else _item(message, key, now))
    taken = arrive_together(tx, found, [each for each in outcomes if isinstance(each, NewItem)], now)
    arrived: list[Arrived | RequestRefused] = []
    for each in outcomes:
        one = next(taken) if isinstance(each, NewItem) else each
        arrived.append(_full(found) if isinstance(one, Arrived) and one.outcome == REFUSED else one)
    if any(isinstance(one, Arrived) and one.outcome == QUEUED for one in arrived):
        feed(tx, uid, name, now)
    begun = _runs_of(tx, [one.item for one in arrived if isinstance(one, Arrived)])
    why = f"hold {holds[0].kind}" if holds else ""
    return [one if isinstance(one, RequestRefused) else _received(one, begun, why) for one in arrived]


def _is_new(tx: Transaction, job_uid: str, schedule: str, key: str) -> bool:
    known = tx.arrivals.find(job_uid, schedule, key)
    return known is None and not was_delivered(tx, job_uid, schedule, key)


def _switched_off(found: Triggered, hold: HoldRecord) -> RequestRefused:
    text = f"Job/{found.record.name} is switched off (hold {hold.kind}); nothing was taken"
    return RequestRefused("held", 503, text, retry_after_s=RETRY_AFTER_S)


def _full(found: Triggered) -> RequestRefused:
    text = f"{found.trigger.flow.limit} requests wait for Job/{found.record.name} already; nothing was taken"
    return RequestRefused("queue-full", 429, text, retry_after_s=RETRY_AFTER_S)


def _runs_of(tx: Transaction, ids: Sequence[int | None]) -> dict[int, int | None]:
    return {item.id: item.instance_id for item in tx.arrivals.load([id for id in ids if id is not None])}


def _received(one: Arrived, begun: Mapping[int, int | None], why: str) -> Received:
    instance = begun.get(one.item) if one.item is not None else None
    if one.outcome == DUPLICATE:
        return Received(DUPLICATE, one.item, instance, f"it was taken before ({one.reason})")
    if one.outcome != QUEUED:
        return Received(one.outcome, one.item, reason=one.reason)
    return Received("started" if instance is not None else QUEUED, one.item, instance, why)


def _item(message: Message, key: str, now: datetime) -> NewItem:
    hook, signed = message.hook, message.signed
    source = hook.trigger.source
    assert isinstance(source, HookSource)
    told: dict[str, Any] = {"id": signed.id, "path": source.path, "signed_by": signed.name}
    if signed.at is not None:
        told["at"] = signed.at.isoformat()
    if message.event:
        told["event"] = message.event
    return NewItem(
        job_uid=hook.record.uid,
        schedule=hook.name,
        kind="webhook",
        key=key,
        source=f"/hooks/{source.path}, signed with {signed.name}",
        data={"payload": message.payload, "webhook": told},
        inputs=message.inputs,
    )
