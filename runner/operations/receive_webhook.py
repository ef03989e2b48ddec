"""Take in a signed request: whose is it, does its payload fit, and what has become of it?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.access.signature import GITHUB, Secret, Signed, Unsigned, check_signature
from runner.credentials.authorization import CredentialMissing, resolve_authorization
from runner.declaration.inputs import check_inputs
from runner.lifecycle.holds import active
from runner.operations.arrive import DUPLICATE, QUEUED, REFUSED, arrive, switched_off
from runner.operations.feed import feed
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import HookSource
from runner.store.arrivals import NewItem
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.identity import Address

DEEPEST = 100
"""Objects within each other in a payload."""

RETRY_AFTER_S = 30


class RequestRefused(RunnerError):
    """The request is not taken; `rule` names why, `status` is that of HTTP."""

    def __init__(
        self,
        rule: str,
        status: int,
        message: str,
        *,
        problems: tuple[dict[str, str], ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.status = status
        self.problems = problems
        self.retry_after_s = retry_after_s


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


def examine(
    reader: Reader,
    owners: tuple[tuple[str, str], ...],
    headers: Mapping[str, str],
    body: bytes,
    *,
    project: Path,
    now: datetime,
) -> Message | Received:
    """Check signature, time, size and payload; RequestRefused says what is wrong. Nothing is written.

    Nothing of the job is told before the signature holds.
    """
    if len(owners) != 1:
        text = (
            "several jobs have that path; give each a path of its own" if owners else "there is no such hook"
        )
        raise RequestRefused("ambiguous-hook" if owners else "unknown-hook", 409 if owners else 404, text)
    found = trigger_of(reader, *owners[0])
    if not isinstance(found, Triggered) or not isinstance(found.trigger.source, HookSource):
        raise RequestRefused("unknown-hook", 404, "there is no such hook")
    source = found.trigger.source
    secrets = _secrets(reader, source, project)
    signed = check_signature(source.signature, headers, body, secrets, now=now, tolerance=source.tolerance)
    if isinstance(signed, Unsigned):
        raise RequestRefused(signed.rule, 401, signed.reason)
    if len(body) > source.max_body:
        text = f"the body has {len(body)} bytes, and {source.max_body} are allowed (maxBody)"
        raise RequestRefused("too-large", 413, text)
    event = headers.get("x-github-event", "")[:64] if source.signature == GITHUB else ""
    if event == "ping":
        return Received("pong", reason="the signature holds")
    payload = _payload(body)
    return Message(found, signed, payload, _inputs(found, source, payload), event)


def receive(tx: Transaction, message: Message, now: datetime) -> Received:
    """Keep the message and start what it starts, in one transaction; RequestRefused when it is not taken."""
    hook, signed = message.hook, message.signed
    record = hook.record
    holds = active(tx.holds.of(record.uid), now)
    key = f"webhook:{signed.id}"
    known = tx.arrivals.find(record.uid, hook.name, key)
    off = switched_off(holds)
    if off is not None and known is None:
        text = f"Job/{record.name} is switched off (hold {off.kind}); nothing was taken"
        raise RequestRefused("held", 503, text, retry_after_s=RETRY_AFTER_S)
    arrived = arrive(tx, _item(message, key, now), hook.trigger.flow, now)
    if arrived.outcome == REFUSED:
        text = f"{hook.trigger.flow.limit} requests wait for Job/{record.name} already; nothing was taken"
        raise RequestRefused("queue-full", 429, text, retry_after_s=RETRY_AFTER_S)
    if arrived.outcome == DUPLICATE:
        return Received(DUPLICATE, arrived.item, arrived.instance, f"it was taken before ({arrived.reason})")
    if arrived.outcome != QUEUED or arrived.item is None:
        return Received(arrived.outcome, arrived.item, reason=arrived.reason)
    feed(tx, record.uid, hook.name, now)
    item = tx.arrivals.get(arrived.item)
    instance = item.instance_id if item is not None else None
    why = f"hold {holds[0].kind}" if holds else ""
    return Received("started" if instance is not None else QUEUED, arrived.item, instance, why)


def _secrets(reader: Reader, source: HookSource, project: Path) -> list[Secret]:
    """What may have signed it; one that cannot be found does not keep another from counting."""
    secrets: list[Secret] = []
    missing = "no secret is declared"
    for name, key in source.secrets:
        record = reader.objects.get(Address("Authorization", name))
        try:
            if record is None:
                missing = f"Authorization/{name} is not installed"
                continue
            text = resolve_authorization(record.resolved, name=name, base=project).get(key, "")
        except CredentialMissing as problem:
            missing = str(problem)
            continue
        if len(text) < SHORTEST_SECRET:
            missing = f"Authorization/{name}, key {key}: a secret has {SHORTEST_SECRET} characters at least"
            continue
        secrets.append(Secret(f"{name}/{key}", text))
    if not secrets:
        raise NoSecret(missing)
    return secrets


SHORTEST_SECRET = 16
"""Characters; Standard Webhooks asks for 24 bytes."""


class NoSecret(RequestRefused):
    """The secret is not to be found here; what is missing is for the log, and not for who asked."""

    def __init__(self, missing: str) -> None:
        text = "the signature cannot be checked now; the runner's log says why"
        super().__init__("no-secret", 503, text, retry_after_s=RETRY_AFTER_S)
        self.missing = missing


def _payload(body: bytes) -> Any:
    try:
        payload = json.loads(body.decode(), parse_constant=_no_constant, object_pairs_hook=_object)
        _check_depth(payload)
        json.dumps(payload, ensure_ascii=False).encode()  # half a character cannot be kept
    except RecursionError:
        raise RequestRefused("not-json", 400, "the body is nested too deeply") from None
    except (ValueError, UnicodeError) as error:
        raise RequestRefused("not-json", 400, f"the body is not JSON: {str(error)[:200]}") from None
    return payload


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number in JSON")


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(each, depth + 1)


def _inputs(found: Triggered, source: HookSource, payload: Any) -> dict[str, Any]:
    """Values for the job's inputs; without a schema the payload is these and nothing else."""
    spec = found.record.resolved
    declared = spec["inputs"]
    if source.payload_schema is not None:
        _fits_schema(source.payload_schema, payload)
        given = {name: value for name, value in _fields(payload).items() if name in declared}
    elif not isinstance(payload, dict):
        raise RequestRefused("bad-payload", 422, "the payload is no object: its fields are the job's inputs")
    else:
        given = payload
    _, problems = check_inputs(declared, {**spec["with"], **given})
    if problems:
        raise _misfit([(str(p.path[0]) if p.path else "", p.detail) for p in problems])
    return given


def _fields(payload: Any) -> dict[str, Any]:
    return payload if isinstance(payload, dict) else {}


def _fits_schema(schema: Mapping[str, Any], payload: Any) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import validator_for
    from referencing import Registry

    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
    found: list[tuple[str, str]] = []
    try:
        error: ValidationError
        for error in validator.iter_errors(payload):
            found.append(("/".join(map(str, error.absolute_path)), error.message[:200]))
            if len(found) == 20:
                break
    except Exception as problem:  # a reference that leads nowhere, a pattern of another dialect
        text = f"the schema of this hook cannot be used: {str(problem)[:200]}"
        raise RequestRefused("bad-schema", 503, text, retry_after_s=RETRY_AFTER_S) from None
    if found:
        raise _misfit(found)


def _misfit(problems: list[tuple[str, str]]) -> RequestRefused:
    listed = tuple({"at": at[:200], "problem": text[:300]} for at, text in problems[:20])
    told = "; ".join(f"{each['at'] or 'the payload'}: {each['problem']}" for each in listed)
    return RequestRefused("bad-payload", 422, f"the payload does not fit: {told}"[:2000], problems=listed)


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
