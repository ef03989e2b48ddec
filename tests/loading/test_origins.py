"""Problems of a rendered stream name the file that a document came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.loading.tree import load_stream

STREAM = b"""\
apiVersion: jobs.runner/v1
kind: Job
metadata:
  name: fine
spec: {steps: [{name: a, shell: "true"}]}
---
apiVersion: jobs.runner/v1
kind: Job
metadata:
  name: wrong
  annotations:
    config.kubernetes.io/origin: |
      path: base/wrong.yaml
      repo: https://example.org/jobs
spec: {shteps: [{name: a, shell: "true"}]}
"""


def test_the_file_and_the_repository_are_named(tmp_path: Path):
    tree = load_stream(STREAM, base=tmp_path, project=tmp_path)
    found = [each for each in tree.diagnostics if each.rule == "unknown-field"]
    assert [(each.file, each.line) for each in found] == [("-", 15)]
    assert found[0].detail.endswith("\nrendered from base/wrong.yaml of https://example.org/jobs")


def test_what_is_not_annotated_stays_as_it_is(tmp_path: Path):
    tree = load_stream(STREAM.replace(b"origin", b"other"), base=tmp_path, project=tmp_path)
    assert not any("rendered from" in each.detail for each in tree.diagnostics)


def test_a_hostile_annotation_steers_nothing(tmp_path: Path):
    hostile = STREAM.replace(b"path: base/wrong.yaml", b"path: \xe2\x80\xae" + b"x" * 900)
    tree = load_stream(hostile, base=tmp_path, project=tmp_path)
    detail = next(each.detail for each in tree.diagnostics if each.rule == "unknown-field")
    assert "\u202e" not in detail and len(detail) < 1500


BASE = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: report}
spec: {steps: [{name: a, shell: "true"}, {name: b, shell: "true"}, {name: c, shell: "true"}]}
"""


def moved(tmp_path: Path, steps: str, *, path: str = "../../base/report.yaml", more: str = "") -> list[str]:
    """What is told of a job that was built from the base, with a prefix, and has these steps now."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "report.yaml").write_text(BASE)
    spec = ", ".join(f'{{name: {name}, shell: "true"}}' for name in steps)
    notes = f'{{jobs.runner/name-prefix: n-, config.kubernetes.io/origin: "path: {path}\\n{more}"}}'
    metadata = f"metadata: {{name: n-report, annotations: {notes}}}"
    stream = f"apiVersion: jobs.runner/v1\nkind: Job\n{metadata}\nspec: {{steps: [{spec}]}}\n"
    tree = load_stream(stream.encode(), base=tmp_path, project=tmp_path)
    assert len(tree.objects) == 1
    return [f"{each.place} {each.severity} {each.rule}: {each.detail}" for each in tree.diagnostics]


def test_steps_that_a_patch_moved_are_told(tmp_path: Path):
    told = "-:1:1 warning moved-steps: base/report.yaml has a, b, c; here it is c, a, b"
    assert moved(tmp_path, "cab") == [told]


@pytest.mark.parametrize("steps", ["abc", "ac", "xabyc", "abcx", "b"])
def test_steps_that_came_or_went_are_in_their_order(tmp_path: Path, steps: str):
    assert moved(tmp_path, steps) == []


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("../base/other.yaml", ""),
        ("../base/report.yaml", "repo: https://example.org/jobs\\n"),
        ("/base/report.yaml", ""),
        ("../base/../base/report.yaml", ""),
        ("", ""),
        ("../base", ""),
    ],
)
def test_what_is_not_found_below_the_project_tells_nothing(tmp_path: Path, path: str, more: str):
    assert moved(tmp_path, "cab", path=path, more=more) == []
