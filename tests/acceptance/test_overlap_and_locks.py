"""Overlap, locks and limits of groups with a real daemon and real processes."""

from __future__ import annotations

from tests.acceptance.running_daemon import Project

WAITS_FOR_GO = "touch ../../began-$RUNNER_JOB; until [ -e ../../go ]; do sleep 0.02; done"


def states(project: Project) -> dict[int, str]:
    return {row["id"]: row["state"] for row in project.rows("SELECT id, state FROM job_instances")}


def test_a_queue_runs_one_after_the_other(project: Project) -> None:
    project.job(
        "slow", "mkdir ../../alone && sleep 0.05 && rmdir ../../alone", more="concurrency: {policy: queue}"
    )
    with project.up() as up:
        up.sees(r"idle")
        for _ in range(3):
            project.run("jobs", "trigger", "slow")
        project.until("SELECT 1 FROM job_instances WHERE state = 'SUCCEEDED'", holds=lambda r: len(r) == 3)
    assert states(project) == {1: "SUCCEEDED", 2: "SUCCEEDED", 3: "SUCCEEDED"}


def test_a_newer_start_takes_the_place_of_what_runs(project: Project) -> None:
    project.job("slow", WAITS_FOR_GO, more="concurrency: {policy: replace}")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "slow")
        up.sees(r"start +slow #1")
        project.run("jobs", "trigger", "slow")
        up.sees(r"start +slow #2")
        assert states(project)[1] == "REPLACED"
        (project.state / "go").touch()
        up.sees(r"ok +slow #2")
    [first] = project.rows("SELECT * FROM job_instances WHERE id = 1")
    assert (first["reason"], first["replaced_by"]) == ("replace", 2)
    assert "replaced" in project.run("instances", "show", "1").stdout.lower()


def test_jobs_that_share_a_lock_never_run_together_and_what_waits_says_for_what(project: Project) -> None:
    project.job("load", WAITS_FOR_GO, more="locks: [warehouse]")
    project.job("clean", "test ! -e ../../began-load || test -e ../../go", more="locks: [warehouse]")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        up.sees(r"start +load #1")
        project.run("jobs", "trigger", "clean")
        project.until("SELECT 1 FROM job_instances WHERE id = 2 AND locks = 'warehouse'")
        shown = project.run("instances", "show", "2").stdout
        assert "lock warehouse" in shown
        assert "instance 1 of load" in shown
        assert "lock warehouse" in project.run("status").stdout
        (project.state / "go").touch()
        up.sees(r"ok +clean #2")


def test_a_killed_daemon_leaves_no_lock_behind(project: Project) -> None:
    project.job("load", WAITS_FOR_GO, more="locks: [warehouse]")
    project.job("clean", "true", more="locks: [warehouse]")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        up.sees(r"start +load #1")
        up.kill()
    project.run("jobs", "trigger", "clean")
    with project.up() as up:
        up.sees(r"ok +clean #2")
    assert states(project)[1] == "FAILED"


def test_a_group_runs_so_many_of_its_members_at_once(project: Project) -> None:
    project.declare(
        "nightly.yaml",
        "apiVersion: jobs.runner/v1\nkind: Group\nmetadata: {name: nightly}\n"
        "spec: {enabled: true, limit: 1}\n",
    )
    for name in ("one", "two", "three"):
        script = "mkdir ../../alone && sleep 0.05 && rmdir ../../alone"
        project.job(name, script, more="groups: [nightly]")
    with project.up() as up:
        up.sees(r"idle")
        for name in ("one", "two", "three"):
            project.run("jobs", "trigger", name)
        project.until("SELECT 1 FROM job_instances WHERE state = 'SUCCEEDED'", holds=lambda r: len(r) == 3)
