"""Calls a function of a file of the project, or runs inline source; the map it returns is its outputs.

A function's parameters are filled by name: the step's `with` values, then the job's inputs, `context` for
everything that expressions see, and `job` for the SDK (`runner.sdk`), which also runs classes. Libraries are
imported by their names, from their pinned copies.

Lean on purpose: the zygote imports this before it forks, so what only some code needs is imported there.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from sys import modules
from types import CodeType, CoroutineType, FunctionType, MappingProxyType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.outputs import check_outputs

if TYPE_CHECKING:
    from runner.execution.child.context import StepContext

_MODULE = "job_code"
_BODY = "run"
_JOB = "job"
"""The parameter that wants the SDK's Job, unless a value of that name is given."""
_KEYWORD_REST = 0x08  # inspect.CO_VARKEYWORDS; inspect itself is not lean


def perform(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    """Run the user's code; an exception of it becomes ActionFailed with the class name as its code."""
    name = action.get("file") or f"source of step {step.name}"
    if not step.libraries:
        return _perform(name, action, step, ())
    from runner.execution.actions.libraries import installed_libraries

    with installed_libraries(step.libraries) as library_files:
        return _perform(name, action, step, library_files)


def _perform(
    name: str, action: Mapping[str, Any], step: StepContext, library_files: Iterable[str]
) -> dict[str, Any]:
    try:
        module = _load(name, _source(action, step), action, step)
        returned = _call(module, action, step)
    except ActionFailed:
        raise
    except SystemExit as left:
        return _exit(left, name)
    except Exception as error:
        _show(error, {name, *library_files})
        again = not isinstance(error, SyntaxError | ImportError)
        classes = _classes(error)
        info = {"classes": classes} if classes else None
        raise ActionFailed(type(error).__name__, _first_line(error), retryable=again, info=info) from None
    return {} if returned is None else check_outputs(returned, name)


def _source(action: Mapping[str, Any], step: StepContext) -> bytes:
    """As bytes: the compiler knows a file's own coding line."""
    if not action.get("file"):
        return str(action["source"]).encode()
    with open(step.files[action["file"]], "rb") as file:  # noqa: PTH123 -- pathlib is not lean
        return file.read()


def _context(step: StepContext) -> Mapping[str, Any]:
    return MappingProxyType({**step.variables, "step": step.name, "workdir": step.workdir})


def _values(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    return {**(step.variables.get("inputs") or {}), **(action.get("with") or {})}


class _Source:
    """Lets a traceback show lines of code that is no file on disk (linecache asks `__loader__`)."""

    def __init__(self, source: bytes) -> None:
        self._source = source

    def get_source(self, _name: str) -> str:
        return self._source.decode("utf-8", "replace")


def _load(name: str, source: bytes, action: Mapping[str, Any], step: StepContext) -> ModuleType:
    """The module that the source makes; a `return` at its top level makes it the body of `run()`."""
    module = ModuleType(_MODULE)
    module.__file__ = name
    module.__loader__ = _Source(source)  # type: ignore[assignment]
    if not action.get("file"):
        inputs = step.variables.get("inputs") or {}
        module.inputs = inputs  # type: ignore[attr-defined]
        module.values = _values(action, step)  # type: ignore[attr-defined]
        module.context = _context(step)  # type: ignore[attr-defined]
    modules[_MODULE] = module  # dataclasses and pickle look their module up
    exec(_compiled(source, name), module.__dict__)  # noqa: S102 - running the job's code is what we are for
    return module


def _compiled(source: bytes, name: str) -> CodeType:
    try:
        return compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        if error.msg != "'return' outside function":
            raise
    import ast

    tree = ast.parse(source, filename=name)
    outer = ast.parse(f"def {_BODY}(): pass", filename=name)
    outer.body[0].body = tree.body  # type: ignore[attr-defined]
    return compile(outer, name, "exec", dont_inherit=True)


def _call(module: ModuleType, action: Mapping[str, Any], step: StepContext) -> Any:
    if action.get("class"):
        return _call_class(module, action, step)
    name = action.get("function") or _BODY
    function = module.__dict__.get(name)
    if not callable(function):
        if not action.get("file") and not action.get("function"):
            return module.__dict__.get("outputs")
        known = [k for k, v in module.__dict__.items() if isinstance(v, FunctionType) and k[0] != "_"]
        raise ActionFailed(
            "function-missing",
            f"{module.__file__} has no function {name!r}; it has {', '.join(sorted(known)) or 'none'}",
        )
    arguments, takes_job = _arguments(function, action, step, str(module.__file__))
    if takes_job:
        from runner.execution.child.job_code import bound_function, run_job_code

        return run_job_code(bound_function(function, arguments), _values(action, step), step)
    returned = function(**arguments)
    if isinstance(returned, CoroutineType):
        import asyncio

        return asyncio.run(returned)
    return returned


def _call_class(module: ModuleType, action: Mapping[str, Any], step: StepContext) -> Any:
    from runner.execution.child.job_code import job_class, run_job_code

    name = action["class"]
    found = job_class(module.__dict__.get(name), name, str(module.__file__), module.__dict__)
    return run_job_code(found, _values(action, step), step)


def _arguments(
    function: Callable[..., Any], action: Mapping[str, Any], step: StepContext, file: str
) -> tuple[dict[str, Any], bool]:
    """(arguments by name, whether it also takes the job)."""
    names, needed, takes_all = _parameters(function)
    if not names and not needed and not takes_all:
        return {}, False
    available = {"context": _context(step), **_values(action, step)}
    takes_job = _JOB in needed and _JOB not in available
    missing = [name for name in needed if name not in available and not (takes_job and name == _JOB)]
    if missing:
        raise ActionFailed(
            "missing-argument",
            f"{file}: {getattr(function, '__name__', 'the function')}() needs {', '.join(missing)}, which "
            "neither the step's with nor the job's inputs have; available by name: "
            f"{', '.join(sorted(available))}",
        )
    wanted = set(names) | (set(available) - {"context"} if takes_all else set())
    return {name: value for name, value in available.items() if name in wanted}, takes_job


def _parameters(function: Callable[..., Any]) -> tuple[list[str], list[str], bool]:
    """(parameters that can be named, those of them without a default, whether it takes any other name)."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return _parameters_of_any(function)
    code = function.__code__
    if code.co_posonlyargcount:
        return _parameters_of_any(function)
    positional = list(code.co_varnames[: code.co_argcount])
    only_named = list(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    defaults = len(function.__defaults__ or ())
    needed = positional[: len(positional) - defaults]
    needed += [name for name in only_named if name not in (function.__kwdefaults__ or {})]
    return positional + only_named, needed, bool(code.co_flags & _KEYWORD_REST)


def _parameters_of_any(function: Callable[..., Any]) -> tuple[list[str], list[str], bool]:
    """As above, for decorated functions and other callables; a parameter that cannot be named is an error."""
    import inspect

    names, needed, takes_all = [], [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_all = True
        elif parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
            raise ActionFailed(
                "missing-argument",
                f"{getattr(function, '__name__', 'the function')}() takes {parameter.name} by position only, "
                "but parameters are filled by name; remove the '/'",
            )
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            names.append(parameter.name)
            if parameter.default is parameter.empty:
                needed.append(parameter.name)
    return names, needed, takes_all


def _exit(left: SystemExit, name: str) -> dict[str, Any]:
    """sys.exit() is how a program ends: 0 and None are success, a text is the reason."""
    if left.code in (None, 0):
        return {}
    if isinstance(left.code, int):
        raise ActionFailed("exit-code", f"{name} ended with exit code {left.code}", True, left.code) from None
    raise ActionFailed("exit-code", str(left.code)[:2000], True, 1) from None


def _classes(error: Exception) -> list[str]:
    """What retryOn may call it beside its class: the classes above, with their modules unless built in."""
    names: list[str] = []
    for each in type(error).__mro__:
        if each not in (Exception, BaseException, object):
            names.append(each.__name__)
            if each.__module__ != "builtins":
                names.append(f"{each.__module__}.{each.__qualname__}")
    return names[1:20]


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:2000] if text else type(error).__name__


def _show(error: BaseException, theirs: set[str]) -> None:
    """Print the traceback from the first frame of the user's code on: ours say nothing to the author."""
    import traceback

    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        current.__traceback__ = _from_theirs(current.__traceback__, theirs)
        current = current.__cause__ or current.__context__
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        traceback.print_exception(error, file=sys.stderr)
        sys.stderr.flush()


def _from_theirs(frames: TracebackType | None, theirs: set[str]) -> TracebackType | None:
    first = frames
    while first is not None and first.tb_frame.f_code.co_filename not in theirs:
        first = first.tb_next
    return first
