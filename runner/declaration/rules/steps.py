"""Rules for steps: unique names, exactly one action, and what each action needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.resolve_steps import format_of
from runner.declaration.rules.job import in_source
from runner.declaration.rules.schedule import positive
from runner.declaration.rules.wording import beside, exactly_one
from runner.declaration.step_kinds import STEP_KINDS, kind_of, steps_of
from runner.declaration.written import mapping
from runner.vocabulary.printable import is_one_plain_line

Found = Iterator[Problem]


def steps(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """The steps of a Job, or the template of a JobType."""
    first: dict[Any, int] = {}
    for below, step in steps_of(spec):
        path: Path = ("spec", *below)
        name = step.get("name")
        if isinstance(name, str):
            if name in first:
                detail = f"{quoted(name)} is already the name of step {first[name] + 1}"
                yield Problem((*path, "name"), "duplicate-name", "Duplicate name", detail)
            first.setdefault(name, int(below[-1]))
        yield from exactly_one(path, step, STEP_KINDS, "a step")
        yield from positive((*path, "timeout"), step.get("timeout"))
        kind = kind_of(step)
        if kind is not None:
            yield from _ACTIONS[kind]((*path, kind), step[kind])


def _shell(path: Path, action: Any) -> Found:
    yield from in_source(path, action, "a shell script")
    if isinstance(action, Mapping):
        yield from exactly_one(path, action, ("script", "argv", "file"), "shell")
        yield from in_source((*path, "script"), action.get("script"), "a shell script")
        if "arguments" in action and "argv" in action:
            yield beside((*path, "arguments"), "arguments", "argv", "argv holds the arguments already")


def _python(path: Path, action: Any) -> Found:
    if isinstance(action, Mapping):
        yield from exactly_one(path, action, ("file", "source"), "python")
        yield from in_source((*path, "source"), action.get("source"), "Python source")


def _sql(path: Path, action: Any) -> Found:
    if isinstance(action, Mapping):
        yield from exactly_one(path, action, ("statement", "file"), "sql")
        yield from in_source((*path, "statement"), action.get("statement"), "a SQL statement")


def _copy(path: Path, action: Any) -> Found:
    action = mapping(action)
    for end in ("from", "to"):
        if isinstance(action.get(end), Mapping):
            yield from _copy_end((*path, end), action[end], reads=end == "from")
    target = mapping(action.get("to"))
    written = target.get("path")
    if isinstance(written, str) and not is_one_plain_line(written):
        detail = (
            f"{quoted(written)} holds control characters, which would steer the terminal of whoever lists it"
        )
        yield Problem((*path, "to", "path"), "bad-path", "Bad path", detail, "leave them out of the name")
    for end in ("from", "to"):
        file = mapping(action.get(end)).get("path")
        if isinstance(file, str) and "format" not in action and format_of(file) is None:
            detail = f"the format cannot be told from the name {quoted(file)}"
            yield Problem(
                (*path, "format"), "missing-field", "Missing field", detail, "add format: csv, for example"
            )
    if action.get("mode") == "upsert" and not action.get("key"):
        detail = "mode: upsert needs key, the columns that identify a row"
        yield Problem((*path, "mode"), "missing-field", "Missing field", detail)
    if action.get("mode") in ("append", "upsert") and "root" in target:
        detail = "a file is always written as a whole; mode: replace is what happens"
        yield Problem((*path, "mode"), "no-effect", "Field without effect", detail)
    if action.get("key") and action.get("mode") != "upsert":
        detail = "key is only read with mode: upsert"
        yield Problem((*path, "key"), "no-effect", "Field without effect", detail, at="key")


def _copy_end(path: Path, end: Mapping[str, Any], *, reads: bool) -> Found:
    yield from exactly_one(path, end, ("connection", "root"), "an end of copy")
    if "root" in end:
        if "path" not in end:
            yield Problem((*path, "path"), "missing-field", "Missing field", "a root needs path beside it")
        wrong = [key for key in ("table", "query") if key in end]
    else:
        if reads and "connection" in end:
            yield from exactly_one(path, end, ("table", "query"), "a connection to read from")
        elif "connection" in end and "table" not in end:
            detail = "a connection to write to needs table"
            yield Problem((*path, "table"), "missing-field", "Missing field", detail)
        wrong = ["path"] if "path" in end else []
    if not reads and "query" in end:
        wrong = ["query"]
    for key in wrong:
        yield beside(
            (*path, key), key, "root" if "root" in end else "connection", "the ends are told apart by it"
        )
    yield from in_source((*path, "query"), end.get("query"), "a SQL statement")


def _prune(path: Path, action: Any) -> Found:
    if isinstance(action, Mapping) and not {"olderThan", "keep", "maxSize"} & set(action):
        detail = "prune needs at least one of olderThan, keep and maxSize, or it would take every file"
        yield Problem(path, "one-of", "One field is missing", detail)


def _http(path: Path, action: Any) -> Found:
    if isinstance(action, Mapping):
        yield from exactly_one(path, action, ("connection", "url"), "http")
        if "path" in action and "url" in action:
            yield beside((*path, "path"), "path", "url", "write the path into the url")
        if "body" in action and action.get("method", "GET") in ("GET", "HEAD"):
            detail = f"a {action.get('method', 'GET')} request has no body"
            yield Problem(
                (*path, "body"), "no-effect", "Field without effect", detail, "method: POST", at="key"
            )
        url = action.get("url")
        if isinstance(url, str) and not url.startswith(("http://", "https://", "${{")):
            detail = f"{quoted(url)} does not begin with https:// or http://"
            yield Problem((*path, "url"), "bad-url", "Bad URL", detail)
        yield from _finite((*path, "body"), action.get("body"))


def _finite(path: Path, value: Any) -> Found:
    """JSON has no NaN and no infinity (RFC 8259, section 6)."""
    if isinstance(value, float) and not math.isfinite(value):
        yield Problem(path, "bad-number", "Bad number", f"{value} is not a finite number")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _finite((*path, key), each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _finite((*path, index), each)


_ACTIONS = {
    "shell": _shell,
    "python": _python,
    "sql": _sql,
    "copy": _copy,
    "prune": _prune,
    "http": _http,
}
