"""What a message quotes of a file has no secret in it, wherever its name stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.loading.quoted_line import quoted_line
from runner.loading.tree import load_tree


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("passwords:\n  - hunter2", "  - (masked)"),
        ("passwords:\n- hunter2", "- (masked)"),
        ("apiTokens:\n  # the first\n\n  - one\n  - {two: 2}", "  - (masked)"),
        ("- 'password':\n    - hunter2", "    - (masked)"),
        ("secrets:\n  - - hunter2", "  - - (masked)"),
        ("argv:\n  - curl\n  - --token\n  - 4711", "  - (masked)"),
        ("argv:\n  - curl\n  - --token-file\n  - a.txt", "  - a.txt"),
        ("secret: {from: {env: X}}\nargv:\n  - curl", "  - curl"),
        ("secrets:\n  - a\nsteps:\n  - name: a", "  - name: a"),
        ("steps:\n  - secret: x\n  - name: a", "  - name: a"),
        ("- hunter2", "- hunter2"),
        ("password: x", "password: x"),  # masked where it is shown
    ],
)
def test_an_item_of_a_list_is_masked_by_the_name_above_it(text: str, shown: str) -> None:
    lines = text.split("\n")
    assert quoted_line(lines, len(lines)) == shown


def test_a_line_that_is_not_there_is_empty() -> None:
    assert (quoted_line([], 0), quoted_line(["a"], 2)) == ("", "")


def test_no_problem_of_a_tree_quotes_it(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  env:\n    PASSWORDS:\n"
        "      - hunter2: : hunter2\n"
    )
    found = load_tree(None, project=tmp_path).diagnostics
    assert found and all("hunter2" not in f"{each.source}{each.detail}{each.hint}" for each in found)
