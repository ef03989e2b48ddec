"""One instance from its order to its end: results, environment, descriptors, working directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.order import Began, Raised, StepReported
from runner.execution.processes import boot_id, is_gone, started_ticks, ticks_now
from runner.execution.verdict import decide_outcome


def test_an_instance_succeeds_with_the_outputs_of_its_steps(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("return {'rows': 3}"))

    assert (ended.outcome, ended.error, ended.signal) == ("succeeded", None, None)
    completion = workshop.reports[2]
    assert isinstance(completion, StepReported)
    assert (completion.event, completion.outputs, completion.last) == ("complete", {"rows": 3}, True)
    assert ended.usage.cpu_s > 0
    assert ended.usage.max_rss > 2**20


def test_began_names_the_process_by_pid_and_start_time(workshop: Workshop, tmp_path: Path) -> None:
    os.mkfifo(gate := tmp_path / "gate")
    number = workshop.start(a_shell_step(f"read line < {gate}"), env={"PATH": os.defpath})
    pid = workshop.pid_of(number)
    began = next(r for r in workshop.reports if isinstance(r, Began))

    started = started_ticks(pid)
    assert started is not None and started <= began.pid_started <= ticks_now()
    gate.write_text("go\n")
    workshop.end_of(number)
    assert is_gone(pid, began.pid_started)
    assert boot_id()


def test_the_exit_code_of_a_program_is_reported(workshop: Workshop) -> None:
    ended = workshop.run(a_shell_step("exit 7"))

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.exit_code, ended.error.step) == ("exit-code", 7, "work")


def test_an_exception_in_the_jobs_code_is_a_failure_with_its_traceback_in_the_log(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("def deep():\n    return 1 / 0\ndeep()"))

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert "ZeroDivisionError" in "\n".join(workshop.lines())


def test_a_child_that_leaves_without_a_result_has_failed(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("import os; os._exit(3)"))

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.exit_code) == ("exit-without-result", 3)
    assert ended.error.description == "it ended with exit code 3 before its steps were done"


def test_a_child_that_is_killed_has_crashed(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("import os; os.kill(os.getpid(), 9)"))

    assert (ended.outcome, ended.signal) == ("crashed", 9)
    assert ended.error is not None
    assert ended.error.description == "it was killed by SIGKILL"


def test_a_child_told_to_stop_by_someone_else_has_crashed(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("import os, time; os.kill(os.getpid(), 15); time.sleep(60)"))

    assert ended.outcome == "crashed"
    assert ended.error is not None
    assert ended.error.code == "foreign-signal"


def test_the_environment_is_exactly_what_was_ordered(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "x")
    number = workshop.start(
        a_shell_step("/usr/bin/env", "see"),
        a_python_step("import os\nfor k, v in os.environ.items(): print(f'{k}={v}')", "look"),
        env={"PATH": os.defpath, "MODE": "full"},
        context={
            "slot": {"time": "2026-11-21T10:00:00Z"},
            "instance": {"attempt": 2},
            "target": {"name": "r1"},
        },
    )
    assert workshop.end_of(number).outcome == "succeeded"

    ours = {"RUNNER_JOB=a-job", "RUNNER_INSTANCE=1", "RUNNER_ATTEMPT=2", "RUNNER_SLOT=2026-11-21T10:00:00Z",
            "RUNNER_TARGET=r1", f"RUNNER_MARK={workshop.supervisor.mark}"}  # fmt: skip
    workdir = workshop.workdir(number)
    lines = workshop.lines()
    added_by_the_shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    for step in ("see", "look"):
        seen = {line for line in lines if line.partition("=")[0] not in added_by_the_shell}
        expected = {f"PATH={os.defpath}", "MODE=full", *ours, f"RUNNER_STEP={step}"}
        assert expected <= seen
    outputs = {f"RUNNER_OUTPUT={workdir}/.{step}.output" for step in ("see", "look")}
    told = {f"RUNNER_{name.upper()}={workdir}/.see.{name}" for name in ("state", "info", "progress")}
    assert seen == {*expected, "RUNNER_STEP=see", *outputs, *told}


def test_code_that_runs_after_a_program_sees_the_whole_environment_and_keeps_what_it_sets(
    workshop: Workshop,
) -> None:
    set_one = "import os\nos.environ['MODE'] = 'mine'"
    look = "import os, time\nprint(os.environ['MODE'], os.environ['RUNNER_STEP'], time.tzname[0])"
    ended = workshop.run(
        {"name": "first", "kind": "shell", "action": {"argv": ["/bin/true"]}},
        a_python_step(look, "before"),
        a_python_step(set_one, "change"),
        a_python_step(look, "after"),
        a_shell_step('echo "$MODE"', "program"),
        env={"PATH": os.defpath, "MODE": "full", "TZ": "XYZ-3"},
    )

    assert ended.outcome == "succeeded"
    assert workshop.lines() == ["full before XYZ", "mine after XYZ", "full"]


def test_a_program_with_a_bare_name_is_looked_for_on_the_path_of_its_instance(
    workshop: Workshop, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "greet"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho hello")
    program.chmod(0o755)
    step = {"name": "work", "kind": "shell", "action": {"argv": ["greet"]}}

    assert workshop.run(step, env={"PATH": f"{os.defpath}:{program.parent}"}).outcome == "succeeded"
    assert workshop.lines() == ["hello"]
    missing = workshop.run(step).error
    assert missing is not None
    assert missing.code == "program-not-found"


def test_no_descriptor_is_inherited(workshop: Workshop) -> None:
    os.set_inheritable(leak := os.open("/etc/hostname", os.O_RDONLY), True)
    look = """
import os
for fd in os.listdir('/proc/self/fd'):
    if os.path.lexists(f'/proc/self/fd/{fd}'):
        print(fd, os.readlink(f'/proc/self/fd/{fd}'))
"""
    workshop.run(a_python_step(look, "inside"), a_shell_step("ls /proc/self/fd | cat", "program"))
    os.close(leak)

    seen = [line.split() for line in workshop.lines()]
    inside = {words[0]: words[1].partition(":")[0] for words in seen if len(words) == 2}
    assert {k: inside[k] for k in ("0", "1", "2", "3")} == {
        "0": "/dev/null", "1": "pipe", "2": "pipe", "3": "socket"
    }  # fmt: skip
    assert set(inside) <= {"0", "1", "2", "3", "4"}
    assert [words[0] for words in seen if len(words) == 1] == ["0", "1", "2", "3"]  # 3 is ls's own


def test_the_working_directory_is_private_and_goes_with_the_instance(workshop: Workshop) -> None:
    script = "stat -c '%a %F' .; mkdir -p deep/er; echo x > deep/er/file; chmod 500 deep/er"
    ended = workshop.run(a_shell_step(script))

    assert ended.outcome == "succeeded"
    assert workshop.lines() == ["700 directory"]
    assert not workshop.workdir(1).exists()


def test_a_working_directory_is_kept_when_asked(workshop: Workshop) -> None:
    workshop.run(a_shell_step("echo x > file"), keep_workdir=True)

    assert (workshop.workdir(1) / "file").read_text() == "x\n"
    again = workshop.run(a_shell_step("cat file"), workdir=str(workshop.workdir(1)))
    assert again.outcome == "succeeded"
    assert not workshop.workdir(1).exists()


def test_a_link_is_never_taken_as_working_directory(workshop: Workshop) -> None:
    (workshop.state / "work").mkdir()
    workshop.workdir(1).symlink_to(workshop.state)

    ended = workshop.run(a_shell_step("true"), keep_workdir=True)

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert ended.error.code == "workdir"


def test_one_jobs_modules_are_not_seen_by_another(workshop: Workshop) -> None:
    copy = workshop.state / "tools.py"
    copy.write_text("VALUE = 1\n")
    first = workshop.run(
        a_python_step("import tools; return {'v': tools.VALUE}"), libraries={"tools": {"tools.py": str(copy)}}
    )
    copy.write_text("VALUE = 2\n")
    second = workshop.run(
        a_python_step("import tools; return {'v': tools.VALUE}"), libraries={"tools": {"tools.py": str(copy)}}
    )
    third = workshop.run(a_python_step("import tools"))

    assert (first.outcome, second.outcome, third.outcome) == ("succeeded", "succeeded", "failed")
    seen = [r.outputs for r in workshop.reports if isinstance(r, StepReported) and r.event == "complete"]
    assert seen == [{"v": 1}, {"v": 2}]


def test_many_instances_run_side_by_side(workshop: Workshop) -> None:
    numbers = [workshop.start(a_python_step(f"return {{'n': {n}}}")) for n in range(60)]

    assert workshop.supervisor.running == 60
    for number in numbers:
        assert workshop.end_of(number).outcome == "succeeded"
    seen = [r.outputs["n"] for r in workshop.reports if isinstance(r, StepReported) and r.outputs]
    assert sorted(seen) == list(range(60))
    assert workshop.supervisor.running == 0


def test_an_order_larger_than_a_socket_buffer_arrives_whole(workshop: Workshop) -> None:
    ended = workshop.run(
        a_python_step("return {'size': len(inputs['text'])}"), context={"inputs": {"text": "x" * 2_000_000}}
    )

    assert ended.outcome == "succeeded"
    assert [r.outputs for r in workshop.reports if isinstance(r, StepReported) and r.outputs] == [
        {"size": 2_000_000}
    ]


def test_an_order_that_is_not_json_fails_its_own_instance(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("pass"), context={"inputs": {"when": object()}})

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert ended.error.code == "not-started"


def test_stored_errors_make_the_instance_fail() -> None:
    end = {"m": "end", "outcome": "succeeded", "outputs": {}}
    asked = {"status": 0, "violation": None, "stop_why": None, "step": None}
    assert decide_outcome(end, errors=0, **asked).outcome == "succeeded"
    verdict = decide_outcome(end, errors=2, **asked)
    assert verdict.outcome == "failed"
    assert verdict.error is not None
    assert verdict.error.description == "the job stored 2 errors"


def test_a_memory_limit_ends_the_step_with_a_reason(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("x = bytearray(2**30)"), limits={"memory": "512MiB"})

    assert ended.outcome == "failed"
    assert ended.error is not None
    assert "emory" in ended.error.code


def test_a_cpu_time_limit_is_named(workshop: Workshop) -> None:
    ended = workshop.run(a_python_step("while True: pass"), limits={"cpuTime": "1s"})

    assert (ended.outcome, ended.error and ended.error.code) == ("failed", "cpu-time")


def test_threads_and_exit_functions_of_the_job_finish_first(workshop: Workshop) -> None:
    source = """
import atexit, threading
atexit.register(lambda: print("at exit"))
event = threading.Event()
threading.Thread(target=lambda: (event.wait(), print("thread"))).start()
threading.Timer(0.05, event.set).start()
"""
    assert workshop.run(a_python_step(source)).outcome == "succeeded"
    assert workshop.lines() == ["thread", "at exit"]


def test_the_log_is_private(workshop: Workshop) -> None:
    workshop.run(a_shell_step("echo hello"))

    path = workshop.log_path(1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not [r for r in workshop.reports if isinstance(r, Raised)]
