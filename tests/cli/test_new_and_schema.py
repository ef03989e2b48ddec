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
from runner.declaration.kustomize import kustomize_files
from runner.declaration.scaffold import scaffold
from runner.loading.tree import load_tree
from runner.operations.lay_out_files import look_at
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


def test_init_adds_the_schema_to_settings_that_are_there(tmp_path):
    settings = tmp_path / ".vscode/settings.json"
    settings.parent.mkdir()
    settings.write_text('{"editor.rulers": [110]}')
    result = CliRunner().invoke(init, ["--project", str(tmp_path)])
    assert "changed  .vscode/settings.json\n" in result.output
    assert json.loads(settings.read_text())["editor.rulers"] == [110]
    assert list(json.loads(settings.read_text())["yaml.schemas"]) == [".runner/schema/runner.schema.json"]


def test_init_says_what_to_add_to_settings_with_comments(tmp_path):
    settings = tmp_path / ".vscode/settings.json"
    settings.parent.mkdir()
    settings.write_bytes(b'{\n  // \xff mine\n  "a": 1,\n}\n')
    result = CliRunner().invoke(init, ["--project", str(tmp_path)])
    assert "kept     .vscode/settings.json; for help with declarations, add to it:\n{\n" in result.output
    assert settings.read_bytes() == b'{\n  // \xff mine\n  "a": 1,\n}\n'


def test_init_renews_the_snippets_and_maps_for_jetbrains_where_it_is_used(tmp_path):
    CliRunner().invoke(init, ["--project", str(tmp_path)])
    snippets = tmp_path / ".vscode/runner.code-snippets"
    fresh = snippets.read_text()
    snippets.write_text("{}")
    (tmp_path / ".idea").mkdir()
    result = CliRunner().invoke(init, ["--project", str(tmp_path)])
    assert "changed  .vscode/runner.code-snippets\ncreated  .idea/jsonSchemas.xml\n" in result.output
    assert snippets.read_text() == fresh


def test_the_schema_is_where_editors_look_wherever_the_database_is(tmp_path):
    CliRunner().invoke(init, ["--project", str(tmp_path), "--db", str(tmp_path / "var/runner.db")])
    assert (tmp_path / ".runner/schema/runner.schema.json").exists()


def test_new_names_the_schema_in_a_project_that_has_one(tmp_path):
    CliRunner().invoke(init, ["--project", str(tmp_path)])
    CliRunner().invoke(new, ["group", "night", "--project", str(tmp_path)])
    first = (tmp_path / "jobs.d/night.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../.runner/schema/runner.schema.json"
    assert (tmp_path / "jobs.d" / first.partition("=")[2]).resolve().exists()


def test_schema_writes_the_component_for_kustomize(tmp_path):
    folder = tmp_path / "kustomize/runner"
    result = CliRunner().invoke(schema, ["--kustomize", str(folder)])
    assert result.exit_code == 0
    assert result.output.splitlines() == [str(folder / name) for name in kustomize_files()]
    assert {path.name: path.read_text() for path in folder.iterdir()} == kustomize_files()
    assert CliRunner().invoke(schema, ["--kustomize", str(folder), "--kind", "Job"]).exit_code == 2


def test_what_new_writes_for_every_kind_stands_together_and_is_laid_out(tmp_path):
    CliRunner().invoke(init, ["--project", str(tmp_path)])
    for word in WORDS:
        assert CliRunner().invoke(new, [word, f"my-{word}", "--project", str(tmp_path)]).exit_code == 0
    tree = load_tree(project=tmp_path)
    assert tree.diagnostics == ()
    assert {address.kind for address in tree.objects} == set(WORDS.values())
    assert not any(each.differs or each.problem for each in look_at([tmp_path / "jobs.d"]))


@pytest.mark.parametrize("kind", ["job-type", "JobType", "jobtype", "JOB-TYPE"])
def test_a_kind_may_be_written_as_in_a_file(tmp_path, kind):
    assert CliRunner().invoke(new, [kind, "mine", "--project", str(tmp_path)]).exit_code == 0
    assert "kind: JobType" in (tmp_path / "jobs.d/mine.yaml").read_text()
