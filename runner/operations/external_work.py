"""Give a run to the system that executes it: claim it, and say until when that system is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runner.access.permission import Actor, may
from runner.access.report_token import report_token
from runner.declaration.resolve_policies import EXTERNAL as DEFAULTS
from runner.operations.claim_instance import Claimed, Waits, claim_instance, skip_waiting
from runner.operations.executed_elsewhere import EXTERNAL, WEBHOOK, is_external, waits_to_be_polled
from runner.operations.outcome import NotStarted, definition_of
from runner.operations.schedulable import SchedulableJob
from runner.operations.selection import installed
from runner.operations.waiting import closed_window
from runner.store.external_runs import ExternalRun
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.duration import parse_duration
from runner.vocabulary.errors import Refused

POLL = "poll"


@dataclass(frozen=True, slots=True)
class Work:
    """What the other system is told: which run, with what, and how it reports."""

    instance: InstanceRecord
    spec: Mapping[str, Any]
    token: str

    def message(self, base_url: str) -> dict[str, Any]:
        """As JSON, for the call of a webhook and for the answer to a poll."""
        run = self.instance
        slot = None
        if run.slot_at is not None:
            slot = {"key": run.slot_key, "at": run.slot_at.isoformat(), "local": run.slot_local}
        return {
            "job": run.job,
            "instance": run.id,
            "epoch": run.epoch,
            "attempt": run.attempt,
            "origin": run.origin,
            "slot": slot,
            "inputs": dict(run.inputs),
            "report": {
                "url": f"{base_url}/api/v1/instances/{run.id}/reports",
                "token": self.token,
                "within_s": silence_timeout(self.spec).total_seconds(),
            },
        }


def silence_timeout(spec: Mapping[str, Any]) -> timedelta:
    """How long its system may be silent, also when the definition cannot be found any more."""
    return parse_duration(str((spec.get(EXTERNAL) or DEFAULTS)["silenceTimeout"]))


def unknown_timeout(spec: Mapping[str, Any]) -> timedelta:
    """How long it may be UNKNOWN, likewise."""
    return parse_duration(str((spec.get(EXTERNAL) or DEFAULTS)["unknownTimeout"]))


def claim_for_call(
    tx: Transaction, instance: InstanceRecord, job: SchedulableJob | None, session: int, now: datetime
) -> Claimed | NotStarted | Waits:
    """Claim a run whose webhook is to be called; the first call is due at once.

    One that waits to be asked for ends here: its job is not one of another system any more, so nobody asks.
    """
    spec = definition_of(tx, instance)
    if waits_to_be_polled(spec):
        return skip_waiting(tx, instance, now, "nobody asks for it any more")
    result = claim_instance(tx, instance, job, (), session, now, spec)
    if isinstance(result, Claimed):
        tx.external.put(_begun(result.instance, spec, WEBHOOK, now))
    return result


def claim_for_poll(tx: Transaction, name: str, *, actor: Actor, now: datetime) -> Work | None:
    """The oldest run of the job that is due and may start now, claimed; None when there is none.

    Refused when the job is not one that its system has to ask for.
    """
    may(actor, "report")
    record = installed(tx, "Job", name)
    if not waits_to_be_polled(record.resolved):
        raise Refused(_why_not(record))
    daemon = tx.sessions.current_daemon()
    waiting = [i for i in tx.instances.unfinished_of(record.uid) if i.state == "SCHEDULED"]
    for instance in sorted(waiting, key=lambda each: (each.due_at, each.id)):
        spec = definition_of(tx, instance)
        if instance.due_at > now or daemon is None or not waits_to_be_polled(spec):
            continue
        if closed_window(record, instance, now):
            continue
        result = claim_instance(tx, instance, None, (), daemon.id, now, spec)
        if isinstance(result, Claimed):
            tx.external.put(_begun(result.instance, spec, POLL, now))
            return the_work(tx, result.instance, spec)
    return None


def the_work(reader: Reader, instance: InstanceRecord, spec: Mapping[str, Any]) -> Work:
    """What is told of a claimed run."""
    token = report_token(reader.external.report_key(), instance.id, instance.epoch)
    return Work(instance, spec, token)


def _begun(instance: InstanceRecord, spec: Mapping[str, Any], means: str, now: datetime) -> ExternalRun:
    return ExternalRun(
        instance_id=instance.id,
        epoch=instance.epoch,
        means=means,
        silent_at=now + silence_timeout(spec),
        call_at=now if means == WEBHOOK else None,
        perhaps_heard=means == POLL,
    )


def _why_not(record: ObjectRecord) -> str:
    if is_external(record.resolved):
        return f"Job/{record.name} has a webhook, which is called at its time; there is nothing to ask for"
    return f"Job/{record.name} is executed by the runner itself; only an external job can be asked for"
