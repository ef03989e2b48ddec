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
        ("- secrets:\n  -\n    argv: hunter2", "    (masked)"),
        ("argv:\n  - curl\n  - --token\n  - 4711", "  - (masked)"),
        ("argv:\n  - curl\n  - --token-file\n  - a.txt", "  - a.txt"),
        ("secret: {from: {env: X}}\nargv:\n  - curl", "  - curl"),
        ("secrets:\n  - a\nsteps:\n  - name: a", "  - name: a"),
        ("steps:\n  - secret: x\n  - name: a", "  - name: a"),
        ("- hunter2", "- hunter2"),
        ("argv:\n  - --token  # its value follows\n\n  # here\n  - hunter2", "  - (masked)"),
        ("shell: [\n  curl, --token,\n  hunter2]", "  (masked)"),
        ("password: x", "password: (masked)"),
        ("password:\n  hunter2", "  (masked)"),
        ("password:\n\thunter2", "\t(masked)"),
        ("password: |\n    a\n  hunter2: : x", "  (masked)"),
        ("env:\n  PASSWORDS: [\n    hunter2,\n    1]", "    (masked)"),
        ("env:\n  ? PASSWORD\n  : - hunter2", "  : - (masked)"),
        ("env:\n  ? PASSWORD\n  :\n    - hunter2", "    - (masked)"),
        ("env:\n  PASSWORD:\n    value: hunter2", "    value: (masked)"),
        ("env:\n  PASSWORD: {value: hunter2}", "  PASSWORD: (masked)"),
        ("env: {A: 1, PASSWORD: 'x, y', B: 2}", "env: {A: 1, PASSWORD: (masked), B: 2}"),
        ("headers: {Cookie: [hunter2], Accept: a}", "headers: {Cookie: (masked), Accept: a}"),
        ("headers:\n  Authorization: Bearer hunter2", "  Authorization: (masked)"),
        ("password: {from: {env: X}}", "password: {from: {env: X}}"),
        ("password: {hunter2}", "password: (masked)"),
        ("http: {headers: {A: b,\n    Cookie: hunter2}}", "    Cookie: (masked)"),
        ("http: {headers: {A: b, Cookie: hunter2}}", "http: {headers: {A: b, Cookie: (masked)}}"),
        ("password: {a: [{b: x}, [hunter2],", "password: (masked)"),
        ("password:\n  from:\n    env: X", "    env: X"),
        ("inputs:\n  token_count:\n    type: strng", "    type: strng"),
        ("inputs:\n  password:\n    default: hunter2", "    default: (masked)"),
        ("steps:\n  - token: x\n    shell: a", "    shell: a"),
        ("password:\nother: a", "other: a"),
        ("env:\n  PASSWORDS: [\n  hunter2", "  (masked)"),
        ("env:\n  PASSWORD: 'a{b'\n  X: 1", "  X: 1"),
        ("env: {A: 1, PASSWORDS: [a,\n    hunter2]}", "    (masked)"),
        ("headers: {Authorization: [[a],\n    [hunter2]], X: 1}", "    (masked)"),
        ("env: {A: 1,\n  PASSWORDS: [a,\n  hunter2]}", "  (masked)"),
        ("password: 'a{b'\nother:\n  x: 1", "  x: 1"),
        ('password: "a\n  hunter2: x"', "  (masked)"),
        ("secrets:\n  - {key: a,\n   key: b}\n  -\n    password: hunter2", "    (masked)"),
        ("password:\n  from: {\n    env: X", "    env: X"),
        ("key: id", "key: id"),
        ("# password: x", "# password: x"),
    ],
)
def test_what_is_a_secret_by_the_names_around_it_is_masked(text: str, shown: str) -> None:
    lines = text.split("\n")
    assert quoted_line(lines, len(lines)) == shown


def test_a_long_line_takes_no_longer_than_a_short_one() -> None:
    assert quoted_line(["-" * 1_000_000 + "!", "x: " * 1_000_000, "- a"], 3) == "- a"


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (b"\n      - hunter2\x07\n", "control-character"),
        (b"\n      hunter2\xff\n", "encoding"),
        (b"\n\thunter2\n", "yaml-syntax"),
        (b' "x" hunter2\n', "yaml-syntax"),
        (b"\n      !hunter hunter2\n", "yaml-tag"),
        (b"\n      value: hunter2\n", "unknown-field"),
        (b" {value: hunter2}\n", "unknown-field"),
    ],
)
def test_no_rule_quotes_a_secret(tmp_path: Path, value: bytes, rule: str) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_bytes(
        b"apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  env:\n    PASSWORD:" + value
    )
    found = load_tree(None, project=tmp_path).diagnostics
    assert rule in {each.rule for each in found}
    assert [each for each in found if "hunter2" in f"{each.source}{each.detail}{each.hint}"] == []


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
