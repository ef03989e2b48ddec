"""Put one declared job, and what it needs, into a scratch database: a trial before anything is committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.access.permission import Actor
from runner.declaration.declared import Declared, Document
from runner.loading.tree import Tree, load_tree
from runner.operations.blobs import store_blob
from runner.operations.executed_elsewhere import is_external
from runner.operations.selection import installed
from runner.operations.tried_items import Given, start_tried, told_what_instead
from runner.operations.trigger import Triggered, trigger_job
from runner.store.objects import NewObject
from runner.store.port import Store, Transaction
from runner.vocabulary.diagnostic import has_errors
from runner.vocabulary.errors import InvalidDeclarations, Refused, UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.names import nearest

NEEDED = ("Connection", "Authorization", "Runner")
"""Kinds that a run looks up by name; everything else is already inside the resolved job."""

NOTHING_ELSE: Mapping[Address, Mapping[str, Any]] = {}


NOTHING_ARRIVED = Given()


@dataclass(frozen=True, slots=True)
class Trial:
    """The tree and the one job of it that is tried."""

    tree: Tree
    declared: Declared
    document: Document


def find_trial(name_or_file: str, *, project: Path, state: Path | None, now: datetime) -> Trial:
    """The job that is meant: by name, or the one job of a file.

    Raises InvalidDeclarations, or UnknownName when the job is not declared or the file has none or several;
    Refused when another system executes it.
    """
    path = Path(name_or_file)
    is_file = name_or_file.endswith((".yaml", ".yml")) or "/" in name_or_file
    tree = load_tree(_absolute(path, project) if is_file else None, project=project, state=state, now=now)
    if has_errors(tree.diagnostics):
        raise InvalidDeclarations(tree.diagnostics)
    jobs = [address for address in tree.objects if address.kind == "Job"]
    if is_file:
        if len(jobs) != 1:
            names = ", ".join(job.name for job in jobs) or "none"
            raise UnknownName(f"{name_or_file} must declare one job to be run; it declares: {names}")
        address = jobs[0]
    else:
        address = Address("Job", name_or_file)
        if address not in tree.objects:
            close = nearest(name_or_file, [job.name for job in jobs])
            hint = f"; did you mean {close!r}?" if close else ""
            raise UnknownName(f"there is no job {name_or_file!r} in the declarations{hint}")
    trial = Trial(tree, tree.objects[address], tree.document(address))
    if is_external(trial.document.resolved):
        raise Refused(
            f"Job/{address.name} is executed by another system, which would not know that this is a trial; "
            f"`runner jobs trigger {address.name}` starts it under `runner up`"
        )
    return trial


def install_trial(
    store: Store,
    state: Path,
    trial: Trial,
    *,
    project: Path,
    step: str | None,
    given: Mapping[str, str],
    slot: str | None,
    actor: Actor,
    now: datetime,
    instead: Mapping[Address, Mapping[str, Any]] = NOTHING_ELSE,
    arrived: Given = NOTHING_ARRIVED,
) -> Triggered:
    """Install the job and what it needs, and record a start by hand; nothing of it is scheduled.

    `arrived` is taken for what its trigger waits for, and the start is that of the trigger then.
    `instead` has fields of resolved specs that are to be others than those that are declared.
    `step` leaves that step alone, without its condition. Each target has one try, unless `instead` says
    otherwise. UnknownName for a step or a
    slot that is not there.
    """
    resolved = {**trial.document.resolved, **instead.get(trial.declared.address, {})}
    if step is not None:
        resolved["steps"] = [_only(resolved["steps"], step, trial.declared.address.name)]
        resolved["outputs"] = {}
    if resolved.get("tasks") and "tasks" not in instead.get(trial.declared.address, {}):
        # a person waits: a target that failed is not tried again in five minutes
        resolved["tasks"] = {**resolved["tasks"], "expiresIn": "0s"}
    if resolved["schedules"]:
        resolved["schedules"] = {
            name: _without_linger(settings) for name, settings in resolved["schedules"].items()
        }
    _keep_files(trial, state)
    whole = trial.tree
    if trial.tree.partial:
        whole = load_tree(trial.tree.root, project=project, now=now)
    needed = [address for address in whole.objects if address.kind in NEEDED]

    def install(tx: Transaction) -> None:
        for address in needed:
            document = whole.document(address)
            own = {**document.resolved, **instead.get(address, {})}
            new = _new(whole, whole.objects[address], document, own)
            tx.objects.install(new, at=now, who=str(actor))
        new = _new(trial.tree, trial.declared, trial.document, resolved)
        tx.objects.install(new, at=now, who=str(actor))

    store.transact(install)
    name = trial.declared.address.name
    if arrived:
        return store.transact(lambda tx: _started(tx, name, arrived, given, project, now))
    start = trigger_job(
        store,
        name,
        actor=actor,
        key="trial",
        now=now,
        given=given,
        slot=slot,
        force=True,
        reason="a trial",
    )
    with store.read() as reader:
        told = told_what_instead(installed(reader, "Job", name), reader)
    return replace(start, notes=(told,) if told else ())


def _started(
    tx: Transaction, name: str, arrived: Given, given: Mapping[str, str], project: Path, now: datetime
) -> Triggered:
    id = start_tried(tx, installed(tx, "Job", name), arrived, given, project, now)
    run = tx.instances.get(id)
    return Triggered(id, name, dict(run.inputs) if run is not None else {}, None, ())


def _without_linger(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A person waits: what works through items does not wait for more of them."""
    trigger = (settings or {}).get("trigger") or {}
    if not trigger.get("consume"):
        return settings
    return {**settings, "trigger": {**trigger, "consume": {**trigger["consume"], "linger": "0s"}}}


def _absolute(path: Path, project: Path) -> Path:
    return path if path.is_absolute() else project / path


def _only(steps: list[Mapping[str, Any]], name: str, job: str) -> Mapping[str, Any]:
    for step in steps:
        if step["name"] == name:
            return {**step, "if": None}
    names = [step["name"] for step in steps]
    close = nearest(name, names)
    hint = f"; did you mean {close!r}?" if close else ""
    raise UnknownName(f"Job/{job} has no step {name!r}; it has: {', '.join(names)}{hint}")


def _keep_files(trial: Trial, state: Path) -> None:
    digests = set(trial.document.files.values())
    for modules in trial.document.resolved["libraries"].values():
        digests |= set(modules.values())
    for digest in sorted(digests):
        store_blob(state, digest, trial.tree.blob(digest))


def _new(tree: Tree, declared: Declared, document: Document, resolved: Mapping[str, Any]) -> NewObject:
    return NewObject(
        kind=declared.address.kind,
        name=declared.address.name,
        source=tree.source,
        file=declared.place.file,
        line=declared.place.line,
        digest=declared.digest,
        execution_digest=declared.execution_digest,
        declared=document.declared,
        resolved=resolved,
        files=document.files,
        enabled=declared.enabled,
    )
