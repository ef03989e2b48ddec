"""Remove installed objects that no plan removes: released, brought back, kept by their annotation, or of a
source that nobody follows any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.declaration.facts import addresses_in, facts_of
from runner.operations.beside_plans import Managed, write_down
from runner.operations.declared_sources import declared_sources
from runner.operations.selection import unknown
from runner.operations.settings import keep_removed
from runner.operations.show_sources import show_sources
from runner.operations.take_away import take_away
from runner.reconcile.sides import RELEASED
from runner.sources.settings import MAIN, PREFIX
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import Refused, UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.printable import printable

NAMED = 5


def uninstall(
    tx: Transaction,
    addresses: Sequence[Address],
    actor: Actor,
    now: datetime,
    *,
    allow_protected: bool = False,
) -> list[Managed]:
    """The objects are tombstones, like those that a plan has removed: `undo` brings them back for some days.

    All of them, or none. A job that runs finishes first. UnknownName when one is not installed; Refused when
    a plan would remove it once it is no longer declared (that is the way then), or when something else that
    is installed refers to it.
    """
    records = [_found(tx, address) for address in dict.fromkeys(addresses)]
    for record in records:
        may(
            actor,
            "uninstall",
            what=record.name,
            protected=record.protected,
            allow_protected=allow_protected,
        )
    _refuse_when_needed(tx, records)
    unfollowed = _Unfollowed(tx, now)
    return [_uninstalled(tx, record, unfollowed, actor, now) for record in records]


def of_source(reader: Reader, source: str) -> list[Address]:
    """Everything that this source has installed; UnknownName when that is nothing."""
    summaries = reader.objects.summaries()
    found = [each.address for each in summaries if each.source == source]
    if not found:
        known = ", ".join(sorted({each.source for each in summaries}))
        raise UnknownName(f"nothing is installed from {printable(source)}; there is {known or 'nothing'}")
    return found


def _found(tx: Transaction, address: Address) -> ObjectRecord:
    record = tx.objects.get(address)
    if record is None:
        raise unknown(address.kind, address.name, (each.name for each in tx.objects.summaries(address.kind)))
    return record


def _uninstalled(
    tx: Transaction, record: ObjectRecord, unfollowed: _Unfollowed, actor: Actor, now: datetime
) -> Managed:
    address = record.address
    if any(hold.kind == "removed" for hold in tx.holds.of(record.uid)):
        return Managed(address, False, f"{address} is being removed: it finishes a run first", tx.serial())
    if record.source == RELEASED:
        why = "it was released"
    elif record.prune_disabled:
        why = "no plan removes it"
    elif unfollowed(record.source):
        why = f"nobody follows {record.source} any more"
    else:
        raise Refused(
            f"{address} is managed by {record.source}: take its declaration away ({record.place}) and let "
            f"the next plan remove it, or `runner release {address}` first. Nothing was changed"
        )
    reason = f"uninstalled by name; {why}"
    gone = take_away(tx, record, who=str(actor), reason=reason, now=now)
    serial = write_down(tx, record, "uninstall", record.source, reason, who=str(actor), at=now)
    until = now + keep_removed(tx)
    back = f"`runner undo {address}` brings it back until {until:%Y-%m-%d}"
    said = f"{address} is uninstalled" if gone else f"{address} finishes a run and is uninstalled then"
    again = "; if it is still declared, the next plan installs it again" if record.prune_disabled else ""
    return Managed(address, True, f"{said}; {back}{again}", serial)


class _Unfollowed:
    """Whether nobody looks at a git source any more, asked once for each."""

    def __init__(self, reader: Reader, now: datetime) -> None:
        self._reader, self._now = reader, now
        self._known: dict[str, bool] = {}

    def __call__(self, source: str) -> bool:
        if not source.startswith(PREFIX):
            return False
        if source not in self._known:
            name = source.removeprefix(PREFIX)
            wanted, wrong = declared_sources(self._reader)
            late = {each.record.name: each.not_followed for each in show_sources(self._reader, self._now)}
            declared = name in wanted or name in wrong
            # That of a command line is declared nowhere: it counts as followed until it is late.
            self._known[source] = not declared and (name != MAIN or late.get(name, True))
        return self._known[source]


def _refuse_when_needed(tx: Transaction, records: Sequence[ObjectRecord]) -> None:
    going = {str(record.address) for record in records}
    needs: dict[str, list[str]] = {}
    for each in tx.objects.all():
        if str(each.address) in going:
            continue
        for needed in going.intersection(addresses_in(facts_of(each.declared, each.kind))):
            needs.setdefault(needed, []).append(str(each.address))
    for address, by in sorted(needs.items()):
        named = ", ".join(by[:NAMED]) + (f" and {len(by) - NAMED} more" if len(by) > NAMED else "")
        raise Refused(
            f"{address} is needed by {named}; uninstall that first, or let it need something else. Nothing "
            "was changed"
        )
