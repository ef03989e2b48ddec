"""However an instance ends, nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from execution_builders import Workshop, a_shell_step

from runner.execution.marks import kill_marked, mark_of
from runner.execution.order import Ended
from runner.execution.processes import is_gone, started_ticks


def escaping(path: Path) -> str:
    """A script whose grandchild is in a session of its own, without one variable of its instance."""
    return (
        "env -i /usr/bin/setsid /bin/sh -c "
        f"'/bin/sleep 1000 & echo $! > {path}.new; /bin/mv {path}.new {path}' "
        f"</dev/null >/dev/null 2>&1; "
        f"while [ ! -e {path} ]; do :; done"
    )


def test_what_a_step_left_in_the_background_ends_with_the_instance(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    ended = workshop.run(a_shell_step(f"sleep 1000 & echo $! > {file}"))

    assert ended.outcome == "succeeded"
    assert is_gone(int(file.read_text()), None)


def test_a_grandchild_in_its_own_session_ends_with_the_instance(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    ended = workshop.run(a_shell_step(escaping(file)))

    assert ended.outcome == "succeeded"
    assert is_gone(int(file.read_text()), None)


def test_a_background_process_lives_as_long_as_its_instance(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    ended = workshop.run(a_shell_step(escaping(file), "serve"), a_shell_step(f"kill -0 $(cat {file})", "use"))

    assert ended.outcome == "succeeded"


def test_one_instances_end_leaves_the_others_alone(workshop: Workshop) -> None:
    ready, gate = workshop.state / "pid", workshop.state / "gate"
    os.mkfifo(gate)
    other = workshop.start(a_shell_step(f"{escaping(ready)}; read line < {gate}; kill -0 $(cat {ready})"))
    workshop.until_file(ready)

    assert workshop.run(a_shell_step("sleep 1000 &")).outcome == "succeeded"
    gate.write_text("go\n")
    assert workshop.end_of(other).outcome == "succeeded"


def test_a_killed_child_takes_its_descendants_along(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    number = workshop.start(a_shell_step(f"{escaping(file)}; sleep 1000"))
    left = int(workshop.until_file(file))
    os.kill(workshop.pid_of(number), signal.SIGKILL)

    ended = workshop.end_of(number)
    assert (ended.outcome, ended.signal) == ("crashed", 9)
    assert is_gone(left, None)


_DAEMON = """
    import asyncio, os, subprocess, sys
    from pathlib import Path
    from runner.execution.order import Ended, Order
    from runner.execution.supervisor import Supervisor
    state = Path(sys.argv[1])
    loop = asyncio.new_event_loop()
    own = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    def report(it):
        if isinstance(it, Ended):
            print(it.instance, it.outcome, own.poll(), flush=True)
            if it.instance == 2:
                start(3, "true")
    def start(instance, script):
        step = {"name": "work", "kind": "shell", "action": {"script": script}}
        supervisor.start(Order(instance=instance, epoch=1, job="j", steps=[step],
                               log_path=f"{state}/{instance}.log", env={"PATH": os.defpath}))
    supervisor = Supervisor(loop, state=state, report=report)
    start(1, sys.argv[2])
    start(2, "sleep 1000")
    print(supervisor.zygotes.pid_of("lean"), flush=True)
    loop.run_forever()
"""


def a_daemon(workshop: Workshop, script: str) -> tuple[subprocess.Popen[str], int]:
    """A supervisor in a process of its own, with that script as its first instance; and its zygote."""
    state = workshop.state / "daemon"
    state.mkdir()
    argv = [sys.executable, "-c", textwrap.dedent(_DAEMON), str(state), script]
    daemon = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert daemon.stdout is not None
    return daemon, int(daemon.stdout.readline())


def test_a_killed_zygote_leaves_nothing_and_another_takes_over(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    daemon, zygote = a_daemon(workshop, f"{escaping(file)}; sleep 1000")
    left = int(workshop.until_file(file))
    os.kill(zygote, signal.SIGKILL)
    assert daemon.stdout is not None
    ends = [daemon.stdout.readline() for _ in range(3)]

    assert ends == ["1 crashed None\n", "2 crashed None\n", "3 succeeded None\n"]
    assert is_gone(left, None)
    assert is_gone(zygote, None)
    daemon.kill()
    daemon.communicate()


def test_a_killed_supervisor_leaves_nothing(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    daemon, zygote = a_daemon(workshop, f"{escaping(file)}; sleep 1000")
    left = int(workshop.until_file(file))
    daemon.kill()
    daemon.communicate()

    workshop.until_gone(left, zygote)


def test_a_supervisor_and_zygote_killed_together_leave_only_what_escaped_and_that_is_found(
    workshop: Workshop,
) -> None:
    file, program = workshop.state / "pid", workshop.state / "program"
    script = f"/usr/bin/setsid sleep 1000 & echo $! > {file}; echo $$ > {program}; sleep 1000"
    daemon, zygote = a_daemon(workshop, script)
    left = int(workshop.until_file(file))
    shell = int(workshop.until_file(program))
    started = started_ticks(left)
    os.kill(zygote, signal.SIGSTOP)  # so that it cannot clean up in between
    daemon.kill()
    daemon.communicate()
    os.kill(zygote, signal.SIGKILL)
    workshop.until_gone(zygote, shell)

    kill_marked(mark_of(workshop.state / "daemon"))
    assert is_gone(left, started)


def test_closing_the_supervisor_ends_everything(workshop: Workshop) -> None:
    file = workshop.state / "pid"
    number = workshop.start(a_shell_step(f"{escaping(file)}; sleep 1000"))
    left = int(workshop.until_file(file))
    pid = workshop.pid_of(number)
    workshop.supervisor.close()

    assert is_gone(left, None)
    assert is_gone(pid, None)
    assert not [r for r in workshop.reports if isinstance(r, Ended)]
    assert not workshop.workdir(number).exists()


def test_descriptors_do_not_pile_up(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        workshop.run(a_shell_step("echo x"))

    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3  # those of a child that waits
