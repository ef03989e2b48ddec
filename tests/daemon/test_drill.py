"""What a drill makes of runs that do not end, that make fewer checkpoints, and of a time that is over."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.access.permission import Actor
from runner.daemon import drill as module
from runner.daemon.clock import SystemClock
from runner.daemon.drill import Drill, Drilled
from runner.daemon.drilled_run import Run
from runner.operations.drill_ends import Difference
from runner.operations.drill_kills import Checkpoint, Kill
from runner.operations.drill_scene import CannotBeDrilled, check_drillable, set_scene
from runner.operations.prepare_trial import Trial, find_trial


class Quiet:
    """Nobody looks."""

    def undisturbed(self, run: Run) -> None: ...
    def chosen(self, kills: Sequence[Kill], checkpoints: Sequence[Checkpoint]) -> None: ...
    def killed(self, kill: Kill, run: Run, found: Sequence[Difference]) -> None: ...
    def once_more(self, found: Sequence[Difference]) -> None: ...


def a_trial(project: Path, source: str) -> Trial:
    """Job `it`, a function in a file."""
    folder = project / "jobs.d"
    folder.mkdir()
    (folder / "it.py").write_text(textwrap.dedent(source))
    (folder / "it.yaml").write_text(
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: it}\nspec:\n  enabled: true\n"
        "  onCrash: resume\n  code: {file: it.py}\n"
    )
    return find_trial("it", project=project, state=None, now=datetime.now(UTC))


def drilled(project: Path, source: str, within_s: float = 60.0) -> Drilled:
    trial = a_trial(project, source)
    folder = project / "scratch"
    folder.mkdir()
    scene = set_scene(
        folder,
        trial,
        project=project,
        given={},
        slot=None,
        with_side_effects=False,
        actor=Actor("ana"),
        now=datetime.now(UTC),
    )
    drill = Drill(scene, project, SystemClock(), Quiet(), most=100, within_s=within_s, ignored=())
    return drill.carry_out()


def test_a_killed_run_that_never_ends_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 1.0)
    found = drilled(
        tmp_path,
        """
        import time
        def run(job):
            while job.state:
                time.sleep(60)
            job.state["began"] = True
            job.checkpoint()
        """,
    )
    assert (found.verdict, found.kills[-1]) == ("refuted", Kill(1, late=False))
    assert found.differences[0].path == "result"
    assert found.differences[0].now.startswith("STILL RUNNING: after ")


def test_a_number_of_checkpoints_that_changes_by_itself_is_no_proof_against_the_job(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    found = drilled(
        tmp_path,
        f"""
        def run(job):
            with open({str(runs)!r}, "a+") as file:
                file.write("x")
                file.seek(0)
                count = len(file.read())
            for n in range(job.state.get("n", 0), 3 if count < 3 else 1):
                job.state["n"] = n + 1
                job.checkpoint()
            return {{}}
        """,
    )
    assert found.verdict == "unsteady"
    assert "differs from run to run" in found.advice


def test_a_time_that_is_over_is_no_verdict(tmp_path: Path) -> None:
    found = drilled(tmp_path, "import time\ndef run(job):\n    time.sleep(60)\n", within_s=0.5)
    assert (found.verdict, found.checkpoints, found.kills) == ("unfinished", (), ())


def test_a_job_over_an_inventory_is_not_drilled(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, "def run(job): ...")
    spec = dict(trial.document.resolved, tasks={"inventory": []})
    trial.document.resolved.update(spec)  # type: ignore[attr-defined]
    with pytest.raises(CannotBeDrilled, match="fans out over targets"):
        check_drillable(trial, with_side_effects=False)
