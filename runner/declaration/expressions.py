"""What is the value of an expression, and does it only use names that exist?

The language is the Common Expression Language (docs/decisions/0003-expression-language.md). This module is
imported by lean children: the evaluator comes with the first expression, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from runner.declaration.expression_functions import KNOWN_FUNCTIONS, as_text, functions
from runner.declaration.expression_parser import SyntaxProblem, parse
from runner.declaration.expression_tree import Chain, Node, calls, chains, is_macro
from runner.declaration.templates import Template, has_template, segments
from runner.vocabulary.errors import RunnerError

Scope = Mapping[str, "Scope | None"]
"""Known names, and below each the known members; None: anything may be below."""


class ExpressionError(RunnerError):
    """An expression could not be compiled or evaluated; the message quotes it."""


class Compiled(NamedTuple):
    """An expression that can be evaluated, the names that it reads, and whether it goes through lists."""

    source: str
    program: Any
    chains: tuple[Chain, ...]
    goes_through: bool


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
    return Compiled(expression, program, tuple(dict.fromkeys(chains(tree))), any(map(is_macro, calls(tree))))


def evaluate(
    expression: str | Compiled, variables: Mapping[str, Any], *, most_steps: float | None = None
) -> Any:
    """The value of an expression; ExpressionError when it has none (a missing name, a division by zero).

    What a step that was skipped would have handed on is null: `steps.NAME.outputs.KEY` always exists. It
    cannot be interrupted: whoever has more to do says how many steps it may take.
    """
    compiled = compile_expression(expression) if isinstance(expression, str) else expression
    if most_steps is not None and compiled.goes_through:
        _refuse_what_takes_long(compiled, variables, most_steps)
    try:
        context = _cel().Context(variables=_with_null_outputs(compiled, variables), functions=functions())
        return compiled.program.execute(context)
    except Exception as problem:
        raise ExpressionError(f"'{_short(compiled.source)}': {_first_line(problem)}") from None


def _refuse_what_takes_long(compiled: Compiled, variables: Mapping[str, Any], most_steps: float) -> None:
    from runner.declaration.expression_cost import steps_of

    if steps_of(parse(compiled.source), variables) > most_steps:
        raise ExpressionError(
            f"'{_short(compiled.source)}': it would go through the values that it is given more than "
            f"{most_steps:,.0f} times, and nothing else is done meanwhile; do it in a step"
        )


def is_true(condition: str | bool, variables: Mapping[str, Any], *, most_steps: float | None = None) -> bool:
    """Whether an `if` holds; ExpressionError when its value is neither true nor false."""
    value = (
        condition if isinstance(condition, bool) else evaluate(condition, variables, most_steps=most_steps)
    )
    if not isinstance(value, bool):
        raise ExpressionError(f"'{_short(str(condition))}' is {_short(as_text(value))}, not true or false")
    return value


def render(value: Any, variables: Mapping[str, Any], *, most_steps: float | None = None) -> Any:
    """`value` with every `${{ … }}` in its texts evaluated, however deep; all else as it was.

    A text that is one template and nothing else becomes the expression's value, with its type.
    """
    if isinstance(value, str):
        return _render_text(value, variables, most_steps) if has_template(value) else value
    if isinstance(value, Mapping):
        return {key: render(each, variables, most_steps=most_steps) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [render(each, variables, most_steps=most_steps) for each in value]
    return value


def _render_text(text: str, variables: Mapping[str, Any], most_steps: float | None) -> Any:
    parts = segments(text)
    for part in parts:
        if isinstance(part, Template) and not part.closed:
            raise ExpressionError(f"'{_short(text)}': '}}}}' is missing")
    if len(parts) == 1 and isinstance(parts[0], Template):
        return evaluate(parts[0].expression, variables, most_steps=most_steps)
    return "".join(
        as_text(evaluate(part.expression, variables, most_steps=most_steps))
        if isinstance(part, Template)
        else part
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
    if isinstance(problem, KeyError):
        return f"there is no {text}"
    if "Syntax error: " in text:
        text = text.split("Syntax error: ", 1)[1].split("\n", 1)[0].split(" expecting ", 1)[0]
    text = text.split("Python function call failed: ", 1)[-1]
    for advice in (". Check ", ". CEL does not "):
        text = text.split(advice, 1)[0]
    if text.startswith("No such overload"):
        text = "an operation does not fit the types of its values (what a skipped step hands on is null)"
    return " ".join(text.split())[:300] or type(problem).__name__
