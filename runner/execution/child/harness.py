"""What does a freshly forked child do, from its first instruction to its last?

Everything here runs in the instance's own process; it never returns to the zygote's code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from gc import enable as enable_collection
from os import _exit, chdir, closerange, dup2, getpid, getppid, setsid
from signal import SIGKILL
from typing import Any, NoReturn

from runner.execution.actions.failure import ActionFailed
from runner.execution.child.interruption import INTERRUPTION, FallsAsleep, StepTimeout, StopRequested
from runner.execution.child.steps import Steps, as_error
from runner.execution.child.stream import Stream
from runner.execution.marks import MARK
from runner.execution.processes import adopt_orphans, die_with_parent
from runner.execution.protocol import CONTROL, decode

_HIGHEST_DESCRIPTOR = 1 << 20
_SIGKILL = int(SIGKILL)  # a plain number: an enum's is found through its class
_PROTOCOL_STATUS = 70  # EX_SOFTWARE, sysexits.h


def live(
    control: int,
    out: int,
    err: int,
    zygote: int,
    oom_score_was_changed: bool,
    get_ready: Callable[[], None] | None = None,
) -> NoReturn:
    """Be the instance whose streams these are, until its end."""
    status = _PROTOCOL_STATUS
    try:
        setsid()
        die_with_parent(_SIGKILL)
        if getppid() != zygote:
            _exit(status)  # it died before the kernel knew that we want to follow
        adopt_orphans()
        _take_descriptors(control, out, err)
        INTERRUPTION.arrive()
        if oom_score_was_changed:
            _reset_oom_score()
        if get_ready is not None:
            get_ready()
        enable_collection()
        status = run(Stream(), finish_interpreter)
    except BaseException as error:
        _complain(error)
    finally:
        _exit(status)


def _take_descriptors(control: int, out: int, err: int) -> None:
    dup2(out, 1)
    dup2(err, 2)
    dup2(control, CONTROL, False)
    closerange(CONTROL + 1, _HIGHEST_DESCRIPTOR)


def _reset_oom_score() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("0")
    except OSError:
        pass  # a container may forbid it


def run(stream: Stream, finish: Callable[[], None]) -> int:
    """Take the order, run its steps, say how it ended; the exit status."""
    line = stream.receive_line()
    order = _decoded(line)
    env = _environment(order)
    workdir = order["workdir"]
    stream.hold(b'{"m":"began","pid":%d}\n' % getpid())
    steps = Steps(order, env, stream)
    end: dict[str, Any] = {"m": "end", "outcome": "succeeded", "outputs": {}}
    completion = b""
    try:
        if order["make_workdir"]:
            _make(workdir)
        if order.get("limits"):
            from runner.execution.child.limits import restrict

            restrict(order, steps.warn)
        chdir(workdir)
        completion = steps.run()
        if steps.ran_code:
            finish()
        if steps.failed_with is not None:
            end.update(outcome="failed", error=steps.failed_with)
        else:
            end["outputs"] = steps.results()
    except StopRequested:
        end["outcome"] = "stopped"
    except FallsAsleep:
        end["outcome"] = "sleeping"
    except ActionFailed as failure:
        end.update(outcome="failed", error=as_error(failure))
    except EOFError:
        return _PROTOCOL_STATUS
    end["clean"] = order["make_workdir"] and not order.get("keep_workdir") and _leave(workdir)
    stream.send_line(completion + stream.line(end))
    return 0 if end["outcome"] in ("succeeded", "sleeping") else 1


def _decoded(line: bytes) -> dict[str, Any]:
    order: dict[str, Any] = decode(line)
    # Looked for once in the bytes: most orders have none, and need no walk through their values.
    order["has_templates"] = b"${{" in line
    return order


def _environment(order: Mapping[str, Any]) -> dict[str, str]:
    """Exactly what was ordered and the RUNNER_ names."""
    context = order["context"]
    slot = context.get("slot") or {}
    instance = context.get("instance") or {}
    env: dict[str, str] = {
        **order["env"],
        "RUNNER_JOB": order["job"],
        "RUNNER_INSTANCE": str(order["instance"]),
        "RUNNER_ATTEMPT": str(instance.get("attempt") or 1),
        "RUNNER_SLOT": str(slot.get("time") or ""),
        MARK: order["mark"],
    }
    target = context.get("target")
    if isinstance(target, dict):
        target = target.get("name")
    if target:
        env["RUNNER_TARGET"] = str(target)
    return env


def _make(workdir: str) -> None:
    """Make the working directory, or take the one that an earlier attempt kept."""
    try:
        try:
            os.mkdir(workdir, 0o700)  # noqa: PTH102 -- pathlib is not lean
        except FileNotFoundError:
            os.makedirs(workdir, 0o700, exist_ok=True)  # noqa: PTH103
        except FileExistsError:
            found = os.lstat(workdir)
            if found.st_uid != os.geteuid() or not os.path.isdir(workdir) or os.path.islink(workdir):  # noqa: PTH112, PTH114
                raise
    except OSError as error:
        raise ActionFailed("workdir", f"the working directory {workdir}: {error.strerror}", True) from None


def _leave(workdir: str) -> bool:
    """Remove the working directory if it is empty; else the supervisor does, which takes longer."""
    try:
        os.chdir("/")
        os.rmdir(workdir)  # noqa: PTH106
    except OSError:
        return False
    return True


def finish_interpreter() -> None:
    """What Python itself does at an end: wait for the job's threads, run its exit functions, flush."""
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        INTERRUPTION.armed = True  # a stop from now on; one from before came too late, the steps are done
        try:
            threading._shutdown()
        finally:
            INTERRUPTION.armed = False
    atexit = sys.modules.get("atexit")
    if atexit is not None:
        atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass


def _complain(error: BaseException) -> None:
    """Into the instance's log: an error of the harness itself, which the supervisor sees as a crash."""
    try:
        if isinstance(error, StopRequested | StepTimeout | BrokenPipeError | ConnectionResetError | EOFError):
            return
        import traceback

        text = "".join(traceback.format_exception(error))
        os.write(2, text.encode("utf-8", "backslashreplace"))
    except BaseException:  # noqa: S110 -- nothing is left to complain to
        pass
