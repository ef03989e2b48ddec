"""Makes a job's Libraries importable by their names, from their pinned copies.

`date-tools` is imported as `date_tools`. A library of one file is that module; one of several files is a
package, with `__init__.py` as its body if it has one.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import linecache
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath
from types import CodeType, ModuleType

from runner.execution.actions.failure import ActionFailed


class _Copies(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads modules by full name; each is (file as declared, path of its copy)."""

    def __init__(self, modules: Mapping[str, tuple[str, str | None]], packages: set[str]) -> None:
        self._modules = modules
        self._packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        file, _ = self._modules[fullname]
        return importlib.util.spec_from_loader(
            fullname, self, origin=file, is_package=fullname in self._packages
        )

    def is_package(self, fullname: str) -> bool:
        return fullname in self._packages

    def get_source(self, fullname: str) -> str:
        _, copy = self._modules[fullname]
        return "" if copy is None else importlib.util.decode_source(Path(copy).read_bytes())

    def get_code(self, fullname: str) -> CodeType:
        file, _ = self._modules[fullname]
        source = self.get_source(fullname)
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        return compile(source, file, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self._modules[module.__name__][0]
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - the job's own library


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
        modules[module] = (f"<library {name}>", None)
        for file, copy in files.items():
            stem = PurePosixPath(file).stem
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
