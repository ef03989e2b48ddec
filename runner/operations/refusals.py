"""Which requests were not taken lately, and does a person have to look?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner.operations.concern import Concern
from runner.store.port import Reader, Store, Transaction
from runner.store.refusals import RefusalRecord
from runner.vocabulary.instants import to_the_second

if TYPE_CHECKING:
    from runner.operations.receive_webhook import Hooks

LATELY = timedelta(hours=24)
KEPT = timedelta(days=7)
"""Without another one of its kind."""

SHOWN = 5

ANYBODY = frozenset({"bad-signature", "unsigned", "bad-id", "bad-timestamp", "wrong-host", "not-json"})
"""What anybody can cause who finds the address: it tells of something wrong only while nothing is taken."""

KNOWN_SENDER = frozenset(
    {"bad-payload", "bad-time", "bad-schema", "no-secret", "queue-full", "ambiguous-hook"}
)
"""What only a sender hears whose signature holds, or what is missing here."""

NEEDED = {
    "bad-signature": "compare the secret with the sender's",
    "bad-time": "compare the clock here with the sender's",
    "bad-payload": "compare what is sent with `schema` and the job's inputs",
    "bad-schema": "correct `schema` of that trigger",
    "no-secret": "runner doctor",
    "queue-full": "see what the job does with its items: runner jobs items {job}",
    "ambiguous-hook": "give each job a path of its own",
    "wrong-host": "declare the name that the sender uses in spec.web.hosts of the Runner",
    "unsigned": "let the sender sign, as docs/triggers.md says",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Requests for one path that were refused for one reason, since the last ones were written down."""

    path: str
    rule: str
    detail: str
    count: int
    first_at: datetime
    last_at: datetime


def record_refusals(tx: Transaction, hooks: Hooks, refused: Sequence[Refused]) -> None:
    """Count them for the job whose hook it is; those for no hook are counted together."""
    for each in refused:
        owners = hooks.get(each.path, ())
        job_uid, schedule = owners[0] if owners else ("", "")
        tx.refusals.add(
            RefusalRecord(
                job_uid=job_uid,
                schedule=schedule,
                rule=each.rule,
                count=each.count,
                first_at=each.first_at,
                last_at=each.last_at,
                path=each.path,
                detail=each.detail,
            )
        )


def refusal_alarms(reader: Reader, now: datetime) -> Iterator[Concern]:
    """Of the jobs that are installed; what is sent to no hook is for doctor."""
    for each in reader.refusals.all():
        if each.last_at <= now - LATELY or not each.job_uid:
            continue
        record = reader.objects.by_uid(each.job_uid)
        if record is None or record.removed_at is not None:
            continue
        problem = each.rule in KNOWN_SENDER or (each.rule in ANYBODY and not _taken_since(reader, each))
        hint = NEEDED.get(each.rule, "runner jobs show {job}").format(job=record.name)
        yield Concern("refused", record.name, each.first_at, told(each), hint, problem)


def refusals_of(reader: Reader, job_uid: str) -> tuple[RefusalRecord, ...]:
    """Those of one job, the last one first."""
    return tuple(reader.refusals.all(job_uid))


def told(refused: RefusalRecord) -> str:
    """`12 requests to /hooks/orders were refused (bad-signature), the last at …: why`"""
    many = "1 request" if refused.count == 1 else f"{refused.count} requests"
    was = "was" if refused.count == 1 else "were"
    when = f"{'' if refused.count == 1 else 'the last '}at {to_the_second(refused.last_at)}"
    return f"{many} to /hooks/{refused.path} {was} refused ({refused.rule}), {when}: {refused.detail}"


def prune_refusals(store: Store, now: datetime) -> int:
    """How many rows went."""
    return store.transact(lambda tx: tx.refusals.prune(now - KEPT))


def _taken_since(reader: Reader, refused: RefusalRecord) -> bool:
    newest = reader.arrivals.of_job(refused.job_uid, limit=1)
    return bool(newest) and newest[0].arrived_at >= refused.first_at
