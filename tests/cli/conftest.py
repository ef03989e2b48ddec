from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from installations import Installation


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        import json

        return json.loads(self.out)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    """A new installation on a real database file."""
    installation = Installation(tmp_path / ".runner" / "runner.db")
    yield installation
    installation.store.close()


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `runner …` on that installation, as the console script does."""
    from runner.cli.main import main

    def run(*words: str) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*words, "--project", str(tmp_path)])
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Said(end.value.code, captured.out, captured.err)

    return run
