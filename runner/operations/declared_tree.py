"""What is declared at a place that somebody named, whole and valid?"""

from __future__ import annotations

from pathlib import Path

from runner.loading.location import locate_source
from runner.loading.tree import Tree, load_tree
from runner.operations.checked_out import CheckedOut
from runner.vocabulary.diagnostic import has_errors
from runner.vocabulary.errors import InvalidDeclarations


def declared_tree(path: Path | CheckedOut | None, project: Path) -> Tree:
    """The tree at `path` (None: the project's `jobs.d`); InvalidDeclarations when it has errors."""
    if isinstance(path, CheckedOut):
        location = locate_source(path.root, path.source, path.shown)
        tree = load_tree(project=project, location=location)
    else:
        tree = load_tree(path, project=project)
    if has_errors(tree.diagnostics):
        raise InvalidDeclarations(tree.diagnostics)
    return tree
