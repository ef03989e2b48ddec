"""Limits of an instance, set by the kernel on real processes, and named when they are exceeded."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.child.limits import processes_of
from runner.execution.order import Raised

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = pwd.getpwnam("nobody")


def error_of(workshop: Workshop, source: str, **limits: object) -> tuple[str, str]:
    ended = workshop.run(a_python_step(source), limits=limits)
    assert ended.error is not None, ended
    assert not ended.error.retryable
    return ended.error.code, ended.error.description


def said(workshop: Workshop, script: str, **limits: object) -> str:
    """What a script prints into a file under these limits."""
    ended = workshop.run(a_shell_step(f"({script}) > '{workshop.state}/said'"), limits=limits)
    assert ended.outcome == "succeeded", ended
    return (workshop.state / "said").read_text().strip()


def test_too_much_memory_is_named(workshop: Workshop) -> None:
    code, text = error_of(workshop, "x = bytearray(2 << 30)", memory="1GiB")
    assert code == "memory-limit"
    assert "limits.memory is 1GiB; make it larger" in text


def test_too_much_memory_of_a_program_is_named(workshop: Workshop) -> None:
    script = "exec python3 -c 'x = bytearray(2 << 30)'"
    ended = workshop.run(a_shell_step(f"{script} 2>&1"), limits={"memory": "1GiB"})
    assert ended.outcome == "failed"


def test_too_many_open_files_are_named(workshop: Workshop) -> None:
    code, text = error_of(workshop, "files = [open('/dev/null') for _ in range(99)]", openFiles=32)
    assert code == "open-files-limit"
    assert "limits.openFiles is 32" in text


def test_too_much_processor_time_of_a_program_is_named(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("while :; do :; done"), limits={"cpuTime": "1s"})
    assert ended.error is not None
    assert ended.error.code == "cpu-time"
    assert "limits.cpuTime is 1s" in ended.error.description


def test_nice_and_umask_are_those_of_every_program(workshop: Workshop) -> None:
    here = os.nice(0)
    assert said(workshop, "nice; umask", nice=min(here + 5, 19), umask="027").split() == [
        str(min(here + 5, 19)),
        "0027",
    ]


def test_open_files_hold_for_programs_too(workshop: Workshop) -> None:
    assert said(workshop, "ulimit -n", openFiles=64) == "64"


def test_no_program_gains_rights(workshop: Workshop) -> None:
    assert said(workshop, "grep NoNewPrivs /proc/self/status").split() == ["NoNewPrivs:", "1"]


def test_a_log_that_is_cut_is_a_warning(workshop: Workshop) -> None:
    workshop.run(a_shell_step("head -c 5000 /dev/zero | tr '\\0' 'x' | fold -w 50"), output_limit=1024)
    [warning] = [r for r in workshop.reports if isinstance(r, Raised)]
    assert (warning.severity, warning.code) == ("warning", "output-limit")
    assert "its log keeps 1KiB (limits.output)" in warning.description


def test_a_limit_that_cannot_be_set_says_so(workshop: Workshop) -> None:
    code, text = error_of(workshop, "pass", openFiles=1 << 40)
    assert (code, text.startswith("its limits cannot be set here")) == ("limits", True)


@ROOT
def test_a_limit_on_processes_does_not_bind_root_and_that_is_said(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"), limits={"processes": 5})
    [warning] = [r for r in workshop.reports if isinstance(r, Raised)]
    assert warning.code == "limit-without-effect"


def as_nobody() -> dict[str, object]:
    return {"uid": NOBODY.pw_uid, "gid": NOBODY.pw_gid, "groups": [NOBODY.pw_gid]}


@ROOT
def test_a_job_runs_as_another_user_for_good(workshop: Workshop) -> None:
    workdir = f"/tmp/runner-test-{os.getpid()}"
    script = (
        'for what in "user=$(id -u)" "groups=$(id -G)" "folder=$PWD"; do echo $what >> $RUNNER_OUTPUT; done'
    )
    names = ("user", "groups", "folder")
    ended = workshop.run(
        a_shell_step(script), limits={"user": as_nobody()}, workdir=workdir,
        outputs={name: f"${{{{ steps.work.outputs.{name} }}}}" for name in names},
    )  # fmt: skip
    assert ended.outcome == "succeeded", ended
    nobody = (str(NOBODY.pw_uid), str(NOBODY.pw_gid))
    assert tuple(str(ended.outputs[name]) for name in names) == (*nobody, workdir)
    assert not Path(workdir).exists()


@ROOT
def test_another_user_reads_the_files_of_its_job_and_nothing_else_of_the_state(workshop: Workshop) -> None:
    code = workshop.state / "copy"
    answer = f"{{'uid': os.getuid(), 'reads': os.access({str(code)!r}, os.R_OK)}}"
    code.write_text(f"import os\ndef run():\n    return {answer}\n")
    code.chmod(0o600)
    step = {"name": "work", "kind": "python", "action": {"file": "a.py", "function": "run"}}
    workdir = f"/tmp/runner-test-{os.getpid()}"
    ended = workshop.run(
        step, files={"a.py": str(code)}, limits={"user": as_nobody()}, workdir=workdir,
        outputs={"uid": "${{ steps.work.outputs.uid }}", "reads": "${{ steps.work.outputs.reads }}"},
    )  # fmt: skip
    assert ended.outcome == "succeeded", ended
    assert ended.outputs == {"uid": NOBODY.pw_uid, "reads": False}


@ROOT
def test_too_many_processes_of_another_user_are_named(workshop: Workshop) -> None:
    thread = "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    source = f"import threading, time\nfor _ in range(50):\n    {thread}\n"
    ended = workshop.run(
        a_python_step(source),
        limits={"user": as_nobody(), "processes": 10},
        workdir=f"/tmp/runner-test-{os.getpid()}",
    )
    assert ended.error is not None
    assert ended.error.code == "processes-limit"
    assert processes_of(os.geteuid()) > 0


def test_processor_time_used_up_in_python_is_named_and_not_tried_again(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("while True: pass"), limits={"cpuTime": "1s"})
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("cpu-time", False)
    assert "limits.cpuTime is 1s; make it larger" in ended.error.description


@ROOT
def test_a_shell_that_cannot_start_another_process_names_the_limit(workshop: Workshop) -> None:
    crowd = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; wait"
    ended = workshop.run(
        a_shell_step(crowd),
        limits={"user": as_nobody(), "processes": 10},
        workdir=f"/tmp/runner-test-{os.getpid()}",
    )
    assert ended.error is not None
    assert ended.error.code == "processes-limit"
    assert "limits.processes is 10" in ended.error.description
    assert "ended with exit code" in ended.error.description
