"""Programs in any language record their state, notes and progress through files that are named to them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from execution_builders import Workshop, a_shell_step

from runner.execution.order import Checkpointed, Progressed, Raised, StepReported


def checkpoints(workshop: Workshop) -> list[Checkpointed]:
    return [report for report in workshop.reports if isinstance(report, Checkpointed)]


def progress(workshop: Workshop) -> list[tuple[Any, Any, str]]:
    return [(r.done, r.total, r.text) for r in workshop.reports if isinstance(r, Progressed)]


def completion(workshop: Workshop) -> StepReported:
    [report] = [r for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete"]
    return report


def test_a_program_without_files_records_nothing(workshop: Workshop) -> None:
    assert workshop.run(a_shell_step("[ ! -e $RUNNER_STATE ]")).outcome == "succeeded"
    assert checkpoints(workshop) == []
    assert completion(workshop).record is None


def test_what_it_wrote_is_recorded_together_with_its_completion(workshop: Workshop) -> None:
    script = """
        echo '{"page": 3, "seen": ["a"]}' > $RUNNER_STATE
        echo 'files.read:=3' > $RUNNER_INFO
        echo '3/10 files' > $RUNNER_PROGRESS
        echo pages:=3 > $RUNNER_OUTPUT
    """
    assert workshop.run(a_shell_step(script)).outcome == "succeeded"
    done = completion(workshop)
    assert done.outputs == {"pages": 3}
    assert done.record is not None
    assert (done.record.n, done.record.state) == (1, '{"page":3,"seen":["a"]}')
    assert done.record.info == '{"files":{"read":3}}'
    assert progress(workshop) == [(3.0, 10.0, "files")]


@pytest.mark.parametrize(
    ("script", "code", "text"),
    [
        ("ln -s /etc/hostname $RUNNER_STATE", "state-no-file", "$RUNNER_STATE is a link; a regular file"),
        ("mkfifo $RUNNER_STATE", "state-no-file", "$RUNNER_STATE is no regular file any more"),
        ("mkdir $RUNNER_INFO", "info-no-file", "$RUNNER_INFO is no regular file any more"),
        (
            "mkfifo $RUNNER_OUTPUT.new; mv -f $RUNNER_OUTPUT.new $RUNNER_OUTPUT",
            "bad-output",
            "no regular file",
        ),
    ],
)
def test_what_is_no_file_is_not_passed_over_in_silence(
    workshop: Workshop, script: str, code: str, text: str
) -> None:
    ended = workshop.run(a_shell_step(script))
    assert (ended.outcome, ended.error and ended.error.code) == ("failed", code)
    assert ended.error is not None and text in ended.error.description


def test_a_link_that_an_earlier_attempt_left_is_not_written_through(workshop: Workshop) -> None:
    victim, kept = workshop.state / "victim", workshop.state / "kept"
    kept.mkdir()
    (kept / ".work.state").symlink_to(victim)
    saved = {"step": "work", "n": 4, "cursor": {}, "state": '{"page":7}'}
    ended = workshop.run(a_shell_step("cat $RUNNER_STATE"), saved=saved, workdir=str(kept), keep_workdir=True)
    assert (ended.outcome, victim.exists()) == ("succeeded", False)


def test_while_it_runs_each_new_state_is_a_checkpoint(workshop: Workshop) -> None:
    gate = workshop.state / "gate"
    script = f"""
        echo page=1 > $RUNNER_STATE
        until [ -e {gate} ]; do sleep 0.01; done
        echo page=2 > $RUNNER_STATE
    """
    number = workshop.start(a_shell_step(script))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    gate.touch()
    assert workshop.end_of(number).outcome == "succeeded"
    assert checkpoints(workshop)[0].record.state == '{"page":"1"}'
    last = completion(workshop).record
    assert last is not None
    assert (last.n, last.state) == (2, '{"page":"2"}')


def test_it_finds_what_was_recorded_in_the_form_in_which_it_wrote_it(workshop: Workshop) -> None:
    saved = {"step": "work", "n": 4, "cursor": {"lines": True}, "state": '{"page":"7","more":[1]}'}
    workshop.run(a_shell_step("cat $RUNNER_STATE"), saved=saved)
    assert workshop.lines() == ["page=7", "more:=[1]"]

    saved = {"step": "work", "n": 4, "cursor": {}, "state": '{"page":7}'}
    number = workshop.start(a_shell_step("cat $RUNNER_STATE"), saved=saved)
    workshop.end_of(number)
    assert workshop.lines(number) == ['{"page":7}']


def test_the_state_of_another_step_is_not_its_own(workshop: Workshop) -> None:
    saved = {"step": "before", "n": 4, "cursor": {}, "state": '{"page":7}'}
    assert workshop.run(a_shell_step("[ ! -e $RUNNER_STATE ]"), saved=saved).outcome == "succeeded"


def test_a_stopped_program_writes_its_state_within_the_grace_and_that_is_recorded(workshop: Workshop) -> None:
    script = """
        trap 'echo page=9 > $RUNNER_STATE; exit 1' TERM
        echo page=8 > $RUNNER_STATE
        while :; do sleep 0.02; done
    """
    number = workshop.start(a_shell_step(script))
    workshop.until(lambda: len(checkpoints(workshop)) == 1)
    workshop.supervisor.stop(number, 1, grace_s=20, why="eviction")
    assert workshop.end_of(number).outcome == "stopped"
    assert [c.record.state for c in checkpoints(workshop)] == ['{"page":"8"}', '{"page":"9"}']


def test_a_failed_program_keeps_what_it_had_reached(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("echo page=5 > $RUNNER_STATE; exit 3"))
    assert (ended.outcome, ended.error and ended.error.exit_code) == ("failed", 3)
    assert [c.record.state for c in checkpoints(workshop)] == ['{"page":"5"}']


def test_a_state_that_is_none_fails_the_step_and_says_where(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("echo 'page' > $RUNNER_STATE"))
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("state-not-json", False)
    assert ended.error.description.startswith("$RUNNER_STATE line 1 is not name=text or name:=JSON")

    ended = workshop.run(a_shell_step("echo '{\"a\": ' > $RUNNER_STATE"))
    assert ended.error is not None
    assert ended.error.description.startswith("$RUNNER_STATE is not JSON")


def test_a_state_that_is_too_large_fails_the_step_and_the_last_one_stays(workshop: Workshop) -> None:
    script = "printf 'text=%01100000d\\n' 0 > $RUNNER_STATE"
    ended = workshop.run(a_shell_step(script))
    assert ended.error is not None
    assert ended.error.code == "state-too-large"
    assert checkpoints(workshop) == []


def test_a_broken_state_of_a_failed_program_is_a_warning_beside_its_failure(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("echo page > $RUNNER_STATE; exit 4"))
    assert ended.error is not None
    assert ended.error.exit_code == 4
    assert [r.code for r in workshop.reports if isinstance(r, Raised)] == ["state-not-json"]


def test_a_link_in_the_place_of_the_state_is_not_followed(workshop: Workshop) -> None:
    secret = workshop.state / "secret"
    secret.write_text(json.dumps({"key": "of somebody else"}))
    ended = workshop.run(a_shell_step(f"ln -s {secret} $RUNNER_STATE"))
    assert ended.outcome == "failed"
    assert checkpoints(workshop) == []


def test_progress_is_read_as_people_write_it(workshop: Workshop) -> None:
    for text, told in (
        ("40% of the rows", (40.0, 100.0, "of the rows")),
        ("3 files", (3.0, None, "files")),
        ("almost there", (None, None, "almost there")),
    ):
        workshop.reports.clear()
        workshop.run(a_shell_step(f"echo '{text}' > $RUNNER_PROGRESS"))
        assert progress(workshop) == [told]
