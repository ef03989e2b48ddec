"""What is the value of an expression, and does it only use names that exist?

The language is the Common Expression Language (docs/decisions/0003-expression-language.md). This module is
imported by lean children: the evaluator comes with the first expression, and nothing else does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import Any, NamedTuple

from runner.declaration.expression_tree import Chain, Node, SyntaxProblem, calls, chains, is_macro, parse
from runner.declaration.templates import Template, has_template, segments
from runner.vocabulary.errors import RunnerError

Scope = Mapping[str, "Scope | None"]
"""Known names, and below each the known members; None: anything may be below."""


class ExpressionError(RunnerError):
    """An expression could not be compiled or evaluated; the message quotes it."""


class Compiled(NamedTuple):
    """An expression that can be evaluated, and the names that it reads."""

    source: str
    program: Any
    chains: tuple[Chain, ...]


class Complaint(NamedTuple):
    """What is wrong with an expression: the rule, a detail and a hint."""

    rule: str
    detail: str
    hint: str = ""


def check(expression: str, scope: Scope) -> list[Complaint]:
    """What is wrong with an expression over the names in `scope`; [] when nothing is."""
    if not expression.strip():
        return [Complaint("bad-expression", "the expression is empty")]
    try:
        tree = parse(expression)
        compile_expression(expression)
    except SyntaxProblem as problem:
        return [Complaint("bad-expression", f"'{_short(expression)}': {problem}")]
    except ExpressionError as problem:
        return [Complaint("bad-expression", str(problem))]
    found = [each for chain in dict.fromkeys(chains(tree)) if (each := _unknown_name(chain, scope))]
    return found + _unknown_functions(tree)


@lru_cache(maxsize=2048)
def compile_expression(expression: str) -> Compiled:
    """The expression, compiled; ExpressionError when it is none."""
    try:
        tree = parse(expression)
        program = _cel().compile(expression)
    except (SyntaxProblem, ValueError) as problem:
        raise ExpressionError(f"'{_short(expression)}': {_first_line(problem)}") from None
    return Compiled(expression, program, tuple(dict.fromkeys(chains(tree))))


def evaluate(expression: str | Compiled, variables: Mapping[str, Any]) -> Any:
    """The value of an expression; ExpressionError when it has none (a missing name, a division by zero).

    What a step that was skipped would have handed on is null: `steps.NAME.outputs.KEY` always exists.
    """
    compiled = compile_expression(expression) if isinstance(expression, str) else expression
    try:
        context = _cel().Context(variables=_with_null_outputs(compiled, variables), functions=_functions())
        return compiled.program.execute(context)
    except Exception as problem:
        raise ExpressionError(f"'{_short(compiled.source)}': {_first_line(problem)}") from None


def is_true(condition: str | bool, variables: Mapping[str, Any]) -> bool:
    """Whether an `if` holds; ExpressionError when its value is neither true nor false."""
    value = condition if isinstance(condition, bool) else evaluate(condition, variables)
    if not isinstance(value, bool):
        raise ExpressionError(f"'{_short(str(condition))}' is {_short(as_text(value))}, not true or false")
    return value


def render(value: Any, variables: Mapping[str, Any]) -> Any:
    """`value` with every `${{ … }}` in its texts evaluated, however deep; all else as it was.

    A text that is one template and nothing else becomes the expression's value, with its type.
    """
    if isinstance(value, str):
        return _render_text(value, variables) if has_template(value) else value
    if isinstance(value, Mapping):
        return {key: render(each, variables) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [render(each, variables) for each in value]
    return value


def as_text(value: Any) -> str:
    """A value inside a longer text: null is empty, true and false are lower case, lists and maps are JSON."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _render_text(text: str, variables: Mapping[str, Any]) -> Any:
    parts = segments(text)
    for part in parts:
        if isinstance(part, Template) and not part.closed:
            raise ExpressionError(f"'{_short(text)}': '}}}}' is missing")
    if len(parts) == 1 and isinstance(parts[0], Template):
        return evaluate(parts[0].expression, variables)
    return "".join(
        as_text(evaluate(part.expression, variables)) if isinstance(part, Template) else part
        for part in parts
    )


def _with_null_outputs(compiled: Compiled, variables: Mapping[str, Any]) -> dict[str, Any]:
    filled = dict(variables)
    for chain in compiled.chains:
        if len(chain) < 4 or chain[0] != "steps" or chain[2] != "outputs":
            continue
        steps = dict(filled.get("steps") or {})
        step = dict(steps.get(chain[1]) or {})
        outputs = dict(step.get("outputs") or {})
        outputs.setdefault(chain[3], None)
        filled["steps"] = {**steps, chain[1]: {**step, "outputs": outputs}}
    return filled


def _unknown_name(chain: Chain, scope: Scope) -> Complaint | None:
    from runner.declaration.problem import listed
    from runner.vocabulary.names import nearest

    known: Scope | None = scope
    for depth, name in enumerate(chain):
        if known is None:
            return None
        if name not in known:
            if depth == 0 and name in _TYPES:
                return None
            said = ".".join((*chain[:depth], name))
            close = nearest(name, known)
            return Complaint(
                "unknown-name",
                f"there is no {said}; known: {listed(sorted(known))}",
                f"did you mean '{'.'.join((*chain[:depth], close))}'?" if close else "",
            )
        known = known[name]
    return None


def _unknown_functions(tree: Node) -> list[Complaint]:
    from runner.vocabulary.names import nearest

    found = []
    for call in calls(tree):
        if call.name in KNOWN_FUNCTIONS or is_macro(call):
            continue
        close = nearest(call.name, KNOWN_FUNCTIONS)
        hint = f"did you mean '{close}'?" if close else f"known: {', '.join(sorted(KNOWN_FUNCTIONS))}"
        found.append(Complaint("unknown-function", f"there is no function {call.name}()", hint))
    return found


_TYPES = {"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"}
_PARTS_OF_TIME = {
    "getFullYear": lambda t: t.year,
    "getMonth": lambda t: t.month - 1,
    "getDayOfYear": lambda t: t.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda t: t.day - 1,
    "getDate": lambda t: t.day,
    "getDayOfWeek": lambda t: t.isoweekday() % 7,
    "getHours": lambda t: t.hour,
    "getMinutes": lambda t: t.minute,
    "getSeconds": lambda t: t.second,
    "getMilliseconds": lambda t: t.microsecond // 1000,
}
KNOWN_FUNCTIONS = frozenset(
    {
        "size",
        "int",
        "uint",
        "double",
        "string",
        "bool",
        "bytes",
        "type",
        "dyn",
        "timestamp",
        "duration",
        "has",
    }
    | {"contains", "startsWith", "endsWith", "matches", "max", "min", "addDays", "formatDate"}
    | set(_PARTS_OF_TIME)
)


@cache
def _functions() -> dict[str, Any]:
    """Ours, and what the evaluator leaves out of the standard library: a zone in getHours(), string(true)."""
    given: dict[str, Any] = {
        "addDays": _add_days,
        "formatDate": _format_date,
        "string": as_text,
        "bool": _as_bool,
    }
    given.update({name: _in_zone(part) for name, part in _PARTS_OF_TIME.items()})
    return given


_TRUE = ("true", "True", "TRUE", "t", "1")
_FALSE = ("false", "False", "FALSE", "f", "0")
"""As the language reads them."""


def _as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise ValueError(f"{value!r} is neither 'true' nor 'false'")


def _zone(name: str) -> tzinfo:
    """A zone by its name, or a fixed distance from UTC: `+02:00`, `-09:30`."""
    hours, colon, minutes = name.lstrip("+-").partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal():
        distance = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-distance if name.startswith("-") else distance)
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _in_zone(part: Any) -> Any:
    def in_zone(time: datetime, zone: str = "UTC") -> Any:
        return part(time.astimezone(_zone(zone)))

    return in_zone


def _add_days(day: str | datetime, days: int) -> str | datetime:
    """The date or time `days` days later, in the form it was given in; the time of day stays."""
    if isinstance(day, datetime):
        return day + timedelta(days=days)
    moved = datetime.fromisoformat(day) + timedelta(days=days)
    if len(day) == 10:
        return moved.date().isoformat()
    text = moved.isoformat(timespec="milliseconds" if "." in day else "auto")
    return text.replace("+00:00", "Z") if day.endswith("Z") else text


def _format_date(day: str | datetime, form: str) -> str:
    """The date or time in a form of strftime: `%Y/%m`."""
    return (datetime.fromisoformat(day) if isinstance(day, str) else day).strftime(form)


@cache
def _cel() -> Any:
    """The evaluator's compiled part alone: the package around it imports a command line, 200 ms."""
    import importlib.machinery
    import importlib.util
    import logging
    from pathlib import Path

    logging.getLogger("cel").setLevel(logging.CRITICAL + 1)  # it logs what it also raises
    package = importlib.util.find_spec("cel")
    for folder in (package and package.submodule_search_locations) or ():
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            file = Path(folder, f"cel{suffix}")
            if file.is_file():
                loader = importlib.machinery.ExtensionFileLoader("cel.cel", str(file))
                spec = importlib.util.spec_from_file_location("cel.cel", str(file), loader=loader)
                assert spec is not None
                module = importlib.util.module_from_spec(spec)
                loader.exec_module(module)
                return module
    import cel

    return cel


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"


def _first_line(problem: BaseException) -> str:
    """What the evaluator says, without its advice to programmers."""
    text = str(problem)
    if "Syntax error: " in text:
        text = text.split("Syntax error: ", 1)[1].split("\n", 1)[0].split(" expecting ", 1)[0]
    text = text.split("Python function call failed: ", 1)[-1]
    for advice in (". Check ", ". CEL does not "):
        text = text.split(advice, 1)[0]
    if text.startswith("No such overload"):
        text = "an operation does not fit the types of its values (what a skipped step hands on is null)"
    return " ".join(text.split())[:300] or type(problem).__name__
