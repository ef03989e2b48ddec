"""`runner validate`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runner.cli.main import runner

VALID = """\
apiVersion: jobs.runner/v1
kind: Job
metadata:
  name: hello
spec:
  enabled: false
  steps:
    - name: say
      shell: echo hello
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "hello.yaml").write_text(VALID)
    return tmp_path


def run(project: Path, *arguments: str, stream: str = "") -> Result:
    return CliRunner().invoke(runner, ["validate", "--project", str(project), *arguments], input=stream)


def test_a_valid_tree_ends_with_its_counts(project: Path) -> None:
    done = run(project)
    assert (done.exit_code, done.stdout) == (0, "Valid: 1 object in 1 file.\n")


def test_a_problem_is_shown_with_place_value_source_and_hint(project: Path) -> None:
    (project / "jobs.d" / "hello.yaml").write_text(VALID.replace("  enabled: false\n", "  enabeld: false\n"))
    done = run(project)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "jobs.d/hello.yaml:6:3: error[unknown-field]: Unknown field"
    assert lines[1].startswith("  'enabeld' is not a field of Job.spec; known: ")
    assert lines[2:] == [
        "  6 |   enabeld: false",
        "    |   ^",
        "  hint: did you mean 'enabled'?",
        "Invalid: 1 error in 1 file.",
    ]


def test_the_other_place_of_a_name_is_told_as_the_place_of_the_problem_is(project: Path) -> None:
    (project / "jobs.d" / "sub").mkdir()
    (project / "jobs.d" / "sub" / "again.yaml").write_text(f"# the second one\n{VALID}")
    for _ in range(2):  # read, and out of the cache
        (only,) = json.loads(run(project, "-o", "json").stdout)
        assert (only["file"], only["line"]) == ("jobs.d/sub/again.yaml", 5)
        assert only["detail"] == (
            "Job/hello is declared at jobs.d/hello.yaml:1 and again at jobs.d/sub/again.yaml:2; "
            "names are unique per kind"
        )


@pytest.mark.parametrize("name", ["more.YAML", "more.Yml"])
def test_a_file_that_looks_like_a_declaration_and_is_none_is_told(project: Path, name: str) -> None:
    (project / "jobs.d" / name).write_text(VALID.replace("hello", "more"))
    (project / "jobs.d" / ".HIDDEN.YAML").touch()
    (project / "jobs.d" / "README.md").touch()
    done = run(project)
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [
            f"jobs.d/{name}: warning[file-ending]: Not read",
            "  its name ends otherwise than in .yaml or .yml, so no object of it is declared",
            "  hint: rename it, if it is a declaration",
            "Valid: 1 object in 1 file; 1 warning.",
        ],
    )


def test_json_has_the_documented_keys(project: Path) -> None:
    (project / "jobs.d" / "hello.yaml").write_text("a: [")
    (only,) = json.loads(run(project, "-o", "json").stdout)
    assert list(only) == ["file", "line", "column", "severity", "rule", "summary", "detail", "hint"]
    (project / "jobs.d" / "hello.yaml").write_text(VALID)
    assert run(project, "-o", "json").stdout == "[]\n"


def test_github_gets_one_escaped_workflow_command_for_each(project: Path) -> None:
    (project / "jobs.d" / "a,b.yaml").write_text("a: 100%\nb: &x [*x]\n")
    done = run(project, "-o", "github")
    assert done.exit_code == 1
    assert done.stdout == (
        "::error file=jobs.d/a%2Cb.yaml,title=Invalid alias [alias],line=2,col=8"
        "::anchor 'x' is used inside itself%0Ahint: quote the value if it begins with '*'\n"
    )


def test_a_stream_is_read_from_standard_input(project: Path) -> None:
    assert run(project, "-", stream=VALID).exit_code == 0
    assert run(project, "-", stream="").exit_code == 1


def test_several_paths_are_checked_in_one_go(project: Path) -> None:
    (project / "more").mkdir()
    (project / "more" / "a.yaml").write_text(VALID)
    done = run(project, str(project / "jobs.d"), str(project / "more"))
    assert done.stdout == "Valid: 2 objects in 2 files.\n"


def test_what_a_hostile_file_says_does_not_steer_the_terminal(project: Path) -> None:
    (project / "jobs.d" / "hello.yaml").write_text(VALID.replace("enabled", '"\\e[31m"'))
    assert "\x1b" not in run(project).stdout


@pytest.mark.parametrize(
    "arguments", [["-o", "xml"], ["--nonsense"], ["-", "jobs.d"], ["--base", ".", "jobs.d"]]
)
def test_wrong_usage_is_64_and_never_looks_like_changes(
    project: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from runner.cli.main import main

    with pytest.raises(SystemExit) as ended:
        main(["validate", "--project", str(project), *arguments])
    assert ended.value.code == 64
