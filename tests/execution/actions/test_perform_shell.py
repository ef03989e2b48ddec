"""A shell step: scripts and programs as they are, exit codes, signals, and outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.shell import perform
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]


def test_a_script_gives_its_outputs_by_lines(a_step: Builder) -> None:
    script = 'echo day=2026-11-21 >> "$RUNNER_OUTPUT"; echo "rows:=3" >> "$RUNNER_OUTPUT"'
    assert perform({"script": script}, a_step()) == {"day": "2026-11-21", "rows": 3}


def test_a_script_without_outputs_has_none(a_step: Builder) -> None:
    assert perform({"script": "true"}, a_step()) == {}


def test_a_script_reads_its_values_from_the_environment(a_step: Builder) -> None:
    outputs = perform(
        {"script": 'echo "both=$A$B" > "$RUNNER_OUTPUT"', "env": {"B": True}},
        a_step(env={"A": "$(exit 1);"}),
    )
    assert outputs == {"both": "$(exit 1);true"}


def test_a_script_ends_at_its_first_failing_command(a_step: Builder, tmp_path: Path) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"script": "false\ntouch never"}, a_step())
    assert (raised.value.code, raised.value.exit_code) == ("exit-code", 1)
    assert raised.value.description == "the script ended with exit code 1"
    assert not (tmp_path / "work" / "never").exists()


def test_a_script_is_run_by_the_interpreter_of_its_first_line(a_step: Builder) -> None:
    script = "#!/usr/bin/env python3\nimport os\nopen(os.environ['RUNNER_OUTPUT'], 'w').write('by=python')"
    assert perform({"script": script}, a_step()) == {"by": "python"}


def test_a_file_gets_its_arguments(a_step: Builder) -> None:
    step = a_step(files={"load.sh": 'echo "args=$1-$2" > "$RUNNER_OUTPUT"'})
    assert perform({"file": "load.sh", "arguments": ["a b", 2]}, step) == {"args": "a b-2"}


def test_argv_is_run_without_a_shell(a_step: Builder, capfd: pytest.CaptureFixture[str]) -> None:
    perform({"argv": ["echo", "$HOME; *"]}, a_step())
    assert capfd.readouterr().out == "$HOME; *\n"


def test_declared_exit_codes_are_success(a_step: Builder) -> None:
    assert perform({"script": "exit 3", "successCodes": [0, 3]}, a_step()) == {}
    with pytest.raises(ActionFailed):
        perform({"script": "exit 0", "successCodes": [3]}, a_step())


@pytest.mark.parametrize(
    ("script", "description"),
    [
        ("nope-not-here", "the script ended with exit code 127 (a command was not found)"),
        (
            "sh -c 'kill -SEGV $$'; exit",
            "the script ended with exit code 139 (a command was killed by SIGSEGV (signal 11))",
        ),
        ("kill -KILL $$", "the script was killed by SIGKILL (signal 9)"),
    ],
)
def test_how_a_script_ended_is_said_in_words(a_step: Builder, script: str, description: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"script": script}, a_step())
    assert raised.value.description == description


def test_a_script_runs_in_the_folder_it_names(a_step: Builder, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    perform({"script": "touch here", "workdir": str(tmp_path / "there")}, a_step())
    assert (tmp_path / "there" / "here").exists()


def test_a_missing_workdir_is_named(a_step: Builder, tmp_path: Path) -> None:
    with pytest.raises(ActionFailed) as raised:
        perform({"script": "true", "workdir": "gone"}, a_step())
    assert raised.value.description == (
        f"workdir {tmp_path}/work/gone is not an existing folder; create or mount it"
    )


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (
            "just words",
            "line 1 is not name=text or name:=JSON with a name of lower-case letters, digits and _",
        ),
        ("a=1\nTotal=3", "line 2 is not name=text"),
        ("rows:=three", "line 1: the value of rows is not JSON"),
        ("rows:=NaN", "line 1: the value of rows is not JSON (NaN is no JSON number)"),
        ("x=" + "y" * 300_000, "is larger than 256 KiB"),
        ("\n".join(f"n{i}=1" for i in range(101)), "names 101 outputs; 100 is the most"),
    ],
)
def test_outputs_that_cannot_be_read_fail_the_step(a_step: Builder, text: str, description: str) -> None:
    step = a_step(files={"outputs.txt": text})
    with pytest.raises(ActionFailed) as raised:
        perform({"script": f'cat {step.files["outputs.txt"]} > "$RUNNER_OUTPUT"'}, step)
    assert raised.value.code == "bad-output"
    assert raised.value.description.startswith(f"$RUNNER_OUTPUT {description}")


@pytest.mark.parametrize("trick", ['ln -s /etc/passwd "$RUNNER_OUTPUT"', 'mkfifo "$RUNNER_OUTPUT"'])
def test_outputs_are_read_from_a_regular_file_only(a_step: Builder, trick: str) -> None:
    with pytest.raises(ActionFailed, match="RUNNER_OUTPUT"):
        perform({"script": trick}, a_step())


def test_a_text_of_several_lines_is_written_as_json(a_step: Builder) -> None:
    outputs: dict[str, Any] = perform(
        {"script": r"""printf '%s\n' 't:="a\nb"' > "$RUNNER_OUTPUT" """}, a_step()
    )
    assert outputs == {"t": "a\nb"}


def test_a_program_that_cannot_be_started_takes_no_items(
    a_step: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that a failed run had counts as tried: without a disk they would fail one after the other."""
    asked: list[str] = []

    def take(name: str, most: int) -> list[dict[str, Any]]:
        asked.append(name)
        return []

    step = a_step(variables={"trigger": {"consume": {}}})
    monkeypatch.setattr(step, "take", take)
    with pytest.raises(ActionFailed) as raised:
        perform({"script": "true", "workdir": "not-mounted"}, step)
    assert (raised.value.code, asked) == ("workdir-missing", [])
    perform({"script": "true"}, step)
    assert asked == [step.name]
