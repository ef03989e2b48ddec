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
from runner.operations.drill_scene import Scene, set_scene
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


def a_scene(project: Path, trial: Trial, **more: int) -> Scene:
    folder = project / "scratch"
    folder.mkdir()
    return set_scene(
        folder,
        trial,
        project=project,
        given={},
        slot=None,
        with_side_effects=False,
        actor=Actor("ana"),
        now=datetime.now(UTC),
        **more,
    )


def drilled(project: Path, source: str, within_s: float = 300.0) -> Drilled:
    return drill_in(a_scene(project, a_trial(project, source)), project, within_s)


def drill_in(scene: Scene, project: Path, within_s: float = 300.0) -> Drilled:
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


FLEET = """\
apiVersion: jobs.runner/v1
kind: Inventory
metadata: {name: fleet}
spec: {targets: {edge-1: {}, edge-2: {}, edge-3: {}, edge-4: {}, edge-5: {}}}
"""


def a_fan_out(project: Path, source: str, fields: str) -> Trial:
    """Job `it` over five targets; `fields` are of its spec."""
    folder = project / "jobs.d"
    folder.mkdir()
    (folder / "fleet.yaml").write_text(FLEET)
    (folder / "it.py").write_text(textwrap.dedent(source))
    (folder / "it.yaml").write_text(
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: it}\nspec:\n  enabled: true\n"
        + textwrap.indent(textwrap.dedent(fields), "  ")
    )
    return find_trial("it", project=project, state=None, now=datetime.now(UTC))


def test_targets_are_killed_one_after_the_other_at_each_of_their_checkpoints(tmp_path: Path) -> None:
    trial = a_fan_out(
        tmp_path,
        """
        def run(job):
            while job.state.get("n", 0) < 2:
                job.state["n"] = job.state.get("n", 0) + 1
                job.checkpoint()
            if job.metadata.target == "edge-5":
                job.sleep(3600)  # nobody waits for that
            job.info["seen"] = job.metadata.target
            return {"n": job.state["n"]}
        """,
        """\
        tasks: {inventory: fleet, parallel: 5, waves: [1, 100%]}
        code: {file: it.py}
        """,
    )
    scene = a_scene(tmp_path, trial)
    assert scene.left_out == "2 of 5 targets"
    assert scene.notes == (
        "3 of 5 targets are drilled, one after the other: edge-1, edge-3, edge-5; --targets N drills more",
    )
    found = drill_in(scene, tmp_path)
    each = [("checkpoint",) * 2 + ("target",)] * 2 + [("checkpoint",) * 2 + ("sleep", "target")]
    assert [(c.step, c.kind) for c in found.checkpoints] == [
        (f"edge-{n}/run", kind) for n, kinds in zip((1, 3, 5), each, strict=True) for kind in kinds
    ]
    assert (found.verdict, found.missed) == ("proven", ())
    assert Kill(3, late=False) not in found.kills, "after the end of a target there is no process"
    assert Kill(3, late=True) in found.kills, "the beginning of the next one is done twice"


def test_a_target_that_forgets_is_named_with_the_value_that_differs(tmp_path: Path) -> None:
    trial = a_fan_out(
        tmp_path,
        """
        count = 0
        def run(job):
            global count
            for n in range(job.state.get("n", 0), 2):
                count += 1
                job.state["n"] = n + 1
                job.checkpoint()
            return {"count": count}
        """,
        """\
        tasks: {inventory: fleet}
        code: {file: it.py}
        """,
    )
    found = drill_in(a_scene(tmp_path, trial, most_targets=1), tmp_path)
    assert (found.verdict, found.kills[-1]) == ("refuted", Kill(1, late=False))
    assert found.differences[0].path == "steps.edge-1/run.outputs.count"


def test_a_target_that_fails_is_killed_before_its_failure_is_recorded_too(tmp_path: Path) -> None:
    trial = a_fan_out(
        tmp_path,
        "",
        """\
        tasks: {inventory: fleet, minSuccess: 1}
        steps:
          - {name: visit, shell: "[ $RUNNER_TARGET = edge-1 ]"}
        """,
    )
    found = drill_in(a_scene(tmp_path, trial, most_targets=2), tmp_path)
    assert (found.verdict, found.result.split(":")[0], found.missed) == ("proven", "PARTIALLY_SUCCEEDED", ())
    assert found.kills == (Kill(0, late=True), Kill(1, late=True))
