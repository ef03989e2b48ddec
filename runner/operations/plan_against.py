"""What would change against what another commit declares? Git against git: no database, and nothing runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runner.declaration.declared import Declared
from runner.git.at_commit import Standpoint, standpoint_of, write_files_at
from runner.git.repository import commit_of
from runner.lifecycle.holds import Hold
from runner.loading.location import locate_source
from runner.loading.tree import Tree, load_stream, load_tree
from runner.operations.documents import Documents
from runner.operations.plan import Planned, Stream
from runner.reconcile.make_plan import make_plan
from runner.reconcile.sides import DeclaredSide, InstalledSide
from runner.reconcile.switches import GIT
from runner.vocabulary.diagnostic import Diagnostic, has_errors
from runner.vocabulary.errors import InvalidDeclarations
from runner.vocabulary.identity import Address


@dataclass(frozen=True, slots=True)
class _AsInstalled:
    """A declared object in the place of an installed one."""

    uid: str
    address: Address
    source: str
    digest: str
    enabled: bool | None
    protected: bool
    prune_disabled: bool
    file: str
    line: int


def make_plan_against(
    path: Path | Stream | None, project: Path, ref: str, now: datetime, *, state: Path | None = None
) -> Planned:
    """The plan from what `ref` declares to what is declared at `path` (None: the project's `jobs.d`).

    The digests of its changes are those of a plan against an installation that has what `ref` declares.
    RunnerError when `ref` names no commit; InvalidDeclarations with the problems of either side.
    """
    tree = _load(path, project, state)
    if has_errors(tree.diagnostics):
        raise InvalidDeclarations(tree.diagnostics)
    at = standpoint_of(tree.root, ref)
    documents = Documents(tree)
    declared = DeclaredSide(tree.objects, documents, tree.source, tree.partial, tree.digest)
    noticed = tree.diagnostics
    with _tree_at(tree, project, at, ref) as before:
        if before is None:
            detail = f"{ref} has nothing in {tree.source}, so everything is new"
            absent = Diagnostic(
                tree.source, 0, 0, "warning", "nothing-there", "Nothing to compare with", detail
            )
            noticed = (*noticed, absent)
        elif has_errors(before.diagnostics):
            raise InvalidDeclarations(before.diagnostics)
        installed = _as_installed(before) if before is not None else InstalledSide()
        plan = make_plan(declared, installed, now)
    found = commit_of(tree.root) if not isinstance(path, Stream) else None
    plan = replace(plan, against=f"{ref} @ {at.sha[:7]}")
    if found is not None:
        plan = replace(plan, commit=found.sha, branch=found.branch, dirty=found.dirty)
    return Planned(plan, tree.objects, documents, tree.blob, diagnostics=noticed, tree=tree)


def _load(path: Path | Stream | None, project: Path, state: Path | None) -> Tree:
    if isinstance(path, Stream):
        return load_stream(path.raw, base=path.base, project=project)
    return load_tree(path, project=project, state=state)


@contextmanager
def _tree_at(tree: Tree, project: Path, at: Standpoint, ref: str) -> Iterator[Tree | None]:
    """The whole source as the commit declares it, read from a copy; None when there is nothing."""
    with tempfile.TemporaryDirectory(prefix="runner-against-") as folder:
        root = Path(folder, "tree")
        root.mkdir()
        if not write_files_at(tree.root, at, root):
            yield None
            return
        location = locate_source(root, tree.source, f"{ref}:{tree.source}")
        yield load_tree(project=project, location=location)


def _as_installed(tree: Tree) -> InstalledSide:
    objects = {address: _record(tree, address, each) for address, each in tree.objects.items()}
    holds = {
        f"git:{address}": [Hold("git", GIT, "spec.enabled is false", since=_NEVER, until=None)]
        for address, each in tree.objects.items()
        if address.kind == "Job" and each.enabled is False
    }
    return InstalledSide(objects=objects, documents=Documents(tree), holds=holds)


def _record(tree: Tree, address: Address, each: Declared) -> _AsInstalled:
    return _AsInstalled(
        uid=f"git:{address}",
        address=address,
        source=tree.source,
        digest=each.digest,
        enabled=each.enabled,
        protected=each.protected,
        prune_disabled=each.prune_disabled,
        file=each.place.file,
        line=each.place.line,
    )


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
