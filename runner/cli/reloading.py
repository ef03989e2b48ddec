"""One reload in a process of its own: parsing hostile files and the parser's memory stay out of the daemon.

`python -P -m runner.cli.reloading ORDER` takes what to load as JSON, and prints one JSON object with the
outcome. The daemon calls it through `reload_apart`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.cli.options import Where
from runner.daemon.reloader import Reloaded
from runner.execution.processes import die_with_parent
from runner.git.repository import Commit
from runner.operations.checked_out import CheckedOut
from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.errors import AppliesNow, InvalidDeclarations, Refused, RunnerError, StalePlan

WATCHED = "the watched folder"
"""Who agreed to what a daemon applies: whoever may write there."""

LONGEST_RELOAD_S = 300
"""A tree that cannot be loaded in this time is told as a problem; the last good state goes on."""

LONGEST_TRACE = 20_000
"""Characters of what a dead loader said; the end says most."""


def reload_apart(
    tree: Path | CheckedOut, where: Where, *, colour: bool, allow_delete: int | None
) -> Reloaded:
    """Load, plan and apply the tree in a child process; an outcome in every case."""
    order = {
        "daemon": os.getpid(),
        "root": str(tree if isinstance(tree, Path) else tree.root),
        "project": str(where.project),
        "database": str(where.database),
        "colour": colour,
        "allow_delete": allow_delete,
        "git": None
        if isinstance(tree, Path)
        else {
            "source": tree.source,
            "path": tree.path,
            "sha": tree.commit.sha,
            "branch": tree.commit.branch,
            "verified": tree.verified,
        },
    }
    command = [sys.executable, "-P", "-m", "runner.cli.reloading", json.dumps(order)]
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_RELOAD_S,
            check=False,
            process_group=0,  # a Ctrl-C is for the daemon, which decides what it means
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Reloaded(False, f"the declarations could not be loaded: {problem}", cause="trouble")
    try:
        answer = json.loads(child.stdout)
        diagnostics = tuple(Diagnostic(**each) for each in answer.pop("diagnostics"))
        return Reloaded(**answer, diagnostics=diagnostics)
    except (ValueError, TypeError):
        return _of_a_dead_loader(child.returncode, child.stderr.decode("utf-8", "replace").strip())


def _of_a_dead_loader(code: int, said: str) -> Reloaded:
    """It gave no answer: an error of this program, or someone killed it; the files are not to blame."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    last = said.splitlines()[-1:]
    text = f"the loader {how}: {last[0]}" if last else f"the loader {how}"
    return Reloaded(False, text, cause="trouble", trace=said[-LONGEST_TRACE:])


def main(order: Mapping[str, Any]) -> None:
    """Reload once, and say what came of it."""
    root, git = Path(order["root"]), order["git"]
    tree: Path | CheckedOut = root
    if git is not None:
        commit = Commit(git["sha"], git["branch"], dirty=False)
        tree = CheckedOut(root, git["source"], git["path"], commit, git["verified"])
    where = Where(Path(order["project"]), Path(order["database"]))
    try:
        outcome = _reload(tree, where, colour=order["colour"], allow_delete=order["allow_delete"])
    except InvalidDeclarations as problem:
        outcome = Reloaded(False, str(problem), problem.diagnostics, cause="invalid")
    except Refused as problem:
        passes = isinstance(problem, AppliesNow | StalePlan)  # by itself, so it is tried again
        outcome = Reloaded(False, str(problem), cause="trouble" if passes else "refused")
    except (RunnerError, OSError) as problem:
        outcome = Reloaded(False, str(problem), cause="trouble")
    answer: dict[str, Any] = asdict(outcome)
    json.dump(answer, sys.stdout)


def _reload(tree: Path | CheckedOut, where: Where, *, colour: bool, allow_delete: int | None) -> Reloaded:
    from datetime import UTC, datetime

    from runner.access.permission import Actor
    from runner.cli.planning import shown_database
    from runner.cli.views.plan_text import plan_text, summary_of
    from runner.operations.audit import Approval
    from runner.operations.login_name import login_name
    from runner.operations.reconcile import left_alone, reconcile
    from runner.store.open import open_store

    store = open_store(where.database, create=True)
    try:
        planned, applied = reconcile(
            tree,
            where.project,
            store,
            Actor(login_name()),
            datetime.now(UTC),
            allow_delete=allow_delete,
            approval=Approval("up", WATCHED if isinstance(tree, Path) else tree.approval),
        )
        left = left_alone(planned, applied.plan)
        if left:
            done = summary_of(applied.plan) if applied.changed else "all else was already"
            which = ", ".join(left[:5]) + (", …" if len(left) > 5 else "")
            text = f"applied in part ({done}); left as they are: {which}"
            return Reloaded(False, text, planned.diagnostics, changed=applied.changed, cause="partial")
        text = plan_text(planned.plan, shown_database(where), colour=colour)
        return Reloaded(True, text, changed=applied.changed)
    finally:
        store.close()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    die_with_parent(signal.SIGKILL)  # what a daemon has begun that is gone changes nothing any more
    if os.getppid() == given["daemon"]:
        main(given)
