"""Jobs in Python under a real daemon: checkpoints are durable, and every end leads to the right place."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running_daemon import Project, until

IMPORT = """
import os, time
from runner import Job, Status

class ContactImport(Job):
    def prepare(self, params, status):
        return status or Status({"row": 0})

    def perform(self, status):
        row = status.state["row"]
        with open(params_of(self, "log"), "a") as file:
            file.write(f"{os.getpid()} {row}\\n")
        while row == 3 and not os.path.exists(params_of(self, "gate")):
            time.sleep(0.01)
        self.progress(row + 1, 5, "contacts")
        self.info["rows.read"] = row + 1
        self.persistent["last"] = row
        if row == 4:
            self.notify("success", "contacts", "all imported")
            return Status({"row": 5}, complete=True, outputs={"rows": 5})
        return Status({"row": row + 1})

def params_of(job, name):
    return job.params[name]
"""


def declare(project: Project, name: str, code: str, source: str, more: str = "", **values: Any) -> None:
    """A job with code in a file; the values are inputs with that default."""
    (project.folder / "jobs.d").mkdir(exist_ok=True)
    (project.folder / "jobs.d" / f"{name}.py").write_text(source)
    inputs = "".join(
        f"    {key}: {{type: string, default: {json.dumps(str(value))}}}\n" for key, value in values.items()
    )
    project.declare(
        f"{name}.yaml",
        "apiVersion: jobs.runner/v1\nkind: Job\n"
        f"metadata: {{name: {name}}}\nspec:\n  enabled: true\n{more}"
        + (f"  inputs:\n{inputs}" if inputs else "")
        + f"  code: {{file: {name}.py, {code}}}\n",
    )


def an_import(project: Project, more: str = "") -> tuple[Path, Path]:
    """A job of five checkpoints that waits in its fourth until a file is there; (its log, that file)."""
    log, gate = project.folder / "performed", project.folder / "gate"
    declare(project, "contacts", "class: ContactImport", IMPORT, more, log=log, gate=gate)
    return log, gate


def rows(log: Path) -> list[int]:
    return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []


def shown(project: Project, id: int = 1) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(project.run("instances", "show", str(id), "-o", "json").stdout)
    return shown


def test_an_undisturbed_job_leaves_its_outputs_and_what_it_said_and_no_state(project: Project) -> None:
    log, gate = an_import(project)
    gate.touch()
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "contacts")
        up.sees(r"ok +contacts #1")
    run = shown(project)

    assert rows(log) == [0, 1, 2, 3, 4]
    assert (run["state"], run["progress"], run["info"]) == ("SUCCEEDED", 1.0, {"rows": {"read": 5}})
    assert run["progress_said"] == {"done": 5, "total": 5, "text": "contacts"}
    [told] = run["notifications"]
    assert (told["level"], told["topic"], told["message"]) == ("success", "contacts", "all imported")
    assert "success contacts: all imported" in project.run("instances", "show", "1").stdout
    assert project.rows("SELECT outputs FROM steps") == [{"outputs": '{"rows":5}'}]
    assert project.rows("SELECT data FROM job_state_data") == []
    assert project.rows("SELECT data FROM job_persistent_data") == [{"data": '{"last":4}'}]
    project.run("db", "check")


def test_a_job_whose_process_is_killed_goes_on_from_its_last_checkpoint_with_the_same_id(
    project: Project,
) -> None:
    log, gate = an_import(project)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "contacts")
        until(lambda: rows(log) == [0, 1, 2, 3], "it waits in its fourth unit")
        [row] = project.until("SELECT pid FROM job_instances WHERE pid IS NOT NULL")
        os.kill(row["pid"], signal.SIGKILL)
        until(lambda: rows(log) == [0, 1, 2, 3, 3], "it is back")
        gate.touch()
        up.sees(r"ok +contacts #1")

    assert rows(log) == [0, 1, 2, 3, 3, 4]
    [run] = project.rows("SELECT state, attempt, epoch, crashes FROM job_instances")
    assert run == {"state": "SUCCEEDED", "attempt": 1, "epoch": 2, "crashes": 1}


def test_a_job_goes_on_after_the_kill_of_the_daemon(project: Project) -> None:
    log, gate = an_import(project)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "contacts")
        until(lambda: rows(log) == [0, 1, 2, 3], "it waits in its fourth unit")
        up.kill()
    [saved] = project.rows("SELECT data, step, n FROM job_state_data")
    assert saved == {"data": '{"row":3}', "step": "run", "n": 4}
    gate.touch()
    with project.up() as up:
        up.sees(r"ok +contacts #1")

    assert rows(log) == [0, 1, 2, 3, 3, 4]
    project.run("db", "check")


def test_a_stop_of_the_daemon_evicts_it_at_a_checkpoint_and_the_next_one_resumes_it(
    project: Project,
) -> None:
    source = """
def run(job):
    with open(job.params["log"], "a") as file:
        file.write(f"{job.metadata.attempt} {job.state.get('n', 0)}\\n")
    if not job.state:
        job.state["n"] = 7
        job.checkpoint()
        job.sleep(50)
    return {"n": job.state["n"]}
"""
    log = project.folder / "performed"
    declare(project, "waiter", "function: run", source, "  onCrash: resume\n", log=log)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "waiter")
        project.until("SELECT n FROM job_state_data")
        up.signal(signal.SIGTERM)
        up.wait()
    assert project.rows("SELECT state, reason FROM job_instances") == [
        {"state": "PAUSED", "reason": "eviction"}
    ]
    with project.up() as up:
        up.sees(r"ok +waiter #1")

    assert rows(log) == [0, 7]


def test_a_failed_run_keeps_its_state_and_the_next_one_goes_on_from_there(project: Project) -> None:
    source = """
import os
def run(job):
    job.state.setdefault("seen", []).append(job.metadata.instance)
    job.checkpoint()
    if not os.path.exists(job.params["gate"]):
        raise OSError("not yet")
    return {"seen": job.state["seen"]}
"""
    gate = project.folder / "gate"
    declare(project, "stubborn", "function: run", source, "  retry: none\n", gate=gate)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "stubborn")
        up.sees(r"FAILED +stubborn #1")
        assert [row["data"] for row in project.rows("SELECT data FROM job_state_data")] == ['{"seen":[1]}']
        gate.touch()
        project.run("jobs", "trigger", "stubborn")
        up.sees(r"ok +stubborn #2")

    assert project.rows("SELECT outputs FROM steps WHERE instance_id = 2") == [{"outputs": '{"seen":[1,2]}'}]
    assert project.rows("SELECT data FROM job_state_data") == []


def test_a_retry_goes_on_from_the_last_checkpoint(project: Project) -> None:
    source = """
def run(job):
    job.state["tries"] = job.state.get("tries", 0) + 1
    job.checkpoint()
    if job.state["tries"] < 2:
        job.info["why"] = "the first one never works"
        raise OSError("not yet")
    return {"tries": job.state["tries"]}
"""
    declare(project, "again", "function: run", source)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "again")
        up.sees(r"ok +again #1")

    assert project.rows("SELECT outputs FROM steps") == [{"outputs": '{"tries":2}'}]
    assert project.rows("SELECT attempt, epoch FROM job_instances") == [{"attempt": 2, "epoch": 2}]


def test_a_long_sleep_ends_the_process_and_the_same_instance_comes_back(project: Project) -> None:
    source = """
def run(job):
    with open(job.params["log"], "a") as file:
        file.write(f"- {job.state.get('n', 0)}\\n")
    job.state["n"] = 1
    job.sleep(61)
    return {}
"""
    log = project.folder / "performed"
    declare(project, "sleeper", "function: run", source, log=log)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "sleeper")
        [run] = project.until("SELECT * FROM job_instances WHERE reason = 'sleeping'")
        assert (run["state"], run["id"], run["attempt"]) == ("SCHEDULED", 1, 1)
        assert [step["state"] for step in project.rows("SELECT state FROM steps")] == ["PENDING"]
        [saved] = project.rows("SELECT wake_at FROM job_state_data")
        assert saved["wake_at"] == run["due_at"]
        up.kill()
    project.run("db", "check")
    wake_up(project)
    with project.up() as up:
        up.sees(r"ok +sleeper #1")
    assert rows(log) == [0, 1]
    [run] = project.rows("SELECT attempt, epoch, crashes FROM job_instances")
    assert run == {"attempt": 1, "epoch": 2, "crashes": 0}


def wake_up(project: Project) -> None:
    """As if the time had passed."""
    import sqlite3

    with sqlite3.connect(project.state / "runner.db") as connection:
        connection.execute("UPDATE job_instances SET due_at = '2026-01-01T00:00:00.000Z'")
    connection.close()


def test_a_job_that_asks_for_an_earlier_start_is_started_once_when_it_is_over(project: Project) -> None:
    source = """
import time
def run(job):
    if job.metadata.trigger == "manual":
        for _ in range(3):
            job.trigger_at(time.time() - 5)
            job.checkpoint()
    return {"trigger": job.metadata.trigger}
"""
    declare(project, "early", "function: run", source)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "early")
        up.sees(r"ok +early #1")
        up.sees(r"ok +early #2")

    runs = project.rows(
        "SELECT i.origin, i.state, s.outputs FROM job_instances i JOIN steps s ON s.instance_id = i.id"
    )
    assert [(run["origin"], run["state"], run["outputs"]) for run in runs] == [
        ("manual", "SUCCEEDED", '{"trigger":"manual"}'),
        ("job", "SUCCEEDED", '{"trigger":"job"}'),
    ]


@pytest.mark.long  # its code does not look at should_stop, so the grace of ten seconds passes
def test_a_bounced_run_goes_on_from_its_last_checkpoint_with_the_same_id(project: Project) -> None:
    log, gate = an_import(project)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "contacts")
        until(lambda: rows(log) == [0, 1, 2, 3], "it waits in its fourth unit")
        project.run("instances", "bounce", "1", "--reason", "new credentials")
        until(lambda: rows(log) == [0, 1, 2, 3, 3], "it is back")
        gate.touch()
        up.sees(r"ok +contacts #1")
    [run] = project.rows("SELECT state, attempt, epoch, crashes FROM job_instances")
    assert run == {"state": "SUCCEEDED", "attempt": 1, "epoch": 2, "crashes": 0}


def test_a_paused_run_ends_at_its_checkpoint_and_is_resumed_from_there(project: Project) -> None:
    log, gate = an_import(project)
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "contacts")
        until(lambda: rows(log) == [0, 1, 2, 3], "it waits in its fourth unit")
        project.run("instances", "pause", "1")
        gate.touch()
        project.until("SELECT 1 FROM job_instances WHERE state = 'PAUSED'")
        assert rows(log) == [0, 1, 2, 3]
        project.run("instances", "resume", "1")
        up.sees(r"ok +contacts #1")
    assert rows(log) == [0, 1, 2, 3, 4]
    project.run("db", "check")


def test_a_program_goes_on_from_its_file_after_the_kill_of_the_daemon(project: Project) -> None:
    gate, log = project.folder / "gate", project.folder / "log"
    script = f"""
    page=0; [ ! -e $RUNNER_STATE ] || page=$(cut -d= -f2 $RUNNER_STATE)
    echo "- $page" >> {log}
    echo page=7 > $RUNNER_STATE
    until [ -e {gate} ]; do sleep 0.02; done
    """
    project.job("pages", script, more="onCrash: resume")
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "pages")
        project.until("SELECT 1 FROM job_state_data")
        up.kill()
    gate.touch()
    with project.up() as up:
        up.sees(r"ok +pages #1")
    assert rows(log) == [0, 7]


def test_a_unit_of_work_that_is_too_long_ends_the_attempt_and_the_retry_goes_on_from_the_checkpoint(
    project: Project,
) -> None:
    source = """
import time
from runner import Job, Status

class Slow(Job):
    def perform(self, status):
        units = status.state.get("units", 0)
        while units == 1 and self.metadata.attempt == 1 and not self.should_stop:
            time.sleep(0.01)
        return Status({"units": units + 1}, complete=units == 2)
"""
    declare(project, "slow", "class: Slow", source, "  performTimeout: 1s\n")
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "slow")
        up.sees(r"slow #1 .*performTimeout")
        up.sees(r"ok +slow #1")
    assert project.rows("SELECT attempt, failures FROM job_instances") == [{"attempt": 2, "failures": 0}]
