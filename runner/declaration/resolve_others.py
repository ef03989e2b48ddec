"""The kinds beside Job with every default filled in."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from runner.declaration.resolve_policies import WEB
from runner.declaration.resolve_schedule import resolved_dates, resolved_schedule
from runner.declaration.resolve_steps import files_of, resolved_steps, rooted
from runner.declaration.resolve_tasks import resolved_inventory
from runner.declaration.surroundings import Surroundings, spec_of
from runner.sources.settings import INTERVAL, PATH, TIMEOUT
from runner.sources.wanted import DEFAULT

Document = Mapping[str, Any]


def resolved_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs with every field there."""
    return {
        name: {
            "type": each.get("type", "string"),
            "default": each.get("default"),
            "required": each.get("required", False),
            "choices": list(each.get("choices") or ()),
            "minimum": each.get("minimum"),
            "maximum": each.get("maximum"),
            "maxLength": each.get("maxLength", 4096),
            "description": each.get("description"),
        }
        for name, each in inputs.items()
    }


def library_files(library: Document, around: Surroundings) -> dict[str, str]:
    """The module files of a Library by the name that Python shows, each with its hash.

    One entry is a module; several are the modules of a package.
    """
    spec = spec_of(library)
    folder = around.folders.get(f"Library/{library['metadata']['name']}", "")
    if spec.get("file"):
        return {posixpath.basename(spec["file"]): around.sha256(rooted(folder, spec["file"]))}
    modules = sorted((spec.get("modules") or {}).items())
    return {f"{name}.py": around.sha256(rooted(folder, file)) for name, file in modules}


def _schedule(document: Document, around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    return {"description": spec.get("description"), **resolved_schedule(spec, around)}


def _calendar(document: Document, _around: Surroundings) -> dict[str, Any]:
    return {"description": spec_of(document).get("description"), "dates": resolved_dates(document)}


def _job_type(document: Document, around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    steps = resolved_steps(spec, around.folders.get(f"JobType/{document['metadata']['name']}", ""))
    return {
        "description": spec.get("description"),
        "executor": spec.get("executor", "process"),
        "protected": spec.get("protected", False),
        "hidden": spec.get("hidden", False),
        "inputs": resolved_inputs(spec.get("inputs") or {}),
        "defaults": dict(spec.get("defaults") or {}),
        "steps": steps,
        "outputs": dict(spec.get("outputs") or {}),
        "files": {path: around.sha256(path) for path in sorted(set(files_of(steps)))},
    }


def _library(document: Document, around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    return {
        "description": spec.get("description"),
        "modules": library_files(document, around),
        "libraries": list(spec.get("libraries") or ()),
    }


def _group(document: Document, _around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    return {
        "description": spec.get("description"),
        "enabled": spec.get("enabled"),
        "limit": spec.get("limit"),
    }


def _connection(document: Document, _around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    return {
        "description": spec.get("description"),
        "url": spec["url"],
        "authorization": spec.get("authorization"),
    }


def _authorization(document: Document, _around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    return {"description": spec.get("description"), "config": dict(spec.get("config") or {})}


def _runner(document: Document, _around: Surroundings) -> dict[str, Any]:
    spec = spec_of(document)
    budget = spec.get("deletionBudget") or {}
    return {
        "description": spec.get("description"),
        "timezone": spec.get("timezone", "UTC"),
        "parallel": spec.get("parallel", 5),
        "defaults": dict(spec.get("defaults") or {}),
        "deletionBudget": {"objects": budget.get("objects", 3), "percent": budget.get("percent", "20%")},
        **({"onInvalid": spec["onInvalid"]} if spec.get("onInvalid") else {}),
        **({"keepRemoved": spec["keepRemoved"]} if spec.get("keepRemoved") else {}),
        "roots": {
            name: {"path": each["path"], "access": each.get("access", "read")}
            for name, each in (spec.get("roots") or {}).items()
        },
        **({"web": {**WEB, **(spec["web"] or {})}} if "web" in spec else {}),
        **({"sources": _sources(spec["sources"])} if spec.get("sources") else {}),
    }


def _sources(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, each in given.items():
        git = each["git"]
        verify = git.get("verify")
        found[name] = {
            "git": {
                "url": git["url"],
                "ref": dict(git.get("ref") or {"branch": DEFAULT.name}),
                "path": git.get("path", PATH),
                "interval": git.get("interval", INTERVAL),
                "timeout": git.get("timeout", TIMEOUT),
                "authorization": git.get("authorization"),
                "caFile": git.get("caFile"),
                "verify": verify
                and {
                    "what": verify.get("what", "commit"),
                    "allowedSigners": verify.get("allowedSigners"),
                    "pgpKeys": verify.get("pgpKeys"),
                },
                "webhook": git.get("webhook"),
            }
        }
    return found


RESOLVERS: dict[str, Callable[[Document, Surroundings], dict[str, Any]]] = {
    "Schedule": _schedule,
    "JobType": _job_type,
    "Library": _library,
    "Group": _group,
    "Inventory": resolved_inventory,
    "Calendar": _calendar,
    "Connection": _connection,
    "Authorization": _authorization,
    "Runner": _runner,
}
