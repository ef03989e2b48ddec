"""Problems of a rendered stream name the file that a document came from."""

from __future__ import annotations

from pathlib import Path

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
