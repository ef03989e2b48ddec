"""Let a source manage an object that another one manages, or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from runner.access.permission import Actor
from runner.operations.beside_plans import Managed, may_manage, write_down
from runner.operations.checked_out import CheckedOut
from runner.operations.declared_tree import declared_tree
from runner.operations.selection import unknown
from runner.reconcile.sides import RELEASED
from runner.sources.settings import PREFIX
from runner.store.port import Store, Transaction
from runner.vocabulary.errors import Refused, UnknownName
from runner.vocabulary.identity import Address


def adopt(
    address: Address,
    path: Path | CheckedOut | None,
    project: Path,
    store: Store,
    actor: Actor,
    now: datetime,
    *,
    allow_protected: bool = False,
) -> Managed:
    """The object belongs to the source at `path` (None: the project's `jobs.d`) from now on.

    uid, history, state and holds stay; what is declared differently is the next plan's to change. UnknownName
    when it is not installed; Refused when the source does not declare it: its next plan would remove it.
    """
    tree = declared_tree(path, project)
    wanted = tree.objects.get(address)

    def work(tx: Transaction) -> Managed:
        record = tx.objects.get(address)
        if record is None:
            raise _not_installed(tx, address)
        if wanted is None:
            raise Refused(
                f"{tree.source} does not declare {address}, so its next plan would remove it; "
                "declare it there first. Nothing was changed"
            )
        if record.source == tree.source:
            return Managed(address, False, f"{address} belongs to {tree.source} already", tx.serial())
        may_manage(actor, record, allow_protected=allow_protected)
        was = "nobody" if record.source == RELEASED else record.source
        reason = f"adopted by {tree.source} from {was}"
        new = replace(record, source=tree.source, file=wanted.place.file, line=wanted.place.line)
        tx.objects.update(record.uid, new, expected_digest=record.digest, at=now, who=str(actor), why=reason)
        if record.source != RELEASED:  # its next plan has to look at everything too, and tell of both places
            write_down(
                tx, record, "release", record.source, f"adopted by {tree.source}", who=str(actor), at=now
            )
        serial = write_down(tx, record, "adopt", tree.source, reason, who=str(actor), at=now)
        said = f"{address} belongs to {tree.source} now; it was {was}'s"
        if tree.source.startswith(PREFIX):
            name = tree.source.removeprefix(PREFIX)
            said += f". `runner reconcile --with-source {name}` applies what it declares"
        return Managed(address, True, said, serial)

    return store.transact(work)


def _not_installed(tx: Transaction, address: Address) -> UnknownName:
    return unknown(address.kind, address.name, (each.name for each in tx.objects.summaries(address.kind)))
