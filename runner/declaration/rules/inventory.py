"""Rules for inventories, and for the fan-out of a job over one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.rules.schedule import positive
from runner.declaration.rules.wording import beside, exactly_one
from runner.declaration.targets import MOST_TARGETS, Wrong, format_of_inventory, too_large, wrong_value
from runner.declaration.written import mapping

_SUMMARIES = {
    "bad-name": "Bad name",
    "reserved-name": "Reserved name",
    "too-long": "Value too long",
    "bad-value": "Bad value",
}


def inventory(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Targets written here or in a file, and what each of them may hold."""
    yield from exactly_one(("spec",), spec, ("targets", "file"), "an Inventory")
    file = spec.get("file")
    if isinstance(file, str) and format_of_inventory(spec) is None:
        detail = f"the format cannot be told from the name {quoted(file)}"
        yield Problem(
            ("spec", "format"), "missing-field", "Missing field", detail, "add format: csv, for example"
        )
    for key in ("format", "nameColumn", "delimiter"):
        if key in spec and "file" not in spec:
            yield _no_effect(("spec", key), f"'{key}' is only read with file")
    if "delimiter" in spec and format_of_inventory(spec) in ("json", "yaml"):
        yield _no_effect(("spec", "delimiter"), "'delimiter' is only read with CSV")
    if spec.get("delimiter") in ('"', "\n", "\r", " "):
        detail = f"{quoted(repr(spec['delimiter']))} cannot divide columns"
        yield Problem(("spec", "delimiter"), "bad-value", "Bad value", detail, 'for example ";"')
    targets = mapping(spec.get("targets"))
    if len(targets) > MOST_TARGETS:
        detail = f"{len(targets)} targets; at most {MOST_TARGETS} are read"
        yield Problem(("spec", "targets"), "too-many-targets", "Too many targets", detail)
    for name, values in targets.items():
        path: Path = ("spec", "targets", name)
        for key, value in mapping(values).items():
            if not isinstance(value, Mapping | list) and (wrong := wrong_value(key, value)) is not None:
                yield _problem((*path, key), wrong)
        if (wrong := too_large(mapping(values))) is not None:
            yield _problem(path, wrong)


def fan_out(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Durations longer than nothing, and fields that mean something beside each other."""
    tasks = mapping(spec.get("tasks"))
    for key in ("retryEvery", "expiresIn", "timeout"):
        yield from positive(("spec", "tasks", key), tasks.get(key))
    if tasks and "waveMinSuccess" in tasks and not tasks.get("waves"):
        yield _no_effect(("spec", "tasks", "waveMinSuccess"), "'waveMinSuccess' is only read with waves")
    if "tasks" in spec and spec.get("outputs"):
        detail = (
            "each target has outputs of its own; a run over an inventory hands on how many targets ended how"
        )
        yield _no_effect(("spec", "outputs"), detail)
    if "tasks" in spec and spec.get("keepWorkdir") is True:
        yield beside(
            ("spec", "keepWorkdir"), "keepWorkdir", "tasks", "each target has a directory of its own"
        )


def _problem(path: Path, wrong: Wrong) -> Problem:
    return Problem(path, wrong.rule, _SUMMARIES[wrong.rule], wrong.detail, wrong.hint)


def _no_effect(path: Path, detail: str) -> Problem:
    return Problem(path, "no-effect", "Field without effect", detail, "take it out", at="key")
