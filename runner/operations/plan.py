"""What would apply change? Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from runner.declaration.declared import Declared, Document
from runner.git.repository import Commit, commit_of
from runner.loading.location import DEFAULT_FOLDER, locate_source
from runner.loading.tree import Tree, load_stream, load_tree
from runner.operations.checked_out import CheckedOut
from runner.operations.documents import Documents
from runner.operations.glance import glance
from runner.operations.installed_side import installed_side
from runner.operations.last_applied import remember, token_of
from runner.operations.ownership import Ownership, ownership_of
from runner.operations.quarantine import QuarantineEdits, ended_by, pinned_side
from runner.operations.settings import settings
from runner.reconcile.guards import Budget
from runner.reconcile.make_plan import make_plan
from runner.reconcile.plan import Plan, in_plan_order
from runner.reconcile.sides import DeclaredSide, InstalledSide
from runner.vocabulary.diagnostic import Diagnostic, has_errors
from runner.vocabulary.errors import InvalidDeclarations
from runner.vocabulary.identity import Address

if TYPE_CHECKING:
    from runner.operations.isolate import Isolation
    from runner.store.objects import InstalledSummary
    from runner.store.port import Reader, Store


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with all that apply needs to carry it out, however long ago it was made.

    `declared` and `documents` are asked for what the plan writes; `blob` for the content of a named file, by
    its sha256 in hex. `diagnostics` are warnings and notes: with errors there is no plan. `ownership` says
    whether the sources are this project's.
    """

    plan: Plan
    declared: Mapping[Address, Declared]
    documents: Mapping[Address, Document]
    blob: Callable[[str], bytes]
    budget: Budget = field(default_factory=Budget)
    diagnostics: tuple[Diagnostic, ...] = ()
    tree: Tree | None = None
    ownership: Ownership = field(default_factory=Ownership)
    quarantine: QuarantineEdits | None = None
    """What rollbacks have pinned: what this apply begins or ends of it."""
    isolation: Isolation | None = None
    """Of a tree with errors: its valid part, which is read from a copy as long as this is there."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Documents that were piped in; their paths are relative to `base`."""

    raw: bytes
    base: Path


def make_plan_for(
    path: Path | Stream | CheckedOut | None,
    project: Path,
    store: Store | None,
    now: datetime,
    *,
    state: Path | None = None,
    commit: bool = True,
    outlook: bool = False,
    heal: bool = False,
    on_invalid: str | None = None,
) -> Planned:
    """The plan for what is declared at `path` (None: the project's `jobs.d`) against what is installed.

    Without a store it is compared with nothing. InvalidDeclarations, with every problem of the tree, when
    there is an error: unreadable is never empty. A relative `path` is taken from the working directory, as
    the system does. `state` has the cache; by default it lies beside the store. With `outlook` the plan also
    tells what it means for starts to come and for runs. With `heal` it ends
    operators' holds on what git enables. With `on_invalid="isolate"` (None: as the installed Runner says)
    what is invalid in a whole source stays as it is installed, and the rest is planned.
    """
    if state is None and store is not None:
        state = store.path.parent
    with store.read() if store is not None else nullcontext() as reader:
        tree = _load(path, project, reader, state)
        asked = _CommitOf(tree.root) if commit and not isinstance(path, Stream | CheckedOut) else None
        noticed, root, isolation = tree.diagnostics, tree.root, None
        if has_errors(tree.diagnostics):
            if reader is None or state is None or not _isolates(reader, on_invalid):
                raise InvalidDeclarations(tree.diagnostics)
            from runner.operations.isolate import isolate

            isolation = isolate(tree, reader, state)
            tree = isolation.tree
        declared = DeclaredSide(tree.objects, Documents(tree), tree.source, tree.partial, tree.digest)
        pinned = None
        if reader is None or store is None or state is None:
            plan, budget = make_plan(declared, InstalledSide(), now), Budget()
            ownership = Ownership()
        else:
            pinned = pinned_side(reader, declared) if reader.quarantines.active() else None
            if pinned is not None:
                declared = replace(declared, objects=pinned.objects, documents=pinned.documents)
            looks = state if pinned is None and isolation is None else None  # else by looking at everything
            plan = _against(reader, tree, declared, store.lineage, now, state=looks, heal=heal)
            if pinned is not None:
                plan = replace(plan, changes=in_plan_order((*plan.changes, *pinned.notes)))
            if isolation is not None:
                plan = isolation.in_plan(plan, reader)
            if outlook and not plan.is_empty:
                from runner.operations.outlook import look_ahead

                plan = look_ahead(
                    plan, declared, installed_side(reader, declared, store.lineage, now), reader, now
                )
            budget = budget_of(reader) if plan.count("uninstall") else Budget()
            ownership = ownership_of(reader, plan, root=root, project=project, state=state)
    if plan.is_all and not plan.is_empty:
        plan = replace(plan, tree_digest=token_of(tree))
    found = path.commit if isinstance(path, CheckedOut) else asked.answer() if asked else None
    if found is not None:
        plan = replace(plan, commit=found.sha, branch=found.branch, dirty=found.dirty)
    return Planned(
        plan,
        declared.objects,
        declared.documents,
        tree.blob,
        budget,
        noticed,
        tree,
        ownership,
        ended_by(pinned, plan.commit) if isolation is None else None,
        isolation,
    )


def _isolates(reader: Reader, asked: str | None) -> bool:
    """Whether what is invalid is isolated: as asked, else as the installed Runner says."""
    return (asked or settings(reader).get("onInvalid") or "refuse") == "isolate"


def _against(
    reader: Reader,
    tree: Tree,
    declared: DeclaredSide,
    lineage: str,
    now: datetime,
    *,
    state: Path | None,
    heal: bool,
) -> Plan:
    plan = None if state is None or heal else glance(reader, tree, declared, lineage, now, state=state)
    if plan is not None:
        return plan
    plan = make_plan(declared, installed_side(reader, declared, lineage, now), now, heal=heal)
    if state is not None and plan.is_empty and plan.is_all and not plan.relocations:
        applied = reader.applied(tree.source)
        token = token_of(tree)
        if applied is not None and applied.tree_digest == token:
            remember(state, tree, token)  # the cache was deleted; the next plan is quick again
    return plan


def budget_of(reader: Reader) -> Budget:
    """The deletion budget that the installed Runner object sets, or the usual one.

    The installed one: a commit cannot widen the budget and use it at once.
    """
    for record in reader.objects.all("Runner"):
        declared = record.resolved.get("deletionBudget")
        if declared:
            share = float(str(declared["percent"]).rstrip("%")) / 100
            return Budget(few=int(declared["objects"]), share=share)
    return Budget()


def _load(
    path: Path | Stream | CheckedOut | None, project: Path, reader: Reader | None, state: Path | None
) -> Tree:
    if isinstance(path, CheckedOut):
        return load_tree(
            project=project, state=state, location=locate_source(path.root, path.source, path.shown)
        )
    if path is None or path == project / DEFAULT_FOLDER:
        return load_tree(None, project=project, state=state)
    summaries = reader.objects.summaries() if reader is not None else []
    if isinstance(path, Stream):
        known = [f"{each.kind}/{each.name}" for each in summaries]
        return load_stream(path.raw, base=path.base, project=project, known_addresses=known)
    return load_tree(
        path,
        project=project,
        state=state,
        known_sources=sorted({each.source for each in summaries}),
        known_addresses=_Addresses(summaries),
    )


class _Addresses(Collection[str]):
    """Addresses as text, made only when somebody asks."""

    def __init__(self, summaries: Iterable[InstalledSummary]) -> None:
        self._summaries = summaries
        self._made: frozenset[str] | None = None

    def _known(self) -> frozenset[str]:
        if self._made is None:
            self._made = frozenset(f"{each.kind}/{each.name}" for each in self._summaries)
        return self._made

    def __contains__(self, address: object) -> bool:
        return address in self._known()

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())


class _CommitOf:
    """git looks while the plan is being made."""

    def __init__(self, folder: Path) -> None:
        self._found: Commit | None = None
        self._thread = Thread(target=self._ask, args=(folder,), daemon=True)
        self._thread.start()

    def _ask(self, folder: Path) -> None:
        self._found = commit_of(folder)

    def answer(self) -> Commit | None:
        self._thread.join()
        return self._found
