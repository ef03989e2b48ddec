# ruff: noqa: E501
"""Small trees for tests: each builder names only what a test is about."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from runner.loading.tree import Tree, load_tree


def a_job(name: str = "hello", *, body: str = "  steps:\n    - name: say\n      shell: echo hello\n", spec: str = "",
          metadata: str = "") -> str:  # fmt: skip
    """A valid Job as YAML text."""
    return (
        f"apiVersion: jobs.runner/v1\nkind: Job\nmetadata:\n  name: {name}\n{metadata}"
        f"spec:\n  enabled: false\n{spec}{body}"
    )


def an_object(kind: str, name: str, spec: str) -> str:
    """Any object; `spec` is the text below `spec:`, without indentation of its own."""
    return f"apiVersion: jobs.runner/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}"


class Project:
    """A project folder with `jobs.d` and a state directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs = folder / "jobs.d"
        self.state = folder / ".runner"
        self.jobs.mkdir()
        self.state.mkdir(mode=0o700)

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.jobs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def load(self, path: Path | None = None, **options: Any) -> Tree:
        options.setdefault("state", self.state)
        return load_tree(path, project=self.folder, **options)

    def settle(self) -> None:
        """Load as if an hour had passed: the cache takes every file for long unchanged."""
        real = time.time_ns()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time_ns", lambda: real + 3600 * 10**9)
            self.load()

    def rules(self, path: Path | None = None, **options: Any) -> list[tuple[str, str]]:
        """Place and rule of each diagnostic."""
        return [(d.place, d.rule) for d in self.load(path, **options).diagnostics]
