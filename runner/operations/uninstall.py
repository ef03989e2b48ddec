"""Remove an installed object that no plan removes: released, brought back, kept by its annotation, or of a
source that nobody follows any more.
"""

from __future__ import annotations

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
from runner.sources.settings import PREFIX
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import Refused
from runner.vocabulary.identity import Address

NAMED = 5


def uninstall(
    tx: Transaction, address: Address, actor: Actor, now: datetime, *, allow_protected: bool = False
) -> Managed:
    """The object is a tombstone, like one that a plan has removed: `undo` brings it back for some days.

    A job that runs finishes first. UnknownName when it is not installed; Refused when a plan would remove it
    once it is no longer declared (that is the way then), or when something installed refers to it.
    """
    record = tx.objects.get(address)
    if record is None:
        raise unknown(address.kind, address.name, (each.name for each in tx.objects.summaries(address.kind)))
    may(
        actor,
        "uninstall",
        what=address.name,
        protected=record.protected,
        allow_protected=allow_protected,
    )
    if any(hold.kind == "removed" for hold in tx.holds.of(record.uid)):
        return Managed(address, False, f"{address} is being removed: it finishes a run first", tx.serial())
    why = _why_no_plan_does(tx, record, now)
    if not why:
        raise Refused(
            f"{address} is managed by {record.source}: take its declaration away ({record.place}) and let "
            f"the next plan remove it, or `runner release {address}` first. Nothing was changed"
        )
    _refuse_when_needed(tx, record)
    reason = f"uninstalled by name; {why}"
    gone = take_away(tx, record, who=str(actor), reason=reason, now=now)
    serial = write_down(tx, record, "uninstall", record.source, reason, who=str(actor), at=now)
    until = now + keep_removed(tx)
    back = f"`runner undo {address}` brings it back until {until:%Y-%m-%d}"
    said = f"{address} is uninstalled" if gone else f"{address} finishes a run and is uninstalled then"
    again = "" if record.source == RELEASED else "; if it is still declared, the next plan installs it again"
    return Managed(address, True, f"{said}; {back}{again}", serial)


def _why_no_plan_does(tx: Transaction, record: ObjectRecord, now: datetime) -> str:
    """In words; empty when the next plan of its source removes what is not declared."""
    if record.source == RELEASED:
        return "it was released"
    if record.prune_disabled:
        return "no plan removes it"
    if not record.source.startswith(PREFIX):
        return ""
    name = record.source.removeprefix(PREFIX)
    wanted, wrong = declared_sources(tx)
    known = {each.record.name: each for each in show_sources(tx, now)}
    followed = name in wanted or name in wrong or (name in known and not known[name].not_followed)
    return "" if followed else f"nobody follows {record.source} any more"


def _refuse_when_needed(tx: Transaction, record: ObjectRecord) -> None:
    address = str(record.address)
    needs = sorted(
        str(each.address)
        for each in tx.objects.all()
        if each.uid != record.uid and address in addresses_in(facts_of(each.declared, each.kind))
    )
    if needs:
        named = ", ".join(needs[:NAMED]) + (f" and {len(needs) - NAMED} more" if len(needs) > NAMED else "")
        raise Refused(
            f"{address} is needed by {named}; uninstall that first, or let it need something else. Nothing "
            "was changed"
        )
