"""Rules for expressions: each compiles, and reads only names that exist where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.expressions import Complaint, Scope, check
from runner.declaration.problem import Path, Problem
from runner.declaration.step_kinds import FIXED_OUTPUTS, kind_of, steps_of
from runner.declaration.templates import Template, segments, texts_with_templates
from runner.declaration.written import mapping

_SLOT: Scope = {"time": None, "date": None, "previous": None, "zone": None}
_JOB: Scope = {"name": None, "version": None}
_INSTANCE: Scope = {"id": None, "attempt": None, "origin": None}

_SUMMARIES = {
    "bad-expression": "Bad expression",
    "unknown-name": "Unknown name",
    "unknown-function": "Unknown function",
}

_BETWEEN = ("==", "!=", "<", ">", "&&", "||", "+", "*", "/", "%", "?", ":")
_ANCHOR = (
    "if something with & or * stands before it, put the whole expression in quotes: YAML takes that away"
)

_CODE = {("shell", "script"), ("python", "source"), ("sql", "statement")}
"""Fields of actions that are code: no expression is evaluated there, and another rule says so."""


def of_job(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Every expression of a job. The inputs of a type of the user's own are checked across documents."""
    known = spec.get("type", "standard") in SHIPPED_JOB_TYPES
    yield from _all(spec, dict.fromkeys(mapping(spec.get("inputs"))) if known else None)


def of_job_type(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Every expression of a template."""
    yield from _all(spec, dict.fromkeys(mapping(spec.get("inputs"))))


def _all(spec: Mapping[str, Any], inputs: Scope | None) -> Iterator[Problem]:
    env = {**mapping(mapping(spec.get("defaults")).get("env")), **mapping(spec.get("env"))}
    outer: dict[str, Scope | None] = {
        "inputs": inputs,
        "slot": _SLOT,
        "job": _JOB,
        "instance": _INSTANCE,
        "target": None,
        "trigger": None,
    }
    where = mapping(spec.get("tasks")).get("where")
    if isinstance(where, str):
        yield from _condition(("spec", "tasks", "where"), where, outer, "a where")
    for path, text in texts_with_templates(env, ("spec", "env")):
        yield from _in_text(path, text, outer)
    done: dict[str, Scope | None] = {}
    # Secrets reach a step through its environment alone, never through an expression.
    readable = [name for name, value in env.items() if isinstance(value, str)]
    inner = {**outer, "env": dict.fromkeys(readable), "steps": done}
    for below, step in steps_of(spec):
        yield from _in_step(("spec", *below), step, inner)
        name, kind = step.get("name"), kind_of(step)
        if isinstance(name, str) and kind is not None:
            fixed = FIXED_OUTPUTS[kind]
            outputs = None if fixed is None else dict.fromkeys(fixed)
            done.setdefault(name, {"outputs": outputs})
    if "code" in spec:
        done["run"] = {"outputs": None}  # its one step
    for path, text in texts_with_templates(spec.get("outputs"), ("spec", "outputs")):
        yield from _in_text(path, text, inner)


def _in_step(path: Path, step: Mapping[str, Any], scope: Scope) -> Iterator[Problem]:
    condition = step.get("if")
    if isinstance(condition, str):
        yield from _condition((*path, "if"), condition, scope, "an if")
    kind = kind_of(step)
    if kind is None or isinstance(step[kind], str):
        return
    for below, text in texts_with_templates(step[kind], (kind,)):
        if below in _CODE or below[-1] == "query":
            continue
        if below[-1] in ("file", "function", "connection", "root", "table", "key"):
            detail = f"'{below[-1]}' is fixed; ${{{{ }}}} is not evaluated in it"
            yield Problem((*path, *below), "expression-not-here", "Expression where none is read", detail)
            continue
        yield from _in_text((*path, *below), text, scope)


def _condition(path: Path, condition: str, scope: Scope, what: str) -> Iterator[Problem]:
    if "${{" in condition:
        detail = f"{what} is an expression already: ${{{{ }}}} is not needed around it"
        yield Problem(path, "bad-expression", "Bad expression", detail, "take ${{ and }} away")
        return
    begins_within = condition.lstrip().startswith(_BETWEEN)
    for each in check(condition, scope):
        cut = begins_within and each.rule == "bad-expression"
        yield _problem(path, each._replace(hint=_ANCHOR) if cut else each)


def _in_text(path: Path, text: str, scope: Scope) -> Iterator[Problem]:
    for part in segments(text):
        if isinstance(part, Template):
            if not part.closed:
                detail = f"'${{{{ {part.expression[:60]}': '}}}}' is missing"
                yield Problem(path, "bad-expression", "Bad expression", detail)
                continue
            yield from (_problem(path, each) for each in check(part.expression, scope))


def _problem(path: Path, complaint: Complaint) -> Problem:
    return Problem(path, complaint.rule, _SUMMARIES[complaint.rule], complaint.detail, complaint.hint)
