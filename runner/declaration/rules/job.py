"""Rules for jobs, and for the defaults of job types and of the Runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.inputs import check_inputs, misfit
from runner.declaration.named_elsewhere import is_cron_text
from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.rules import schedule as schedule_rules
from runner.declaration.rules import trigger as trigger_rules
from runner.declaration.rules.wording import beside
from runner.declaration.templates import evaluated_in_code, has_template
from runner.declaration.written import mapping
from runner.vocabulary.names import is_object_name

Found = Iterator[Problem]


def body(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """Exactly one thing to run. Jobs of the user's own types are checked across documents."""
    job_type = spec.get("type", "standard")
    if "steps" in spec and "code" in spec:
        why = "steps, code, the type's steps or an external type say what runs, only one of them"
        yield beside(("spec", "code"), "code", "steps", why)
    if job_type == "external":
        return  # another system executes it
    if job_type in SHIPPED_JOB_TYPES and "steps" not in spec and "code" not in spec:
        detail = f"a job of type {job_type} needs steps or code"
        yield Problem(("spec",), "nothing-to-run", "Nothing to run", detail, "add steps")


def shorthands(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """A short form beside its long form would leave open which one counts."""
    for short, long in (("singleInstance", "concurrency"), ("runSkipped", "missed")):
        if short in spec and long in spec:
            yield beside(("spec", short), short, long, "it is the short form of the same")


def schedules(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """One schedule or several, each by name, as cron text or as a mapping."""
    one, several = "schedule" in spec, mapping(spec.get("schedules"))
    if one and "schedules" in spec:
        yield beside(
            ("spec", "schedules"), "schedules", "schedule", "a single schedule is written in one of them"
        )
    if spec.get("mode") == "automatic" and not one and not several:
        yield Problem(
            ("spec", "mode"),
            "automatic-without-schedule",
            "Automatic without a schedule",
            "mode: automatic needs schedule or schedules",
            "add a schedule, or write mode: manual",
        )
    written: list[tuple[Path, Any]] = [(("spec", "schedule"), spec.get("schedule"))]
    written += [(("spec", "schedules", name), each) for name, each in several.items()]
    for path, each in written:
        if isinstance(each, str) and each:
            yield from _schedule_text(path, each)
        elif isinstance(each, Mapping):
            yield from schedule_rules.of_mapping(path, each)
            yield from trigger_rules.of_job(path, spec, each)
            own = schedule_rules.retries_itself(each)
            if own and "retry" in spec:
                yield beside(("spec", "retry"), "retry", own, "its retryEvery is the only retry setting")


def _schedule_text(path: Path, text: str) -> Found:
    if is_cron_text(text):
        yield from schedule_rules.cron(path, text)
    elif not is_object_name(text):
        detail = f"{quoted(text)} is neither the name of a Schedule nor a cron expression with five fields"
        yield Problem(path, "bad-schedule", "Bad schedule", detail, 'for example "0 2 * * *"')


def policies(document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """Durations that are longer than nothing, and policies that this release carries out."""
    path: Path = ("spec",)
    if document.get("kind") != "Job":
        path, spec = ("spec", "defaults"), mapping(spec.get("defaults"))
    if spec.get("runAs") and spec.get("keepWorkdir"):
        why = "another user cannot enter the state directory, where it would be kept"
        yield beside((*path, "keepWorkdir"), "keepWorkdir", "runAs", why)
    for key in ("timeout", "performTimeout", "deadline"):
        yield from schedule_rules.positive((*path, key), spec.get(key))
    yield from schedule_rules.instant((*path, "validUntil"), spec.get("validUntil"), dates=True)


def code(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """A class or a function in a file, or source."""
    given = mapping(spec.get("code"))
    if not given:
        return
    if "class" in given and "function" in given:
        yield beside(("spec", "code", "function"), "function", "class", "code is one of them")
    if "class" in given and "source" in given and "file" not in given:
        yield beside(("spec", "code", "source"), "source", "class", "a class stands in a file")
    if "file" not in given and "source" not in given:
        yield Problem(("spec", "code"), "one-of", "One field is missing", "code needs file or source")
    if "file" in given and "source" in given:
        yield beside(("spec", "code", "source"), "source", "file", "code is one of them")
    yield from in_source(("spec", "code", "source"), given.get("source"), "Python source")


def in_source(path: Path, text: Any, what: str) -> Found:
    """No expression inside code: text pasted into code is how injections happen."""
    if not isinstance(text, str) or not has_template(text):
        return
    detail, instead = evaluated_in_code(what)
    yield Problem(path, "expression-in-code", "Expression inside code", detail, instead)


def inputs(document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """Defaults and choices fit their own type; the job's values fit the inputs."""
    declared = mapping(spec.get("inputs"))
    for name, each in declared.items():
        schema = mapping(each)
        path: Path = ("spec", "inputs", name)
        kind = {"type": schema.get("type", "string")}
        if schema.get("default") is not None and (reason := misfit(schema["default"], {**schema, **kind})):
            yield Problem((*path, "default"), "bad-input", "Bad value for an input", reason)
        for index, choice in enumerate(schema["choices"] if isinstance(schema.get("choices"), list) else ()):
            if reason := misfit(choice, kind):
                yield Problem((*path, "choices", index), "bad-input", "Bad value for an input", reason)
    if document.get("kind") == "Job" and spec.get("type", "standard") in SHIPPED_JOB_TYPES:
        values = mapping(spec.get("with"))
        required = {n for n, s in declared.items() if mapping(s).get("required")}
        # What is required may come from whoever starts the job, unless a schedule does.
        by_hand = "schedule" not in spec and not spec.get("schedules")
        by_hand = by_hand or trigger_rules.lets_inputs_come(spec)
        for problem in check_inputs(declared, values)[1]:
            if not (by_hand and problem.rule == "missing-input" and problem.path[0] in required):
                yield problem.below("spec", "with")
    defaults = mapping(mapping(spec.get("defaults")).get("with"))
    for owner, values in (
        (("spec", "with"), mapping(spec.get("with"))),
        (("spec", "defaults", "with"), defaults),
    ):
        for name, value in values.items():
            if isinstance(value, str) and has_template(value):
                detail = "values for inputs are fixed; ${{ }} stands in steps, env and outputs"
                yield Problem((*owner, name), "expression-not-here", "Expression where none is read", detail)
