"""What may one step see, and what may it say?

Lean on purpose: the zygote imports this before it forks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.execution.child.environment import look_on_path
from runner.execution.child.spawn import run_program

Say = Callable[[dict[str, Any]], None]
"""Sends one message to the supervisor."""

Commit = Callable[[str, dict[str, Any]], None]
"""Sends what a step's code wants kept, and returns when it is durable."""


Take = Callable[[str, int], list[dict[str, Any]]]
"""Asks for at most so many items that a step's code is to work on."""


def nobody_gives(_step: str, _most: int) -> list[dict[str, Any]]:
    """For a step without a supervisor."""
    return []


def nobody_keeps(_step: str, _record: dict[str, Any]) -> None:
    """For a step without a supervisor."""


PROGRESS_EVERY_S = 0.1
"""Between two words of progress: a loop may say it a million times."""


class StepContext:
    """One step of one instance, as its action sees it.

    `env` is the exact environment for programs (with the RUNNER_ names); `os.environ` has the same.
    `workdir` is private to the instance and the current directory. `files` and `libraries` map what the
    declaration names to the paths of the pinned copies, which are only to be read: `files[path]` and
    `libraries[name][module_file]`. `connections[name]` has `url`, and `user`, `password`, … where they are
    known. `roots[name]` has `path` and `access`. `variables` is what expressions see: inputs, slot, job,
    instance, target, steps, trigger, env. `timeout_s` is the step's own limit; it is enforced by an
    exception that is not an `Exception`, so nothing is left to do but to clean up in `finally`.
    """

    __slots__ = (
        "_next_progress",
        "attempt",
        "commit",
        "connections",
        "env",
        "files",
        "instance",
        "job",
        "libraries",
        "name",
        "output_path",
        "ran_program",
        "record",
        "roots",
        "saved",
        "say",
        "take",
        "timeout_s",
        "unsaid",
        "variables",
        "workdir",
    )

    def __init__(
        self,
        *,
        name: str,
        job: str,
        instance: int,
        attempt: int,
        env: dict[str, str],
        workdir: str,
        files: Mapping[str, str],
        libraries: Mapping[str, Mapping[str, str]],
        connections: Mapping[str, Mapping[str, Any]],
        roots: Mapping[str, Mapping[str, Any]],
        variables: Mapping[str, Any],
        timeout_s: float | None,
        output_path: str,
        say: Say,
        commit: Commit = nobody_keeps,
        take: Take = nobody_gives,
        saved: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.job = job
        self.instance = instance
        self.attempt = attempt
        self.env = env
        self.workdir = workdir
        self.files = files
        self.libraries = libraries
        self.connections = connections
        self.roots = roots
        self.variables = variables
        self.timeout_s = timeout_s
        self.output_path = output_path
        """The file that `$RUNNER_OUTPUT` names; it does not exist before a program writes it."""
        self.ran_program = False
        self.say = say
        self.commit = commit
        self.take = take
        self.saved: dict[str, Any] = {} if saved is None else saved
        """What is recorded of the instance (`Order.saved`), kept up to date by the code that commits."""
        self.record: dict[str, Any] | None = None
        """What is to be recorded together with the step's completion."""
        self.unsaid: str | None = None
        self._next_progress = 0.0

    def log(self, text: str) -> None:
        """Write a line (or several) to the instance's log."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def warn(self, description: str, *, code: str = "warning", info: Mapping[str, Any] | None = None) -> None:
        """Store a warning with the instance; the step goes on, and the instance may still succeed."""
        self.say(_raised("warning", code, description, info))

    def error(self, description: str, *, code: str = "error", info: Mapping[str, Any] | None = None) -> None:
        """Store an error with the instance; the step goes on, but the instance will not be SUCCEEDED."""
        self.say(_raised("error", code, description, info))

    def progress(self, text: str) -> None:
        """Say how far the work is; only the latest is kept."""
        self.unsaid = str(text)[:500]
        if time.monotonic() >= self._next_progress:
            self._next_progress = time.monotonic() + PROGRESS_EVERY_S
            self.flush_progress()

    def flush_progress(self) -> None:
        """Send the latest progress that was held back."""
        if self.unsaid is not None:
            self.say({"m": "progress", "text": self.unsaid})
            self.unsaid = None

    def run_program(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        watch: Callable[[], None] | None = None,
    ) -> int:
        """Run a program to its end, its output going to the instance's log; its exit code, or -signal.

        `argv[0]` is looked up on PATH. `env` replaces `self.env`; `cwd` is `workdir` unless given. `watch`
        is called now and then while it runs. Raises
        ActionFailed (`program-not-found`, `program-not-executable`, `timeout`) and never leaves the program
        running.
        """
        self.ran_program = True
        if argv and "/" not in argv[0]:
            look_on_path(self.env)
        return run_program(argv, self.env if env is None else env, cwd or self.workdir, watch)


def _raised(severity: str, code: str, description: str, info: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "m": "raised",
        "severity": severity,
        "code": str(code)[:100],
        "description": str(description)[:4000],
        "info": dict(info or {}),
    }
