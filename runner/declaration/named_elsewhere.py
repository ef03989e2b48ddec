"""What does a document name that stands elsewhere: other objects, and files?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path
from runner.declaration.step_kinds import named_files, steps_of, touched
from runner.declaration.triggers import needed
from runner.declaration.written import mapping, texts_in


def references_of(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The objects that the spec refers to, each with the path below the spec."""
    yield from folds_of(kind, spec)
    for path, trigger in triggers_of(kind, spec):
        for below, name in needed(trigger):
            yield (*path, *below), name
    if kind == "Job":
        for index, name in texts_in(spec.get("groups")):
            yield ("groups", index), f"Group/{name}"
    if kind == "Connection" and isinstance(spec.get("authorization"), str):
        yield ("authorization",), f"Authorization/{spec['authorization']}"
    yield from _credentials(("env",), spec.get("env"))
    yield from _credentials(("defaults", "env"), mapping(spec.get("defaults")).get("env"))
    yield from _webhook(("external", "webhook"), spec)
    yield from _webhook(("defaults", "external", "webhook"), mapping(spec.get("defaults")))
    if kind == "Runner":
        yield from _sources(spec)
    for path, step in steps_of(spec):
        for below, name in touched(step):
            yield (*path, *below), name


def folds_of(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Those objects among them whose content becomes part of the resolved spec."""
    if kind == "Job":
        if isinstance(spec.get("type"), str):
            yield ("type",), f"JobType/{spec['type']}"
        for path, schedule in schedules_in(spec):
            if is_shared(schedule):
                yield path, f"Schedule/{schedule}"
            for index, name in texts_in(mapping(schedule).get("calendars")):
                yield (*path, "calendars", index), f"Calendar/{name}"
        inventory = mapping(spec.get("tasks")).get("inventory")
        if isinstance(inventory, str):
            yield ("tasks", "inventory"), f"Inventory/{inventory}"
    if kind == "Schedule":
        for index, name in texts_in(spec.get("calendars")):
            yield ("calendars", index), f"Calendar/{name}"
    for index, name in texts_in(spec.get("libraries")):
        yield ("libraries", index), f"Library/{name}"
    for index, name in texts_in(mapping(spec.get("defaults")).get("libraries")):
        yield ("defaults", "libraries", index), f"Library/{name}"


def files_of(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The files that the spec names, as written, each with the path below the spec."""
    if kind == "Job" and isinstance(mapping(spec.get("code")).get("file"), str):
        yield ("code", "file"), spec["code"]["file"]
    if kind == "Inventory" and isinstance(spec.get("file"), str):
        yield ("file",), spec["file"]
    if kind == "Library":
        if isinstance(spec.get("file"), str):
            yield ("file",), spec["file"]
        for name, file in mapping(spec.get("modules")).items():
            if isinstance(file, str):
                yield ("modules", name), file
    for path, step in steps_of(spec):
        for below, file in named_files(step):
            yield (*path, *below), file


def schedules_in(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """What a job says of its schedules: names, cron texts and whole ones."""
    yield ("schedule",), spec.get("schedule")
    for name, each in mapping(spec.get("schedules")).items():
        yield ("schedules", name), each


def triggers_of(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The triggers that the document itself holds."""
    written = schedules_in(spec) if kind == "Job" else [((), spec)] if kind == "Schedule" else ()
    for path, schedule in written:
        if isinstance(schedule, Mapping) and "trigger" in schedule:
            yield (*path, "trigger"), schedule["trigger"]


def is_shared(schedule: Any) -> bool:
    """Whether it is the name of a Schedule."""
    return isinstance(schedule, str) and not is_cron_text(schedule)


def is_cron_text(schedule: str) -> bool:
    """Whether a job's `schedule: TEXT` is a cron expression; otherwise it is the name of a Schedule."""
    return " " in schedule.strip() or schedule.startswith("@") or "\t" in schedule


def _credentials(path: Path, env: Any) -> Iterator[tuple[Path, str]]:
    for variable, value in mapping(env).items():
        name, key = mapping(value).get("authorization"), mapping(value).get("key")
        if isinstance(name, str) and isinstance(key, str):
            yield (*path, variable), f"Authorization/{name}#{key}"


def _webhook(path: Path, spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    webhook = mapping(mapping(spec.get("external")).get("webhook"))
    if isinstance(webhook.get("connection"), str):
        yield (*path, "connection"), f"Connection/{webhook['connection']}"
    yield from _credentials(path, {"secret": webhook.get("secret")})


def _sources(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for name, source in mapping(spec.get("sources")).items():
        git = mapping(mapping(source).get("git"))
        if isinstance(git.get("authorization"), str):
            yield ("sources", name, "git", "authorization"), f"Authorization/{git['authorization']}"
        hint = mapping(git.get("webhook"))
        yield from _credentials(("sources", name, "git", "webhook"), {"secret": hint.get("secret")})
