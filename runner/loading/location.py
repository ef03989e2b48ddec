"""Which tree is meant by a path: its root, what it is called, and which part of it was asked for?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runner.loading.walk import is_declaration, is_inside

DEFAULT_FOLDER = "jobs.d"


@dataclass(frozen=True, slots=True)
class Location:
    """A source's root, resolved. `part` is a file or folder below it; None means the whole root.

    `alone` is a file that is read without its neighbours, because no source is known around it.
    """

    root: str
    source: str
    prefix: str
    part: str | None = None
    alone: bool = False

    def shown(self, path: str) -> str:
        """A path below the root as people see it: relative to the project."""
        return f"{self.prefix}{path}" if path else (self.prefix.rstrip("/") or ".")

    def is_part(self, path: str) -> bool:
        """Whether a path below the root belongs to what was asked for."""
        return self.part is None or not path or path == self.part or path.startswith(self.part + "/")


def locate(path: Path | None, project: Path, known_sources: Iterable[str] = ()) -> Location:
    """The location of `path` (relative ones are taken from the working directory; None: `jobs.d`).

    A path below `jobs.d` or below a known source is a part of that source; any other folder is a source of
    its own. Nothing needs to exist.
    """
    real_project = os.path.realpath(project)
    if path is None:
        path = project / DEFAULT_FOLDER
    target = os.path.realpath(path)
    sources = [os.path.realpath(f"{real_project}/{source}") for source in (*known_sources, DEFAULT_FOLDER)]
    around = [root for root in sources if is_inside(target, root)]
    if target in around or not Path(target).exists():
        return Location(target, *_names(target, real_project))
    if Path(target).is_file() and not is_declaration(Path(target).name):
        around = []  # not among what is read of a source, so it was named on purpose
    for root in sorted(around, key=len, reverse=True):
        if Path(root).is_dir():
            return Location(root, *_names(root, real_project), part=target[len(root) + 1 :])
    if not Path(target).is_file():
        return Location(target, *_names(target, real_project))
    folder, _, name = target.rpartition("/")
    return Location(folder or "/", *_names(folder or "/", real_project), part=name, alone=True)


def locate_source(root: Path, source: str, shown: str) -> Location:
    """The whole of a source that has a name of its own, wherever its files lie; people see `shown`."""
    return Location(os.path.realpath(root), source, f"{shown}/")


def locate_stream(base: Path, project: Path) -> Location:
    """The location of documents from a stream, whose paths are relative to `base`."""
    root = os.path.realpath(base)
    return Location(root, _names(root, os.path.realpath(project))[0], "", part="-", alone=True)


def _names(root: str, project: str) -> tuple[str, str]:
    """The source's stable name, and what stands before its paths for people."""
    if root == project:
        return ".", ""
    if is_inside(root, project):
        relative = root[len(project.rstrip("/")) + 1 :]
        return relative, relative + "/"
    return root, root.rstrip("/") + "/"
