"""The steps of a job in their long form: one shape per action kind, every field there."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.declaration.resolve_policies import retry, retry_errors
from runner.declaration.step_kinds import kind_of

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}

Action = dict[str, Any]


def resolved_steps(spec: Mapping[str, Any], folder: str) -> list[dict[str, Any]]:
    """The steps of a spec that is declared in `folder` (relative to the root); `code` is one step, `run`."""
    code = spec.get("code")
    if code is not None:
        return [_step({"name": "run", "python": code}, folder)]
    return [_step(step, folder) for step in spec.get("steps") or ()]


def files_of(steps: list[dict[str, Any]]) -> Iterator[str]:
    """The files that resolved steps name, relative to the root."""
    for step in steps:
        if step["action"].get("file"):
            yield step["action"]["file"]


def rooted(folder: str, path: str) -> str:
    """A path that was written in a file of `folder`, relative to the source's root."""
    return posixpath.normpath(posixpath.join(folder, path))


def format_of(path: str) -> str | None:
    """The format that a file's name says, or None."""
    return FORMATS.get(posixpath.splitext(path)[1].lower())


def _step(step: Mapping[str, Any], folder: str) -> dict[str, Any]:
    kind = kind_of(step)
    assert kind is not None  # a valid step has exactly one
    condition = step.get("if")
    action = _SHAPES[kind](step[kind])
    if action.get("file"):
        action["file"] = rooted(folder, action["file"])
    return {
        "name": step["name"],
        "kind": kind,
        "action": action,
        "if": {True: "true", False: "false"}.get(condition, condition) if condition is not None else None,
        "timeout": step.get("timeout"),
        "retry": retry(step["retry"]) if step.get("retry") is not None else None,
        **{name: retry_errors(step[name]) for name in ("retryOn", "neverRetryOn") if step.get(name)},
        "onFailure": step.get("onFailure", "fail"),
        "remedy": step.get("remedy"),
        "interruptible": step.get("interruptible", True),
        **({"skippable": True} if step.get("skippable") else {}),
    }


def _shell(written: Any) -> Action:
    if isinstance(written, str):
        written = {"script": written}
    elif isinstance(written, list):
        written = {"argv": written}
    return {
        "script": written.get("script"),
        "argv": written.get("argv"),
        "file": written.get("file"),
        "arguments": written.get("arguments", []),
        "env": written.get("env", {}),
        "workdir": written.get("workdir"),
        "successCodes": written.get("successCodes", [0]),
    }


def _python(written: Mapping[str, Any]) -> Action:
    if written.get("class"):
        return {
            "file": written["file"],
            "function": None,
            "class": written["class"],
            "source": None,
            "with": written.get("with", {}),
        }
    return {
        "file": written.get("file"),
        "function": written.get("function", "run") if written.get("file") else written.get("function"),
        "source": written.get("source"),
        "with": written.get("with", {}),
    }


def _sql(written: Mapping[str, Any]) -> Action:
    return {
        "connection": written["connection"],
        "statement": written.get("statement"),
        "file": written.get("file"),
        "with": written.get("with", {}),
    }


def _copy(written: Mapping[str, Any]) -> Action:
    ends = {end: dict(written[end]) for end in ("from", "to")}
    paths = [each["path"] for each in ends.values() if each.get("path")]
    guessed = next((found for path in paths if (found := format_of(path))), None)
    return {
        **ends,
        "format": written.get("format", guessed),
        "delimiter": written.get("delimiter", "\t" if paths and paths[0].lower().endswith(".tsv") else ","),
        "encoding": written.get("encoding", "utf-8"),
        "mode": written.get("mode", "replace" if "root" in ends["to"] else "append"),
        "key": written.get("key", []),
        "columns": written.get("columns"),
    }


def _prune(written: Mapping[str, Any]) -> Action:
    return {
        "root": written["root"],
        "match": written.get("match", "*"),
        "olderThan": written.get("olderThan"),
        "keep": written.get("keep"),
        "maxSize": written.get("maxSize"),
        "action": written.get("action", "delete"),
        "dryRun": written.get("dryRun", False),
    }


def _http(written: Mapping[str, Any]) -> Action:
    expect = written.get("expect") or {}
    status = expect.get("status")
    return {
        "connection": written.get("connection"),
        "url": written.get("url"),
        "path": written.get("path"),
        "method": written.get("method", "GET"),
        "headers": written.get("headers", {}),
        "query": written.get("query", {}),
        "body": written.get("body"),
        "expect": {
            "status": [status] if isinstance(status, int) else status,
            "contains": expect.get("contains"),
        },
        "redirects": written.get("redirects", False),
        "privateAddresses": written.get("privateAddresses", False),
        "maxBody": written.get("maxBody", "10MiB"),
    }


_SHAPES: dict[str, Callable[[Any], Action]] = {
    "shell": _shell,
    "python": _python,
    "sql": _sql,
    "copy": _copy,
    "prune": _prune,
    "http": _http,
}
