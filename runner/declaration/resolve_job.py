"""A job with its type, its schedules, its libraries and every default filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.declaration import resolve_policies as policies
from runner.declaration.resolve_others import library_files, resolved_inputs
from runner.declaration.resolve_schedule import own_retry, schedules_of
from runner.declaration.resolve_steps import files_of, resolved_steps
from runner.declaration.resolve_tasks import resolved_tasks
from runner.declaration.surroundings import Surroundings, spec_of


def resolved_job(document: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """The resolved spec of a job."""
    spec, name = spec_of(document), document["metadata"]["name"]
    type_name = str(spec.get("type", "standard"))
    job_type = around.job_type(type_name)
    is_external = job_type.get("executor") == "external"
    levels = (spec, job_type.get("defaults") or {}, around.settings.get("defaults") or {})

    if "steps" in spec or "code" in spec:
        steps = resolved_steps(spec, around.folders.get(f"Job/{name}", ""))
    else:
        steps = resolved_steps(job_type, around.folders.get(f"JobType/{type_name}", ""))
    schedules = schedules_of(spec, around)
    retry = policies.retry(policies.nearest_declared(levels, "retry", "once"))
    deadline = policies.nearest_declared(levels, "deadline")
    perform_timeout = policies.nearest_declared(levels, "performTimeout")
    if retry["policy"] == "until-expiry" and deadline is not None:
        retry["maxElapsed"] = deadline
    external = {"external": policies.external(levels)} if is_external else {}
    retry_errors = {
        key: policies.retry_errors(found)
        for key in ("retryOn", "neverRetryOn")
        if (found := policies.nearest_declared(levels, key)) is not None
    }
    return {
        "version": spec.get("version"),
        "description": spec.get("description"),
        "type": type_name,
        "executor": job_type.get("executor", "process"),
        "protected": job_type.get("protected", False),
        "hidden": job_type.get("hidden", False),
        "enabled": spec.get("enabled"),
        "mode": spec.get("mode") or ("automatic" if schedules else "manual"),
        "schedules": schedules,
        "groups": sorted(spec.get("groups") or ()),
        "libraries": _libraries(levels, around),
        "inputs": resolved_inputs({**(job_type.get("inputs") or {}), **(spec.get("inputs") or {})}),
        "with": policies.merged(levels, "with", {}),
        "concurrency": policies.concurrency(levels),
        "missed": policies.missed(levels),
        "retry": retry,
        **retry_errors,
        "failAfter": policies.fail_after(levels, "until-expiry" if own_retry(schedules) else retry["policy"]),
        "onCrash": policies.on_crash(
            levels,
            ["class" if step["action"].get("class") else step["kind"] for step in steps],
            goes_on="tasks" in spec or _consumes(schedules),
        ),
        "timeout": policies.nearest_declared(levels, "timeout"),
        **({"performTimeout": perform_timeout} if perform_timeout is not None else {}),
        "deadline": deadline,
        "validUntil": spec.get("validUntil"),
        "onExpiry": policies.nearest_declared(levels, "onExpiry", "finish"),
        "onDisable": policies.nearest_declared(levels, "onDisable", "finish"),
        **(
            {"clearFailureOnChange": True}
            if policies.nearest_declared(levels, "clearFailureOnChange")
            else {}
        ),
        "env": policies.merged(levels, "env", {}),
        "locks": sorted(spec.get("locks") or ()),
        "limits": policies.merged(levels, "limits", policies.LIMITS),
        "keepWorkdir": policies.nearest_declared(levels, "keepWorkdir", False),
        "history": policies.merged(levels, "history", policies.HISTORY),
        "flow": dict(policies.nearest_declared(levels, "flow") or {}),
        "steps": policies.with_retry_errors(steps, retry_errors),
        "outputs": {**(job_type.get("outputs") or {}), **(spec.get("outputs") or {})},
        "files": {path: around.sha256(path) for path in sorted(set(files_of(steps)))},
        "runAs": policies.nearest_declared(levels, "runAs"),
        # Only where there are any: a job without them is the same as before there were inventories.
        **({"tasks": resolved_tasks(spec["tasks"], around, schedules)} if "tasks" in spec else {}),
        **external,
    }


def _consumes(schedules: Mapping[str, Mapping[str, Any]]) -> bool:
    return any((each.get("trigger") or {}).get("consume") for each in schedules.values())


def _libraries(levels: policies.Levels, around: Surroundings) -> dict[str, dict[str, str]]:
    """The job's libraries, and those that they import, each with its module files."""
    found: dict[str, dict[str, str]] = {}
    waiting = list(_names(policies.nearest_declared(levels, "libraries", ())))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in around.libraries:
            raise LookupError(f"there is no Library/{name}")
        library = around.libraries[name]
        found[name] = library_files(library, around)
        waiting.extend(_names(spec_of(library).get("libraries")))
    return dict(sorted(found.items()))


def _names(declared: Iterable[str] | None) -> Iterable[str]:
    return declared or ()
