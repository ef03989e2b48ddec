"""What must be known of each document to check the whole tree, small enough to be kept in a cache?

Facts are JSON-able and never hold a spec: 10,000 of them are checked against each other at every plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.problem import Path
from runner.declaration.step_kinds import named_files, steps_of, touched
from runner.declaration.targets import NAME, format_of_inventory
from runner.declaration.triggers import brings_inputs, hook_of, needed, upstream_of

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
    metadata, spec = _mapping(document.get("metadata")), _mapping(document.get("spec"))
    annotations = _mapping(metadata.get("annotations"))
    enabled = spec.get("enabled")
    facts: dict[str, Any] = {
        "address": f"{kind}/{metadata.get('name')}",
        "enabled": enabled if isinstance(enabled, bool) else None,
        "labels": {k: v for k, v in _mapping(metadata.get("labels")).items() if isinstance(v, str)},
        "annotations": {k: v for k, v in annotations.items() if isinstance(v, str)},
        "pruneDisabled": annotations.get(PRUNE) == "disabled",
        "reconcileDisabled": annotations.get(RECONCILE) == "disabled",
        "references": [[name, ["spec", *path]] for path, name in references_of(kind, spec)],
        "files": [[file, ["spec", *path]] for path, file in _files(kind, spec)],
        "folds": sorted({name for _, name in _folds(kind, spec)}),
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


def is_cron_text(schedule: str) -> bool:
    """Whether a job's `schedule: TEXT` is a cron expression; otherwise it is the name of a Schedule."""
    return " " in schedule.strip() or schedule.startswith("@") or "\t" in schedule


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str):
            yield index, item


def _folds(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """References whose target's content is copied into the resolved spec."""
    if kind == "Job":
        if isinstance(spec.get("type"), str):
            yield ("type",), f"JobType/{spec['type']}"
        for path, schedule in _schedules(spec):
            if _is_shared(schedule):
                yield path, f"Schedule/{schedule}"
            for index, name in _texts(_mapping(schedule).get("calendars")):
                yield (*path, "calendars", index), f"Calendar/{name}"
        inventory = _mapping(spec.get("tasks")).get("inventory")
        if isinstance(inventory, str):
            yield ("tasks", "inventory"), f"Inventory/{inventory}"
    if kind == "Schedule":
        for index, name in _texts(spec.get("calendars")):
            yield ("calendars", index), f"Calendar/{name}"
    for index, name in _texts(spec.get("libraries")):
        yield ("libraries", index), f"Library/{name}"
    for index, name in _texts(_mapping(spec.get("defaults")).get("libraries")):
        yield ("defaults", "libraries", index), f"Library/{name}"


def _schedules(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    yield ("schedule",), spec.get("schedule")
    for name, each in _mapping(spec.get("schedules")).items():
        yield ("schedules", name), each


def _triggers(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The triggers that the document itself holds."""
    written = _schedules(spec) if kind == "Job" else [((), spec)] if kind == "Schedule" else ()
    for path, schedule in written:
        if isinstance(schedule, Mapping) and "trigger" in schedule:
            yield (*path, "trigger"), schedule["trigger"]


def references_of(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What the spec refers to, each with the path below the spec: `references` of the facts."""
    yield from _folds(kind, spec)
    for path, trigger in _triggers(kind, spec):
        for below, name in needed(trigger):
            yield (*path, *below), name
    if kind == "Job":
        for index, name in _texts(spec.get("groups")):
            yield ("groups", index), f"Group/{name}"
    if kind == "Connection" and isinstance(spec.get("authorization"), str):
        yield ("authorization",), f"Authorization/{spec['authorization']}"
    yield from _credentials(("env",), spec.get("env"))
    yield from _credentials(("defaults", "env"), _mapping(spec.get("defaults")).get("env"))
    yield from _webhook(("external", "webhook"), spec)
    yield from _webhook(("defaults", "external", "webhook"), _mapping(spec.get("defaults")))
    if kind == "Runner":
        yield from _sources(spec)
    for path, step in steps_of(spec):
        for below, name in touched(step):
            yield (*path, *below), name


def _credentials(path: Path, env: Any) -> Iterator[tuple[Path, str]]:
    for variable, value in _mapping(env).items():
        name, key = _mapping(value).get("authorization"), _mapping(value).get("key")
        if isinstance(name, str) and isinstance(key, str):
            yield (*path, variable), f"Authorization/{name}#{key}"


def _webhook(path: Path, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    webhook = _mapping(_mapping(spec.get("external")).get("webhook"))
    if isinstance(webhook.get("connection"), str):
        yield (*path, "connection"), f"Connection/{webhook['connection']}"
    yield from _credentials(path, {"secret": webhook.get("secret")})


def _sources(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for name, source in _mapping(spec.get("sources")).items():
        git = _mapping(_mapping(source).get("git"))
        if isinstance(git.get("authorization"), str):
            yield ("sources", name, "git", "authorization"), f"Authorization/{git['authorization']}"
        hint = _mapping(git.get("webhook"))
        yield from _credentials(("sources", name, "git", "webhook"), {"secret": hint.get("secret")})


def _files(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    if kind == "Job" and isinstance(_mapping(spec.get("code")).get("file"), str):
        yield ("code", "file"), spec["code"]["file"]
    if kind == "Inventory" and isinstance(spec.get("file"), str):
        yield ("file",), spec["file"]
    if kind == "Library":
        if isinstance(spec.get("file"), str):
            yield ("file",), spec["file"]
        for name, file in _mapping(spec.get("modules")).items():
            if isinstance(file, str):
                yield ("modules", name), file
    for path, step in steps_of(spec):
        for below, file in named_files(step):
            yield (*path, *below), file


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
            shared = [[n, ["spec", *p]] for p, n in _folds(kind, spec) if n.startswith("Schedule/")]
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
                "inputs": dict(_mapping(spec.get("inputs"))),
                "with": dict(_mapping(_mapping(spec.get("defaults")).get("with"))),
            }
        case "Inventory" if "targets" in spec:
            every = _mapping(spec["targets"]).values()
            return {"columns": sorted({name for values in every for name in _mapping(values)})}
        case "Inventory" if "file" in spec:
            reads = {key: spec[key] for key in ("nameColumn", "delimiter") if isinstance(spec.get(key), str)}
            return {"reads": {"format": format_of_inventory(spec), **reads}}
        case "Authorization":
            return {"offers": [f"Authorization/{name}#{key}" for key in _mapping(spec.get("config"))]}
        case "Runner":
            offers = []
            for root, value in _mapping(spec.get("roots")).items():
                offers.append(f"Root/{root}")
                if _mapping(value).get("access") == "write":
                    offers.append(f"Root/{root}#write")
            return {"offers": offers, "listens": isinstance(spec.get("web"), Mapping)}
    return {}


def _triggered(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    hooks, after = [], []
    for path, trigger in _triggers(kind, spec):
        if (hook := hook_of(trigger)) is not None:
            hooks.append([hook, ["spec", *path, "webhook", "path"]])
        after += [[name, ["spec", *path, *below]] for below, name in upstream_of(trigger)]
    return {"hooks": hooks, "after": after} if hooks or after else {}


def _of_type(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a job of the user's own type must be checked for once the type is known."""
    return {
        "body": next((key for key in ("steps", "code") if key in spec), None),
        "external": "external" in spec,
        "inputs": dict(_mapping(spec.get("inputs"))),
        "with": dict(_mapping(spec.get("with"))),
        "scheduled": any(
            each and not _is_shared(each) and not brings_inputs(_mapping(each).get("trigger"))
            for _, each in _schedules(spec)
        ),
        "uses": [[name, ["spec", *path]] for path, name in _inputs_used(spec)],
    }


def _is_shared(schedule: Any) -> bool:
    """Whether it is the name of a Schedule."""
    return isinstance(schedule, str) and not is_cron_text(schedule)


def _inputs_without_value(spec: Mapping[str, Any]) -> list[str]:
    """Inputs that are required and that the job itself gives no value."""
    given, declared = _mapping(spec.get("with")), _mapping(spec.get("inputs"))
    asked = {name: _mapping(schema) for name, schema in declared.items() if name not in given}
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
    where = _mapping(spec.get("tasks")).get("where")
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
