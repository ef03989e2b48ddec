"""Is one document, by itself, what its kind says it is?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from runner.declaration.declared import KINDS, LATER_KINDS
from runner.declaration.problem import Path, Problem, listed, quoted
from runner.declaration.rules.credentials import is_secret_like
from runner.vocabulary.names import nearest

ENOUGH = 100
"""Problems of one document: more cannot be read, and explaining 20,000 unknown fields takes seconds."""


def problems_of(document: Any, kind: str | None = None) -> list[Problem]:
    """Everything that is wrong in one document; [] when it is valid. The order is that of the checks.

    `kind` is what the document itself says in `kind` unless given. First the schema, then the rules that a
    schema cannot say, and when neither finds an error, the models.
    """
    from runner.declaration.first_pass import accepts
    from runner.declaration.rules.table import rules_of

    if not isinstance(document, Mapping):
        what = "a list" if isinstance(document, list) else "no mapping"
        detail = f"the document is {what}; expected apiVersion, kind, metadata and spec"
        return [Problem((), "not-an-object", "Not an object", detail)]
    named = document.get("kind") if kind is None else kind
    if named not in KINDS:
        return [_unknown_kind(named)]
    problems: list[Problem] = []
    if not accepts(document, named):
        from runner.declaration.friendly import problems_from
        from runner.declaration.validator import validator_of

        errors = validator_of(named).iter_errors(document)
        problems = list(islice(problems_from(errors, named), ENOUGH))
    spec = document.get("spec")
    for rule in rules_of(named):
        found = rule(document, spec if isinstance(spec, Mapping) else {})
        problems.extend(islice(found, ENOUGH))
    if not any(problem.severity == "error" for problem in problems):
        problems.extend(_model_problems(document, named))
    return _once([_without_option_value(problem, document) for problem in problems])


def _without_option_value(problem: Problem, document: Mapping[str, Any]) -> Problem:
    """The same, without the value when it follows an option like `--token` in a list of arguments."""
    *above, last = problem.path or ("",)
    items = _at(document, above)
    if not isinstance(last, int) or not isinstance(items, list) or not 0 < last < len(items):
        return problem
    option, value = items[last - 1], items[last]
    if not isinstance(option, str) or not option.startswith("-") or not is_secret_like(option):
        return problem
    hint = problem.hint if str(value) not in problem.hint else "quote it"
    return replace(problem, detail=problem.detail.replace(quoted(value), "'(masked)'"), hint=hint)


def _at(value: Any, path: Iterable[str | int]) -> Any:
    """What stands there; None when the path leads further than the document goes."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _unknown_kind(kind: Any) -> Problem:
    if kind in LATER_KINDS:
        return Problem(("kind",), "not-yet", "Not in this release", f"This release does not have {kind} yet")
    close = nearest(kind, KINDS) if isinstance(kind, str) else None
    detail = f"kind is {quoted(kind)}" if kind else "kind is missing"
    hint = f"did you mean '{close}'?" if close else ""
    return Problem(("kind",), "unknown-kind", "Unknown kind", f"{detail}; known: {listed(KINDS)}", hint)


def _model_problems(document: Mapping[str, Any], kind: str) -> Iterable[Problem]:
    from pydantic import ValidationError

    from runner.declaration.kinds.table import MODELS

    try:
        MODELS[kind].model_validate(document)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            path = _existing(document, each["loc"])
            yield Problem(path, "invalid", "Invalid value", str(each["msg"]).removeprefix("Value error, "))


def _existing(document: Any, location: tuple[str | int, ...]) -> Path:
    """pydantic's `loc` without the names of union branches that it puts in between."""
    path: list[str | int] = []
    value = document
    for part in location:
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if in_list or (isinstance(value, Mapping) and part in value):
            value = value[part]
            path.append(part)
    return tuple(path)


_WHOLE = frozenset({"wrong-type", "bad-number", "unknown-field"})


def _once(problems: list[Problem]) -> list[Problem]:
    """Each rule once for a value; of a value of the wrong type, only that."""
    broken = {problem.path for problem in problems if problem.rule in _WHOLE}
    first: dict[tuple[Path, str, str], Problem] = {}
    for problem in problems:
        if problem.path in broken and problem.rule not in _WHOLE:
            continue
        told = problem.detail if problem.rule in _SEVERAL else ""
        first.setdefault((problem.path, problem.rule, told), problem)
    return list(first.values())


_SEVERAL = frozenset({"unknown-name", "unknown-function", "bad-cron", "bad-input"})
"""Rules that can find several things in one value."""
