"""`runner fmt`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MESSY = "kind:   Group   # why\napiVersion: jobs.runner/v1\nmetadata: {name: g}\nspec: {}\n"
TIDY = "apiVersion: jobs.runner/v1\nkind: Group     # why\nmetadata: {name: g}\nspec: {}\n"


def test_check_changes_nothing_and_exits_with_1(say: Callable, tmp_path: Path) -> None:
    file = tmp_path / "jobs.d" / "g.yaml"
    file.parent.mkdir()
    file.write_text(MESSY)
    file.chmod(0o640)
    said = say("fmt", "--check", "--diff")
    assert (said.code, said.err) == (1, "1 file, 1 to be changed.\n")
    assert "+kind: Group" in said.out and "would change" in said.out
    assert file.read_text() == MESSY
    assert say("fmt").code == 0
    assert (file.read_text(), file.stat().st_mode & 0o777) == (TIDY, 0o640)
    assert say("fmt", "--check").code == 0


def test_what_is_invalid_is_told_and_the_rest_is_laid_out(say: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    (tmp_path / "b.yaml").write_text(MESSY)
    said = say("fmt", str(tmp_path))
    assert said.code == 1
    assert "error[yaml-syntax]" in said.err
    assert (tmp_path / "b.yaml").read_text() == TIDY


def test_a_path_that_is_not_there_is_an_error(say: Callable) -> None:
    assert say("fmt", "nope").code == 1
    assert say("fmt", "-", "x").code == 64
