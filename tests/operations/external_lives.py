"""Runs of another system, taken through their life by the operations of the daemon and of the listener."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from installations import NOW, Installation, a_job
from lives import scheduled

from runner.access.permission import Actor
from runner.access.report_token import report_token
from runner.operations.claim_instance import Claimed, Waits
from runner.operations.external_silence import pass_time
from runner.operations.external_work import Work, claim_for_call, claim_for_poll
from runner.operations.outcome import Finished, NotStarted
from runner.operations.report_external import ExternalReport, Reported, report_external
from runner.store.events import EventRecord
from runner.store.external_runs import ExternalRun
from runner.store.objects import NewObject
from runner.store.port import Transaction

BILLING = Actor("token:billing", role="reporter")
SECRET = {"authorization": "billing", "key": "secret"}
HOOK = {"url": "https://billing.example/jobs", "secret": SECRET}


def an_external_job(name: str = "invoices", *, webhook: Any = HOOK, **spec: Any) -> NewObject:
    """Called at its time (or polled with `webhook=None`); silent after 10 minutes, decided after an hour."""
    external = {"webhook": webhook, **spec.pop("external", {})} if webhook else spec.pop("external", {})
    fields = {"schedule": None, "steps": None, "type": "external", "external": external, **spec}
    return a_job(name, **fields)


def session(here: Installation, now: datetime = NOW) -> int:
    def work(tx: Transaction) -> int:
        known = tx.sessions.list(1)
        if known:
            return known[0].id
        return tx.sessions.start("up", pid=1, host="here", boot_id="b", login="ana", at=now)

    return here.store.transact(work)


def called(here: Installation, id: int, now: datetime = NOW) -> Claimed | NotStarted | Waits:
    """What the daemon does with a run whose webhook is to be called."""
    run = here.instance(id)
    own = session(here, now)
    return here.store.transact(lambda tx: claim_for_call(tx, run, scheduled(here, run.job), own, now))


def polled(
    here: Installation, name: str = "invoices", now: datetime = NOW, actor: Actor = BILLING
) -> Work | None:
    session(here, now)
    return here.store.transact(lambda tx: claim_for_poll(tx, name, actor=actor, now=now))


def under_way(here: Installation, name: str = "invoices", *, now: datetime = NOW, key: str = "") -> int:
    """A run that its system has claimed by asking for it."""
    id = here.run(name, key=key, due_at=now)
    work = polled(here, name, now)
    assert work is not None and work.instance.id == id
    return id


def token(here: Installation, id: int, epoch: int | None = None) -> str:
    with here.store.read() as reader:
        key = reader.external.report_key()
    return report_token(key, id, here.instance(id).epoch if epoch is None else epoch)


def report(
    here: Installation,
    id: int,
    event: Any,
    now: datetime = NOW,
    *,
    epoch: int | None = None,
    with_token: str | None = None,
    actor: Actor = BILLING,
    **more: Any,
) -> Reported:
    text = with_token if with_token is not None else token(here, id, epoch)
    said = ExternalReport(event=event, **more)
    return here.store.transact(lambda tx: report_external(tx, id, text, said, actor=actor, now=now, draw=0.5))


def time_passes(here: Installation, now: datetime) -> list[Finished]:
    """What the daemon does at every look."""

    def work(tx: Transaction) -> list[Finished]:
        found = (pass_time(tx, live, now, 0.5) for live in tx.external.live())
        return [finished for finished in found if finished is not None]

    return here.store.transact(work)


def external_run(here: Installation, id: int) -> ExternalRun:
    with here.store.read() as reader:
        run = reader.external.get(id)
    assert run is not None
    return run


def steps(here: Installation, id: int) -> list[tuple[str, str]]:
    with here.store.read() as reader:
        return [(step.name, step.state) for step in reader.steps.of(id)]


def moves(here: Installation, id: int) -> list[str]:
    """The rows of the lifecycle table that the run went through, oldest first."""
    with here.store.read() as reader:
        events: list[EventRecord] = reader.events.of("instance", str(id), 1000)
    return [event.row for event in reversed(events) if event.subject_kind == "instance" and event.row]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
