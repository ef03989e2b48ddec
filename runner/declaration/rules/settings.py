"""Rules for the smaller kinds: Library, Group, Runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path, Problem
from runner.declaration.rules import external, sources
from runner.declaration.rules import schedule as schedule_rules
from runner.declaration.rules.wording import beside


def library(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """One file or several modules, all Python."""
    if "file" in spec and "modules" in spec:
        yield beside(("spec", "modules"), "modules", "file", "a library is one file or several modules")
    elif not spec.get("file") and not spec.get("modules"):
        yield Problem(("spec",), "one-of", "One field is missing", "a Library needs file or modules")
    elif isinstance(spec.get("modules"), Mapping) and len(spec["modules"]) == 1:
        detail = "one module is the library itself"
        yield Problem(("spec", "modules"), "one-of", "One module only", detail, "write it as file", at="key")
    files: list[tuple[Path, Any]] = [(("spec", "file"), spec.get("file"))]
    modules = spec.get("modules")
    if isinstance(modules, Mapping):
        files += [(("spec", "modules", name), file) for name, file in modules.items()]
    for path, file in files:
        if isinstance(file, str) and not file.endswith(".py"):
            yield Problem(
                path, "bad-path", "Bad path", f"'{file}' is not a Python file: its name ends in .py"
            )


def runner(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """The zone exists, the listener has its names, and git gets nothing else than addresses and names."""
    yield from schedule_rules.zone(("spec", "timezone"), spec.get("timezone"))
    yield from external.web(("spec", "web"), spec.get("web"))
    yield from sources.sources(("spec", "sources"), spec.get("sources"))
