"""`runner jobs drill`: real processes, killed with -9 after each checkpoint, and nothing of it is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.acceptance.running_daemon import PATIENCE_S, Project, until
from tests.imported_runner import Started, start_runner


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where temporary folders are made."""
    return tmp_path_factory.mktemp("scratch")


def start(project: Project, scratch: Path, *arguments: str) -> Started:
    return start_runner(
        "jobs",
        "drill",
        *arguments,
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch)},
    )


def drilled(project: Project, scratch: Path, *arguments: str) -> Said:
    """What it said; the temporary folder is empty afterwards."""
    out, err = (process := start(project, scratch, *arguments)).communicate(timeout=4 * PATIENCE_S)
    assert list(scratch.iterdir()) == []
    return Said(process.returncode, out, err)


def a_python_job(project: Project, body: str, code: str = "class: Counter", more: str = "") -> None:
    """Job `counter`, whose file has this in it."""
    project.declare("counter.py", body)
    project.declare(
        "counter.yaml",
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: counter}\nspec:\n"
        f"  enabled: true\n{more}  code: {{file: counter.py, {code}}}\n",
    )


COUNTER = """\
from runner import Job, Status

class Counter(Job):
    def prepare(self, params, status):
        return status or Status({"row": 0})

    def perform(self, status):
        status.state["row"] += 1
        self.info["rows.read"] = status.state["row"]
        self.persistent["last"] = status.state["row"]
        if status.state["row"] == 3:
            return Status(status.state, complete=True, outputs={"rows": 3})
        return status
"""


def test_a_class_that_keeps_all_in_its_state_is_proven_and_that_is_recorded(
    project: Project, scratch: Path
) -> None:
    a_python_job(project, COUNTER)
    project.run("reconcile", "--create")
    said = drilled(project, scratch, "counter")
    assert said.code == 0, said.err
    assert said.out.startswith("Job/counter is resumable: proven at digest sha256:")
    assert "(killed 7 times, after 3 of 3 checkpoints, " in said.out
    assert "before any              late: alike" in said.err
    assert "3/3 run (checkpoint)    at once: alike, late: alike" in said.err
    shown = json.loads(project.run("jobs", "show", "counter", "-o", "json").stdout)["drill"]
    assert (shown["verdict"], shown["current"], shown["checkpoints"], shown["kills"]) == (
        "proven",
        True,
        3,
        7,
    )
    assert "resumable    proven at digest sha256:" in project.run("jobs", "show", "counter").stdout
    assert not project.rows("SELECT id FROM job_instances"), "no run of it is in the history"


PAGE = Path(__file__).parents[2] / "docs" / "crash-drill.md"


def test_the_example_of_the_page_is_found_out_and_then_proven(project: Project, scratch: Path) -> None:
    code, told, proven = re.findall(r"```(?:python)?\n(.*?)```", PAGE.read_text(), re.DOTALL)[1:4]
    project.declare(
        "contacts.yaml",
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: contact-import}\nspec:\n  enabled: true\n"
        "  code: {file: contacts.py, class: ContactImport}\n",
    )
    project.declare("contacts.py", code)
    said = drilled(project, scratch, "contact-import")
    lines = [line for line in told.splitlines() if line not in said.err.splitlines() + said.out.splitlines()]
    assert [line for line in lines if "sha256:" not in line and " s, 4 checkpoints" not in line] == []
    code = code.replace('{"page": 0}', '{"page": 0, "rows": 0}').replace("        self.rows = 0\n", "")
    project.declare("contacts.py", code.replace("self.rows", 'status.state["rows"]'))
    said = drilled(project, scratch, "contact-import")
    assert said.out.split("sha256")[0] == proven.split("sha256")[0]


def test_a_job_that_cannot_go_on_tells_only_why(project: Project, scratch: Path) -> None:
    a_python_job(
        project,
        COUNTER.replace("        return status or", "        assert not status\n        return status or"),
    )
    said = drilled(project, scratch, "counter")
    assert said.code == 1
    assert "  result\n    - SUCCEEDED  " in said.out
    assert "steps.run" not in said.out
    assert "AssertionError" in said.out
    assert "It could not go on from what is recorded." in said.out


def test_a_proof_of_an_older_digest_is_told_by_show_and_doctor(project: Project, scratch: Path) -> None:
    a_python_job(project, COUNTER)
    project.run("reconcile", "--create")
    assert drilled(project, scratch, "counter", "--kills", "1").code == 0
    assert "drills" not in project.run("doctor").stdout
    a_python_job(project, COUNTER + "\n# changed\n")
    project.run("reconcile")
    assert (
        json.loads(project.run("jobs", "show", "counter", "-o", "json").stdout)["drill"]["current"] is False
    )
    assert "proven at an older digest" in project.run("jobs", "show", "counter").stdout
    assert "crash drills of an older digest: counter" in project.run("doctor").stdout


def test_what_only_the_process_remembers_is_found_with_the_path_and_what_to_change(
    project: Project, scratch: Path
) -> None:
    remembering = COUNTER.replace(
        "        return status or", "        self.total = 0\n        return status or"
    )
    remembering = remembering.replace('{"rows": 3}', '{"total": self.total}')
    remembering = remembering.replace("        self.info", "        self.total += 10\n        self.info")
    a_python_job(project, remembering)
    project.run("reconcile", "--create")
    said = drilled(project, scratch, "counter")
    assert said.code == 1
    assert "is NOT resumable" in said.out
    assert "at once after checkpoint 2 of 3 (run)" in said.out
    assert "steps.run.outputs.total\n    - 30  undisturbed\n    + 20  killed and resumed" in said.out
    assert "status.state of a class" in said.out
    assert "REFUTED at digest" in project.run("jobs", "show", "counter").stdout
    assert "not resumable, as their crash drills found: counter" in project.run("doctor").stdout


def test_work_that_is_done_twice_is_found_although_the_state_is_right(
    project: Project, scratch: Path
) -> None:
    a_python_job(
        project,
        """\
        def run(job):
            for n in range(job.state.get("n", 0), 3):
                with open("rows.txt", "a") as file:
                    file.write(f"{n}\\n")
                job.state["n"] = n + 1
                job.checkpoint()
            return {"n": job.state["n"]}
        """,
        "function: run",
        "  onCrash: resume\n  keepWorkdir: true\n",
    )
    said = drilled(project, scratch, "counter", "-o", "json")
    assert (said.code, said.json["verdict"]) == (1, "refuted"), said.out + said.err
    assert said.json["killed_at"] == {"after": 0, "late": True}
    assert said.json["differences"][0]["path"] == "files.workdir/rows.txt"
    assert "+0" in said.json["differences"][0]["diff"]
    assert "rename it at the end" in said.json["advice"]


def test_a_function_and_its_checkpoints_are_proven(project: Project, scratch: Path) -> None:
    a_python_job(
        project,
        """\
        def run(job):
            for n in range(job.state.get("n", 0), 2):
                job.state["n"] = n + 1
                job.checkpoint()
            return {"n": job.state["n"]}
        """,
        "function: run",
        "  onCrash: resume\n",
    )
    said = drilled(project, scratch, "counter", "-o", "json")
    assert (said.code, said.json["verdict"], len(said.json["kills"])) == (0, "proven", 5), said.err
    assert "there is no database" in said.json["notes"][0]


def test_a_durable_sleep_is_skipped_and_a_kill_in_it_is_drilled_too(project: Project, scratch: Path) -> None:
    a_python_job(
        project,
        """\
        def run(job):
            job.state.setdefault("since", "the beginning")
            job.sleep(86400)
            job.state["slept"] = True
            job.checkpoint()
            return {"slept": job.state["slept"]}
        """,
        "function: run",
        "  onCrash: resume\n",
    )
    said = drilled(project, scratch, "counter", "-o", "json")
    assert [c["kind"] for c in said.json["checkpoints"]] == ["sleep", "checkpoint"]
    assert (said.code, said.json["verdict"], len(said.json["kills"])) == (0, "proven", 5), said.out


@pytest.mark.parametrize("name", ["moves", "jobs.d/moves.yaml"])
def test_each_completed_step_is_a_checkpoint_and_files_in_roots_are_compared(
    project: Project, scratch: Path, name: str
) -> None:
    (project.folder / "in").mkdir()
    (project.folder / "in" / "a.csv").write_text("id,name\n1,ana\n2,bob\n")
    project.declare(
        "runner.yaml",
        "apiVersion: jobs.runner/v1\nkind: Runner\nmetadata: {name: here}\nspec:\n"
        "  roots: {in: {path: in}, out: {path: out, access: write}}\n",
    )
    project.declare(
        "moves.yaml",
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: moves}\nspec:\n  enabled: true\n"
        "  onCrash: resume\n  steps:\n"
        "    - {name: first, copy: {from: {root: in, path: a.csv}, to: {root: out, path: b.csv}}}\n"
        "    - {name: second, copy: {from: {root: out, path: b.csv}, to: {root: out, path: c.jsonl}}}\n",
    )
    said = drilled(project, scratch, name, "-o", "json")
    assert (said.code, said.json["verdict"]) == (0, "proven"), said.out + said.err
    assert said.json["checkpoints"] == [{"step": "first", "kind": "step"}]
    assert not (project.folder / "out").exists(), "the real root is not touched"


def test_a_step_that_does_harm_the_second_time_is_found(project: Project, scratch: Path) -> None:
    project.declare(
        "twice.yaml",
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: twice}\nspec:\n  enabled: true\n"
        "  onCrash: resume\n  keepWorkdir: true\n  steps:\n"
        "    - {name: first, shell: 'echo first >> lines'}\n"
        "    - {name: second, shell: 'echo second >> lines'}\n",
    )
    said = drilled(project, scratch, "twice")
    assert said.code == 1, said.out + said.err
    assert "just before checkpoint 1 was recorded" in said.out
    assert "files.workdir/lines" in said.out
    assert "      +first\n" in said.out
    assert "each completed step is a checkpoint" in " ".join(said.out.split())


def test_a_time_in_the_outputs_is_named_and_can_be_left_out(project: Project, scratch: Path) -> None:
    project.declare(
        "timed.yaml",
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: timed}\nspec:\n  enabled: true\n"
        "  steps:\n    - {name: first, shell: 'echo at=$(date +%s%N) >> $RUNNER_OUTPUT'}\n"
        "    - {name: second, shell: 'true'}\n",
    )
    said = drilled(project, scratch, "timed")
    assert said.code == 1
    assert "--ignore 'steps.first.outputs.at'" in " ".join(said.out.split())
    said = drilled(project, scratch, "timed", "--ignore", "steps.first.outputs.at")
    assert (said.code, said.out.splitlines()[1]) == (0, "  not compared: steps.first.outputs.at")


def test_a_job_of_one_shell_step_has_nothing_to_resume(project: Project, scratch: Path) -> None:
    project.job("plain", "true")
    said = drilled(project, scratch, "plain")
    assert (said.code, said.out.splitlines()[0]) == (
        0,
        "Job/plain has nothing to resume: it makes no checkpoint",
    )


def test_a_job_that_fails_undisturbed_is_not_drilled(project: Project, scratch: Path) -> None:
    project.job("bad", "echo no such luck; exit 3", more="retry: backoff")
    said = drilled(project, scratch, "bad")
    assert said.code == 1
    assert "cannot be drilled: undisturbed it ended as FAILED: " in said.out
    assert "    | work: no such luck" in said.out


def test_a_job_that_reaches_out_is_refused_unless_that_is_wanted(project: Project, scratch: Path) -> None:
    project.declare(
        "api.yaml",
        "apiVersion: jobs.runner/v1\nkind: Authorization\nmetadata: {name: api}\n"
        "spec: {config: {token: {from: {env: HOME}}}}\n",
    )
    project.job("needy", "true", more="env: {TOKEN: {authorization: api, key: token}}")
    said = drilled(project, scratch, "needy")
    assert (said.code, said.out) == (3, "")
    assert "Refused: Job/needy uses Authorization/api (env.TOKEN)" in said.err
    assert "--with-side-effects" in said.err
    assert drilled(project, scratch, "needy", "--with-side-effects").code == 0


def test_of_many_checkpoints_some_are_chosen_and_named(project: Project, scratch: Path) -> None:
    a_python_job(project, COUNTER.replace("== 3", "== 200").replace('{"rows": 3}', '{"rows": 200}'))
    said = drilled(project, scratch, "counter", "--kills", "5")
    assert said.code == 0, said.out + said.err
    assert "chosen evenly           0, 100, 200 of 200 checkpoints" in said.err


def test_when_the_time_is_over_it_says_how_far_it_came(project: Project, scratch: Path) -> None:
    project.job("slow", "sleep 60")
    said = drilled(project, scratch, "slow", "--within", "1s")
    assert said.code == 4
    assert "Job/slow is not proven: the time was over before the first kill" in said.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_and_leaves_nothing(project: Project, scratch: Path, number: int) -> None:
    mark = project.folder / "began"
    project.job("slow", f"echo $$ >> {mark}; sleep 60")
    process = start(project, scratch, "slow")
    until(lambda: mark.exists() and mark.read_text().endswith("\n"), "the job began")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err.splitlines()[-1]) == (130, "", "Interrupted.")
    assert list(scratch.iterdir()) == []
    pid = int(mark.read_text().split()[0])
    until(lambda: not Path(f"/proc/{pid}").exists(), "its program is gone")


def test_an_interrupt_among_the_kills_leaves_nothing_either(project: Project, scratch: Path) -> None:
    a_python_job(project, COUNTER.replace("== 3", "== 50").replace('{"rows": 3}', '{"rows": 50}'))
    process = start(project, scratch, "counter")
    assert process.stderr is not None
    assert any("before any" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err.splitlines()[-1]) == (130, "", "Interrupted.")
    assert list(scratch.iterdir()) == []
