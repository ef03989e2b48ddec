"""What must be known of each document to check the whole tree, small enough to be kept in a cache?

Facts are JSON-able and never hold a spec: 10,000 of them are checked against each other at every plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.named_elsewhere import (
    files_of,
    folds_of,
    is_shared,
    references_of,
    schedules_in,
    triggers_of,
)
from runner.declaration.problem import Path
from runner.declaration.step_kinds import steps_of
from runner.declaration.targets import NAME, format_of_inventory
from runner.declaration.triggers import brings_inputs, hook_of, upstream_of
from runner.declaration.written import mapping

PRUNE = "jobs.runner/prune"
RECONCILE = "jobs.runner/reconcile"
MOVED_FROM = "jobs.runner/moved-from"


def facts_of(document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The facts of one document; of an invalid one, as many as can be seen.

    Always: `address`, `enabled`, `labels`, `annotations`, `pruneDisabled`, `reconcileDisabled`,
    `references` (pairs of text and path: `Schedule/nightly`, `Root/exports#write`,
    `Authorization/warehouse#password`), `files` (pairs of the path as written and where it is written).
    `folds` lists the objects whose content becomes part of the resolved spec (beside the Runner's defaults).
    Only where there is something to say: `movedFrom`, `offers` (what others may refer to beside the address),
    `reads` (how an inventory's file is read) or `columns` (the values of its targets), `asksTargets` (values
    of targets that a job reads), `protected`, `type`, `ofType` and `template` (what
    `cross_check` needs of jobs of the user's own types), `retriesItself` (of a Schedule) and `retries` (of a
    job that declares `retry`: the shared Schedules that it names, and where), `bringsInputs` (of a Schedule)
    and `asksInputs` (of a job: what only its Schedules may bring), `triggers` (webhook paths as `hooks` and
    names of jobs as `after`, with their places), `listens` (of the Runner: whether there is an HTTP
    listener).
    """
    metadata, spec = mapping(document.get("metadata")), mapping(document.get("spec"))
    annotations = mapping(metadata.get("annotations"))
    enabled = spec.get("enabled")
    facts: dict[str, Any] = {
        "address": f"{kind}/{metadata.get('name')}",
        "enabled": enabled if isinstance(enabled, bool) else None,
        "labels": {k: v for k, v in mapping(metadata.get("labels")).items() if isinstance(v, str)},
        "annotations": {k: v for k, v in annotations.items() if isinstance(v, str)},
        "pruneDisabled": annotations.get(PRUNE) == "disabled",
        "reconcileDisabled": annotations.get(RECONCILE) == "disabled",
        "references": [[name, ["spec", *path]] for path, name in references_of(kind, spec)],
        "files": [[file, ["spec", *path]] for path, file in files_of(kind, spec)],
        "folds": sorted({name for _, name in folds_of(kind, spec)}),
    }
    if isinstance(annotations.get(MOVED_FROM), str):
        facts["movedFrom"] = annotations[MOVED_FROM]
    facts.update(_special(kind, metadata, spec))
    if found := _triggered(kind, spec):
        facts["triggers"] = found
    return facts


def addresses_in(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of objects that the document refers to, sorted, each once: `Declared.references`."""
    return tuple(
        sorted({name.partition("#")[0] for name, _ in facts["references"] if not name.startswith("Root/")})
    )


def _special(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    name = metadata.get("name")
    match kind:
        case "Schedule":
            own = next((key for key in ("window", "fireAndForget") if key in spec), None)
            brings = {"bringsInputs": True} if brings_inputs(spec.get("trigger")) else {}
            return {"retriesItself": own, **brings} if own else brings
        case "Job":
            job_type = spec.get("type", "standard")
            asks = {"asksTargets": [[n, list(p)] for p, n in _target_values(spec)]} if "tasks" in spec else {}
            shared = [[n, ["spec", *p]] for p, n in folds_of(kind, spec) if n.startswith("Schedule/")]
            more = {**asks, **({"retries": shared} if "retry" in spec and shared else {})}
            if job_type in SHIPPED_JOB_TYPES or not isinstance(job_type, str):
                names = _inputs_without_value(spec) if shared else []
                return {"type": job_type, **more, **({"asksInputs": names} if names else {})}
            return {"type": job_type, "ofType": _of_type(spec), **more}
        case "JobType":
            return {
                "protected": spec.get("protected") is True,
                "template": bool(spec.get("steps")),
                "external": spec.get("executor") == "external",
                "inputs": dict(mapping(spec.get("inputs"))),
                "with": dict(mapping(mapping(spec.get("defaults")).get("with"))),
            }
        case "Inventory" if "targets" in spec:
            every = mapping(spec["targets"]).values()
            return {"columns": sorted({name for values in every for name in mapping(values)})}
        case "Inventory" if "file" in spec:
            reads = {key: spec[key] for key in ("nameColumn", "delimiter") if isinstance(spec.get(key), str)}
            return {"reads": {"format": format_of_inventory(spec), **reads}}
        case "Authorization":
            return {"offers": [f"Authorization/{name}#{key}" for key in mapping(spec.get("config"))]}
        case "Runner":
            offers = []
            for root, value in mapping(spec.get("roots")).items():
                offers.append(f"Root/{root}")
                if mapping(value).get("access") == "write":
                    offers.append(f"Root/{root}#write")
            return {"offers": offers, "listens": isinstance(spec.get("web"), Mapping)}
    return {}


def _triggered(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    hooks, after = [], []
    for path, trigger in triggers_of(kind, spec):
        if (hook := hook_of(trigger)) is not None:
            hooks.append([hook, ["spec", *path, "webhook", "path"]])
        after += [[name, ["spec", *path, *below]] for below, name in upstream_of(trigger)]
    return {"hooks": hooks, "after": after} if hooks or after else {}


def _of_type(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a job of the user's own type must be checked for once the type is known."""
    return {
        "body": next((key for key in ("steps", "code") if key in spec), None),
        "external": "external" in spec,
        "inputs": dict(mapping(spec.get("inputs"))),
        "with": dict(mapping(spec.get("with"))),
        "scheduled": any(
            each and not is_shared(each) and not brings_inputs(mapping(each).get("trigger"))
            for _, each in schedules_in(spec)
        ),
        "uses": [[name, ["spec", *path]] for path, name in _inputs_used(spec)],
    }


def _inputs_without_value(spec: Mapping[str, Any]) -> list[str]:
    """Inputs that are required and that the job itself gives no value."""
    given, declared = mapping(spec.get("with")), mapping(spec.get("inputs"))
    asked = {name: mapping(schema) for name, schema in declared.items() if name not in given}
    return sorted(n for n, each in asked.items() if each.get("required") and each.get("default") is None)


def _inputs_used(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Names of inputs that expressions read, with the place of the expression."""
    yield from _read_below("inputs", spec)


def _target_values(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Names of a target's values that expressions read, with the place of the expression."""
    for path, name in _read_below("target", spec):
        if name != NAME:
            yield ("spec", *path), name


def _is_asked_for(name: str, expression: str) -> bool:
    return re.search(rf"\bhas\(\s*target\.{name}\s*\)", expression) is not None


def _read_below(root: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    from runner.declaration.expression_parser import SyntaxProblem, parse
    from runner.declaration.expression_tree import chains
    from runner.declaration.templates import Template, segments, texts_with_templates

    texts: list[tuple[Path, str]] = []
    where = mapping(spec.get("tasks")).get("where")
    if isinstance(where, str):
        texts.append((("tasks", "where"), where))
    for path, step in steps_of(spec):
        if isinstance(step.get("if"), str):
            texts.append(((*path, "if"), step["if"]))
    for path, text in texts_with_templates(spec):
        texts += [(path, part.expression) for part in segments(text) if isinstance(part, Template)]
    for path, expression in texts:
        try:
            found = {chain[1] for chain in chains(parse(expression)) if len(chain) > 1 and chain[0] == root}
            if root == "target":  # what is asked about need not be there
                found = {name for name in found if not _is_asked_for(name, expression)}
        except SyntaxProblem:
            continue  # told for the document by itself
        for name in sorted(found):
            yield path, name
