"""Where the program begins."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from runner.cli.exits import INTERRUPTED
from runner.cli.start import main


class InTheMiddle:
    """A person who presses Ctrl-C while the commands are imported."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "runner.cli.main":
            raise KeyboardInterrupt


def test_a_ctrl_c_while_the_program_is_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "runner.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [InTheMiddle(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code, capsys.readouterr().err) == (INTERRUPTED, "Interrupted.\n")
