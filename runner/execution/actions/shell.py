"""Runs a script or a program; its exit code decides, and lines in `$RUNNER_OUTPUT` are its outputs.

What it says and records otherwise stands in files too (`program_files`).

A script is run by `/bin/sh -e` (the first failing command ends it), or by the interpreter that its first
line names (`#!/usr/bin/env bash`). Values reach it through `env`, never by pasting into its text.

Lean on purpose: the zygote imports this before it forks.
"""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.outputs import read_outputs
from runner.execution.actions.program_files import ProgramFiles

if TYPE_CHECKING:
    from runner.execution.child.context import StepContext

NO_ROOM = "its user had as many processes and threads as it may have"
SHELL = ("/bin/sh", "-e")
"""As make and GitHub Actions run scripts: without -u, which breaks `$1` and optional variables."""


def perform(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    """Run it to its end; ActionFailed `exit-code` or `signal` when it did not succeed."""
    argv = _argv(action, step)
    folder = _workdir(action.get("workdir"), step)
    files = ProgramFiles(step)
    files.prepare()  # last: it takes items, which a program that cannot be started would not work on
    env = {**step.env, **files.paths}
    for name, value in (action.get("env") or {}).items():
        env[name] = _text(value)
    try:
        _run(action, step, argv, env, folder, files)
    except BaseException:
        files.rescue()
        raise
    step.record = files.finish()
    return read_outputs(step.output_path)


def _run(
    action: Mapping[str, Any],
    step: StepContext,
    argv: Sequence[str],
    env: Mapping[str, str],
    folder: str,
    files: ProgramFiles,
) -> None:
    code = step.run_program(argv, env=env, cwd=folder, watch=files.look)
    if code < 0:
        raise ActionFailed(
            "signal",
            f"{_what(action)} was killed by {_name_of(-code)}",
            retryable=True,
            info={"signal": -code},
        )
    if code not in (action.get("successCodes") or (0,)):
        raise ActionFailed(
            "exit-code",
            f"{_what(action)} ended with exit code {code}{_meaning(code)}{_no_room_for_another()}",
            retryable=True,
            exit_code=code,
        )


def _no_room_for_another() -> str:
    """Said of a program that failed while its user has as many processes as it may have: a shell that cannot
    start one only ends with an exit code.
    """
    import resource

    from runner.execution.child.limits import processes_of

    most, user = resource.getrlimit(resource.RLIMIT_NPROC)[0], os.geteuid()
    if user == 0 or most == resource.RLIM_INFINITY:
        return ""
    had = processes_of(user) + 2  # the program that has just ended, and this one, which /proc calls root's
    if had < most:
        return ""
    return f"; {NO_ROOM}: {most}"


def _argv(action: Mapping[str, Any], step: StepContext) -> Sequence[str]:
    if action.get("argv"):
        return [*map(_text, action["argv"])]
    arguments = [*map(_text, action.get("arguments") or ())]
    file = action.get("file")
    if file:
        copied = step.files[file]
        with open(copied, "rb") as opened:  # noqa: PTH123 -- pathlib is not lean
            return [*_interpreter(opened.read(1000)), copied, *arguments]
    script = str(action["script"])
    path = f"{step.workdir}/.{step.name}.script"
    with open(path, "w", encoding="utf-8") as written:  # noqa: PTH123
        written.write(script if script.endswith("\n") else script + "\n")
    return [*_interpreter(script[:1000].encode()), path, *arguments]


def _text(value: Any) -> str:
    """As YAML writes it: true and false, and nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _interpreter(beginning: bytes) -> Sequence[str]:
    """The program that the first line asks for, split as Linux does it: at most one argument."""
    first = beginning.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    if not first.startswith("#!"):
        return SHELL
    words = first[2:].strip().split(None, 1)
    return words if words else SHELL


def _workdir(declared: Any, step: StepContext) -> str:
    if not declared:
        return step.workdir
    folder = os.path.join(step.workdir, str(declared))  # noqa: PTH118
    if not os.path.isdir(folder):  # noqa: PTH112
        raise ActionFailed(
            "workdir-missing", f"workdir {folder} is not an existing folder; create or mount it"
        )
    return folder


def _what(action: Mapping[str, Any]) -> str:
    if action.get("argv"):
        return str(action["argv"][0])
    return str(action.get("file") or "the script")


def _name_of(number: int) -> str:
    try:
        return f"{signals.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"


def _meaning(exit_code: int) -> str:
    """What shells mean by it (POSIX 2.8.2)."""
    if exit_code == 127:
        return " (a command was not found)"
    if exit_code == 126:
        return " (a command could not be executed)"
    if 128 < exit_code < 160:
        return f" (a command was killed by {_name_of(exit_code - 128)})"
    return ""
