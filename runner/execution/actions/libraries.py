"""Makes a job's Libraries importable by their names, from their pinned copies.

`date-tools` is imported as `date_tools`. A library of one file is that module; one of several files is a
package, with `__init__.py` as its body if it has one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from runner.execution.actions.failure import ActionFailed


class _Copies:
    """Finds and loads modules by full name; each is (file as declared, path of its copy)."""

    def __init__(self, modules: Mapping[str, tuple[str, str | None]], packages: set[str]) -> None:
        self._modules = modules
        self._packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        return ModuleSpec(
            fullname,
            self,  # type: ignore[arg-type] # importlib.abc.Loader is not lean, and need not be inherited
            origin=self._modules[fullname][0],
            is_package=fullname in self._packages,
        )

    def create_module(self, spec: ModuleSpec) -> None:
        """None: the usual kind of module."""

    def get_source(self, fullname: str) -> str:
        """For tracebacks too (linecache asks it)."""
        return importlib.util.decode_source(self._content(fullname))

    def exec_module(self, module: ModuleType) -> None:
        file, _ = self._modules[module.__name__]
        module.__file__ = file
        code = compile(self._content(module.__name__), file, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - the job's own library

    def _content(self, fullname: str) -> bytes:
        _, copy = self._modules[fullname]
        if copy is None:
            return b""
        with open(copy, "rb") as file:  # noqa: PTH123 -- pathlib is not lean
            return file.read()


@contextlib.contextmanager
def installed_libraries(libraries: Mapping[str, Mapping[str, str]]) -> Iterator[set[str]]:
    """Importable inside the block; yields the file names that their tracebacks show.

    A library comes before an installed package of the same name, because the job declares it; a name of the
    standard library is refused, because hiding it would break everything else.
    """
    modules: dict[str, tuple[str, str | None]] = {}
    packages: set[str] = set()
    for name, files in libraries.items():
        module = name.replace("-", "_")
        if module in sys.stdlib_module_names:
            raise ActionFailed(
                "bad-library", f"library {name} has the name of a module of Python itself; rename it"
            )
        if len(files) == 1:
            ((file, copy),) = files.items()
            modules[module] = (file, copy)
            continue
        packages.add(module)
        modules[module] = (f"library {name}", None)
        for file, copy in files.items():
            stem = file.rpartition("/")[2].removesuffix(".py")
            modules[module if stem == "__init__" else f"{module}.{stem}"] = (file, copy)
    finder = _Copies(modules, packages)
    hidden = {name: sys.modules.pop(name) for name in modules if name in sys.modules}
    sys.meta_path.insert(0, finder)
    try:
        yield {file for file, _ in modules.values()}
    finally:
        sys.meta_path.remove(finder)
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)
