"""Hostile input ends in a diagnostic, soon and in little memory, and never in a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile_corpus import FILES, HEAD, STEPS, TREES, build

HARMLESS = {"many labels"}  # large, and nothing is wrong with it


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "warm").mkdir()
    (folder / "warm" / "a.yaml").write_bytes(HEAD + STEPS)
    names = build(folder)
    loader = Path(__file__).with_name("hostile_loader.py")
    done = subprocess.run(
        [sys.executable, str(loader), str(folder)], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == len(names), f"the loader ended after {names[len(lines) - 1]}"
    return {name: json.loads(line) for name, line in zip(names, lines, strict=True)}


@pytest.mark.parametrize("name", [*FILES, *TREES])
def test_hostile_input_ends_in_a_diagnostic_within_bounds(
    name: str, reports: dict[str, dict[str, Any]]
) -> None:
    report = reports[name]
    assert bool(report["rules"]) is (name not in HARMLESS)
    assert report["objects"] == (1 if name in HARMLESS else 0)
    assert report["cpu_s"] < 4  # below one where nobody else takes the caches of the processor
    assert report["peak_mib"] < 200
    assert report["count"] <= 101
    assert report["longest"] < 2000


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("alias bomb", ["alias-bomb"]),
        ("brackets", ["too-deep"]),
        ("100 MB", ["file-too-large"]),
        ("fifo", ["not-a-file"]),
        ("socket", ["not-a-file"]),
        ("link to a device", ["outside-root"]),
        ("link out of the tree", ["outside-root"]),
        ("link to a folder outside", ["outside-root"]),
        ("link to nothing", ["unreadable"]),
        ("link as code", ["outside-root"]),
        ("device as code", ["outside-root"]),
        ("fifo as code", ["not-a-file"]),
        ("missing code", ["missing-file"]),
        ("file with a path", ["outside-root"]),
        ("absolute file", ["bad-path"]),
        ("file with a nul", ["bad-path"]),
        ("python object", ["yaml-tag"]),
        ("utf-16", ["encoding"]),
        ("byte-order mark", ["encoding"]),
        ("list", ["not-an-object"]),
        ("empty", ["empty-document"]),
        ("nothing", ["nothing-declared"]),
        ("nothing but a link to a folder", ["nothing-declared"]),
        ("link to itself", ["unreadable"]),
        ("name with a path", ["bad-name"]),
        ("name that cannot be printed", ["file-name"]),
        ("not a number", ["number"]),
    ],
)
def test_hostile_input_is_named_for_what_it_is(
    name: str, rules: list[str], reports: dict[str, dict[str, Any]]
) -> None:
    assert reports[name]["rules"] == rules
