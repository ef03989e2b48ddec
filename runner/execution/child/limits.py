"""Under which limits does this instance run, and as whom? Applied by its own process, before any code of the
job; imported only where there are any."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Mapping
from shutil import copyfile
from typing import Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.processes import die_with_parent
from runner.vocabulary.duration import parse_duration, parse_size

CODE = ".code"
"""The folder in the working directory for copies of the job's files: only the owner reads the originals."""

LATER = (
    "atexit", "linecache", "random", "threading", "traceback",
    "runner.execution.actions.libraries", "runner.retries", "runner.sdk.drive",
)  # fmt: skip
"""What a child imports when it needs it; another user may not be able to read where it lies."""


def restrict(order: dict[str, Any], warn: Callable[[str, str], None]) -> None:
    """Limit this process as the order says, and become the user that it names.

    ActionFailed when a limit cannot be set. `warn` is told of a limit that has no effect here.
    """
    declared: Mapping[str, Any] = order["limits"]
    user = declared.get("user")
    limits = as_numbers(declared)
    if wanted := limits.get("processes"):
        uid = os.geteuid() if user is None else int(user["uid"])
        if uid == 0:
            text = "limits.processes does not bind root; give the job a user of its own with runAs"
            warn("limit-without-effect", text)
        # The kernel counts all that the user has, not what this instance has.
        limits["processes"] = wanted + processes_of(uid)
    if user is not None:
        _hand_over(order, int(user["uid"]), int(user["gid"]))
    try:
        _apply(limits)
        if user is not None:
            _import_what_comes_later(order)
            _become(int(user["uid"]), int(user["gid"]), [int(group) for group in user["groups"]])
    except (OSError, ValueError) as error:
        raise ActionFailed("limits", f"its limits cannot be set here: {error}") from None
    library = os.path.dirname(os.__file__)  # noqa: PTH120
    if user is not None and not os.access(library, os.R_OK | os.X_OK):
        text = (
            f"the user of runAs cannot read {library}, so Python code of the job can import hardly anything"
        )
        warn("run-as", f"{text}; install Python where everybody may read it")


def _import_what_comes_later(order: Mapping[str, Any]) -> None:
    for module in LATER:
        __import__(module)
    if order.get("has_templates") or any(step.get("if") for step in order["steps"]):
        from runner.execution.child.expressions import condition_holds

        condition_holds("true", {})  # the evaluator comes with the first expression


def as_numbers(declared: Mapping[str, Any]) -> dict[str, int]:
    """`memory` in bytes, `cpu` in seconds, `open_files`, `processes`, `nice`, `umask`, as far as declared."""
    limits: dict[str, int] = {}
    if memory := declared.get("memory"):
        limits["memory"] = parse_size(memory) if isinstance(memory, str) else memory
    if cpu := declared.get("cpuTime"):
        seconds = parse_duration(cpu).total_seconds() if isinstance(cpu, str) else cpu
        limits["cpu"] = max(1, round(seconds))
    for name, key in (("openFiles", "open_files"), ("processes", "processes"), ("nice", "nice")):
        if declared.get(name) is not None:
            limits[key] = int(declared[name])
    if umask := declared.get("umask"):
        limits["umask"] = int(umask, 8)
    return limits


def _hand_over(order: dict[str, Any], uid: int, gid: int) -> None:
    """Give the working directory to the user, with copies of the files that the job names."""
    workdir = order["workdir"]
    copies = f"{workdir}/{CODE}"
    groups: list[dict[str, str]] = [order.get("files") or {}, *(order.get("libraries") or {}).values()]
    if any(groups):
        os.makedirs(copies, 0o700, exist_ok=True)  # noqa: PTH103 -- pathlib is not lean
        os.chown(copies, uid, gid)
    for files in groups:
        for path, original in files.items():
            copy = f"{copies}/{os.path.basename(original)}"  # noqa: PTH119
            copyfile(original, copy)
            os.chmod(copy, 0o500)  # noqa: PTH101
            os.chown(copy, uid, gid)
            files[path] = copy
    os.chown(workdir, uid, gid)


def _apply(limits: Mapping[str, int]) -> None:
    """Limit this process and what it starts: `memory` in bytes of address space, `cpu` in seconds of each
    process, `open_files`, `processes` (of the user, whose other ones count too), `nice`, `umask`.
    """
    if memory := limits.get("memory"):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if cpu := limits.get("cpu"):
        # SIGXCPU at the soft limit names the cause; SIGKILL at the hard one cannot be caught.
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    if open_files := limits.get("open_files"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    if processes := limits.get("processes"):
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
    if (nice := limits.get("nice")) is not None:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    if (umask := limits.get("umask")) is not None:
        os.umask(umask)


def _become(uid: int, gid: int, groups: list[int]) -> None:
    """Be another user from now on, for good; only root can. Still ends with the parent."""
    parent = os.getppid()
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    die_with_parent(signal.SIGKILL)  # the kernel forgets it when credentials change
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def processes_of(uid: int) -> int:
    """How many processes and threads that user has now: the kernel's limit counts them all."""
    count = 0
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{entry}").st_uid == uid:  # noqa: PTH116
                count += len(os.listdir(f"/proc/{entry}/task"))  # noqa: PTH208
    return count
