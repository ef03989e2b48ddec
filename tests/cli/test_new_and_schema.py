"""`runner new` and `runner schema`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from runner.cli.commands.init import command as init
from runner.cli.commands.new import WORDS
from runner.cli.commands.new import command as new
from runner.cli.commands.schema import command as schema
from runner.declaration.decode import problems_of
from runner.declaration.scaffold import scaffold
from runner.vocabulary.errors import Refused


def test_new_writes_a_job_and_prints_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(new, ["job", "sales-summary"])

    assert (result.exit_code, result.output) == (0, "jobs.d/sales-summary.yaml\n")
    text = (tmp_path / "jobs.d/sales-summary.yaml").read_text()
    assert "kind: Job" in text
    assert "enabled: true" in text


@pytest.mark.parametrize("kind", WORDS.values())
@pytest.mark.parametrize("name", ["report", "7", "true", "0x1f", "1e3", "no", "a-b"])
def test_what_new_writes_is_valid_whatever_the_name(kind, name):
    from ruamel.yaml import YAML

    document = YAML(typ="safe", pure=True).load(scaffold(kind, name))

    assert document["metadata"]["name"] == name
    assert problems_of(document) == []


def test_new_never_overwrites(tmp_path):
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d/report.yaml").write_text("mine")
    result = CliRunner().invoke(new, ["job", "report", "--project", str(tmp_path)])

    assert isinstance(result.exception, Refused)
    assert "exists already and was left as it is" in str(result.exception)
    assert (tmp_path / "jobs.d/report.yaml").read_text() == "mine"


def test_new_library_brings_its_code(tmp_path):
    result = CliRunner().invoke(new, ["library", "date-tools", "--project", str(tmp_path)])

    assert result.exit_code == 0
    assert (tmp_path / "jobs.d/date_tools.py").exists()
    assert "file: date_tools.py" in (tmp_path / "jobs.d/date-tools.yaml").read_text()


@pytest.mark.parametrize("name", ["Sales", "../x", "a/b", ""])
def test_a_name_that_is_none_is_wrong_usage_and_writes_nothing(tmp_path, name):
    result = CliRunner().invoke(new, ["job", name, "--project", str(tmp_path)])

    assert result.exit_code != 0
    assert "is not a name" in result.output
    assert not (tmp_path / "jobs.d").exists()


def test_schema_prints_one_kind_or_all():
    one = json.loads(CliRunner().invoke(schema, ["--kind", "Job"]).output)
    every = json.loads(CliRunner().invoke(schema, []).output)

    assert one["title"] == "Job (jobs.runner/v1)"
    assert "allOf" in every


def test_a_second_init_says_what_it_found_and_leaves_it_alone(tmp_path):
    CliRunner().invoke(init, ["--project", str(tmp_path)])
    (tmp_path / "jobs.d" / "hello.yaml").unlink()
    for count, told in ((1, "1 file"), (2, "2 files")):
        (tmp_path / "jobs.d" / f"own-{count}.yaml").write_text("# mine\n")
        result = CliRunner().invoke(init, ["--project", str(tmp_path)])
        lines = result.output.splitlines()
        assert result.exit_code == 0
        assert lines[0] == f"kept     jobs.d ({told} of declarations; no example was added)"
        assert all(line.startswith("kept ") for line in lines[: lines.index("")])
    assert sorted(path.name for path in (tmp_path / "jobs.d").iterdir()) == ["own-1.yaml", "own-2.yaml"]
