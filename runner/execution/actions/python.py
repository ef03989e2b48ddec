"""Calls a function of a file of the project, or runs inline source; the map it returns is its outputs.

A function's parameters are filled by name: the step's `with` values, then the job's inputs, and `context`
for everything that expressions see. Libraries are imported by their names, from their pinned copies.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.libraries import installed_libraries
from runner.execution.actions.outputs import check_outputs

if TYPE_CHECKING:
    from runner.execution.child.context import StepContext

_MODULE = "job_code"
_BODY = "run"


def perform(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    """Run the user's code; an exception of it becomes ActionFailed with the class name as its code."""
    file = action.get("file")
    name = file or f"<source of step {step.name}>"
    with installed_libraries(step.libraries) as library_files:
        theirs = {name, *library_files}
        try:
            source = Path(step.files[file]).read_text("utf-8") if file else str(action["source"])
            module = _load(
                name,
                source,
                inputs=step.variables.get("inputs") or {},
                values=_values(action, step),
                context=_context(step),
            )
            returned = _call(module, action, step, name)
        except ActionFailed:
            raise
        except SystemExit as left:
            return _exit(left, name)
        except Exception as error:
            _show(error, theirs)
            raise ActionFailed(
                type(error).__name__,
                _first_line(error),
                retryable=not isinstance(error, (SyntaxError, ImportError)),
            ) from None
        finally:
            sys.stdout.flush()
    return check_outputs(returned, name)


def _context(step: StepContext) -> Mapping[str, Any]:
    return MappingProxyType({**step.variables, "step": step.name, "workdir": step.workdir})


def _values(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    return {**(step.variables.get("inputs") or {}), **(action.get("with") or {})}


def _load(name: str, source: str, **given: Any) -> ModuleType:
    """The module that the source makes; a `return` at its top level makes it the body of `run()`."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = ModuleType(_MODULE)
    module.__file__ = name
    module.__dict__.update(given)
    sys.modules[_MODULE] = module  # dataclasses and pickle look their module up
    exec(_compiled(source, name), module.__dict__)  # noqa: S102 - running the job's code is what we are for
    return module


def _compiled(source: str, name: str) -> CodeType:
    tree = ast.parse(source, filename=name)
    if _returns(tree.body):
        head = ast.parse(f"def {_BODY}(): pass", filename=name)
        function = head.body[0]
        assert isinstance(function, ast.FunctionDef)
        function.body = tree.body
        tree = head
    return compile(tree, name, "exec", dont_inherit=True)


def _returns(body: list[ast.stmt]) -> bool:
    """Whether there is a `return` that belongs to this body, not to a function inside it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _call(module: ModuleType, action: Mapping[str, Any], step: StepContext, name: str) -> Any:
    wanted = action.get("function")
    if not wanted:
        function = module.__dict__.get(_BODY)
        if not callable(function):
            return module.__dict__.get("outputs")
    else:
        function = module.__dict__.get(wanted)
        if not callable(function):
            known = sorted(k for k, v in module.__dict__.items() if inspect.isfunction(v) and k[0] != "_")
            raise ActionFailed(
                "function-missing",
                f"{name} has no function {wanted!r}; it has {', '.join(known) or 'none'}",
            )
    returned = function(**_arguments(function, action, step, name))
    if inspect.iscoroutine(returned):
        import asyncio

        return asyncio.run(returned)
    return returned


def _arguments(
    function: Callable[..., Any], action: Mapping[str, Any], step: StepContext, name: str
) -> dict[str, Any]:
    available = _values(action, step)
    arguments: dict[str, Any] = {}
    missing = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments = {**available, **arguments}
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
                missing.append(parameter.name)
        elif parameter.name in available:
            arguments[parameter.name] = available[parameter.name]
        elif parameter.name == "context":
            arguments["context"] = _context(step)
        elif parameter.default is parameter.empty:
            missing.append(parameter.name)
    if missing:
        raise ActionFailed(
            "missing-argument",
            f"{name}: {getattr(function, '__name__', 'the function')}() needs {', '.join(missing)}, which "
            f"neither the step's with nor the job's inputs have; available by name: "
            f"{', '.join(sorted({*available, 'context'}))}",
        )
    return arguments


def _exit(left: SystemExit, name: str) -> dict[str, Any]:
    """sys.exit() is how a program ends: 0 and None are success, a text is the reason."""
    if left.code in (None, 0):
        return {}
    if isinstance(left.code, int):
        raise ActionFailed("exit-code", f"{name} ended with exit code {left.code}", True, left.code) from None
    raise ActionFailed("exit-code", str(left.code)[:2000], True, 1) from None


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:2000] if text else type(error).__name__


def _show(error: BaseException, theirs: set[str]) -> None:
    """Print the traceback from the first frame of the user's code on: ours say nothing to the author."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        current.__traceback__ = _from_theirs(current.__traceback__, theirs)
        current = current.__cause__ or current.__context__
    sys.stdout.flush()
    traceback.print_exception(error, file=sys.stderr)
    sys.stderr.flush()


def _from_theirs(frames: TracebackType | None, theirs: set[str]) -> TracebackType | None:
    first = frames
    while first is not None and first.tb_frame.f_code.co_filename not in theirs:
        first = first.tb_next
    return first
