"""Plan by looking only at what may differ: of ten thousand objects, usually none."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from runner.loading.tree import Tree
from runner.operations.installed_side import installed_side
from runner.operations.last_applied import changed_between, recall
from runner.reconcile.make_plan import make_plan
from runner.reconcile.plan import Plan
from runner.reconcile.sides import DeclaredSide, Installed
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.identity import Address

MOST = 300
"""Above so many objects that may differ, comparing all of them costs less."""


def glance(
    reader: Reader, tree: Tree, declared: DeclaredSide, lineage: str, now: datetime, *, state: Path
) -> Plan | None:
    """The same plan that a full comparison would make, or None when only that can tell.

    What the last apply left in order is in order still, unless its file has changed since, or it is held.
    """
    try:
        return _plan_of_suspects(reader, tree, declared, lineage, now, state)
    except DamagedRow:
        return None


def _plan_of_suspects(
    reader: Reader, tree: Tree, declared: DeclaredSide, lineage: str, now: datetime, state: Path
) -> Plan | None:
    applied = reader.applied(tree.source)
    was = recall(state, tree.source, applied.tree_digest) if applied and not tree.partial else None
    if was is None:
        return None
    suspects = {Address.parse(text) for text in changed_between(was, tree.kept())}
    held = reader.holds.all()
    if len(suspects) > MOST or any(address.kind == "Group" for address in suspects):
        return None  # a group's switch concerns members whose files have not changed
    records: dict[Address, Installed] = {record.address: record for record in _held(reader, held.keys())}
    groups: dict[Address, Installed] = {record.address: record for record in reader.objects.all("Group")}
    suspects |= records.keys() | groups.keys()
    looked_at = {address: tree.objects[address] for address in suspects if address in tree.objects}
    origins = {Address(a.kind, each.moved_from) for a, each in looked_at.items() if each.moved_from}
    for address in (suspects | origins) - records.keys() - groups.keys():
        record = reader.objects.get(address)
        if record is not None:
            records[address] = record
    installed = installed_side(reader, declared, lineage, now, only={**groups, **records})
    plan = make_plan(replace(declared, objects=looked_at), installed, now)
    if plan.count("uninstall") or any(address in tree.objects for address in origins):
        return None  # how much is installed decides whether it may go
    return replace(plan, unchanged=plan.unchanged + len(tree.objects) - len(looked_at))


def _held(reader: Reader, uids: Collection[str]) -> Iterator[Installed]:
    if len(uids) > MOST:
        yield from (each for each in reader.objects.summaries() if each.uid in uids)
        return
    for uid in uids:
        record = reader.objects.by_uid(uid)
        if record is not None and record.removed_at is None:
            yield record
