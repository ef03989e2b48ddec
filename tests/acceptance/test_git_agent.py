"""The git agent with a real daemon and a real repository."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import Project

sys.path.insert(0, str(Path(__file__).parents[1] / "git"))
from remotes import Upstream

APPLIED = "SELECT applied FROM sources WHERE applied = ?"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    found = Upstream(tmp_path / "elsewhere")
    found.commit({"jobs.d/one.yaml": found.job("one")})
    return found


@pytest.fixture
def here(tmp_path: Path) -> Project:
    (tmp_path / "here").mkdir()
    return Project(tmp_path / "here")


def test_a_repository_is_followed_through_bad_commits_and_a_killed_daemon(
    here: Project, upstream: Upstream
) -> None:
    up = ("--git", upstream.url, "--interval", "1h")
    with here.up(*up) as daemon:
        daemon.sees(r"source +main: following file:.* \(branch main, jobs\.d\), every 1h$")
        daemon.sees(r"source +main: applied main@[0-9a-f]{7}$")
        daemon.sees(r"idle +no start has a time")
        first = next(at for at, line in enumerate(daemon.lines) if "  idle  " in line)
        assert any("main: applied main@" in line for line in daemon.lines[:first])
        bad = upstream.commit({"jobs.d/one.yaml": "kind: Nonsense\n"})
        asked = here.run("reconcile", "--with-source", "--wait", bad, check=None)
        assert (asked.returncode, "main: InvalidDeclarations: " in asked.stdout) == (1, True)
        daemon.sees(
            r"SOURCE +main: .* \(InvalidDeclarations\); what is installed stays; mend the files and push"
        )
        assert here.rows("SELECT verb, approval FROM applies") == [
            {"verb": "up", "approval": "followed: main"}
        ]
        said = here.run("status", "-o", "json", check=1)
        (source,) = json.loads(said.stdout)["sources"]
        assert source["lastAttemptedRevision"] == f"main@sha1:{bad}"
        assert source["lastAppliedRevision"] != source["lastAttemptedRevision"]
        assert {each["type"]: each["status"] for each in source["conditions"]} == {
            "Ready": "False", "Reconciling": "False", "Stalled": "True",
            "Drifted": "False", "Partial": "False",
        }  # fmt: skip
        told = here.run("doctor", check=None).stdout
        assert re.search(
            rf"applied main@[0-9a-f]{{7}}; at main@{bad[:7]}: [1-9] errors? in the declarations", told
        )
        assert "mend the files and push: a newer commit overtakes this one" in told
        daemon.kill()
    newer = upstream.commit(
        {"jobs.d/one.yaml": upstream.job("one", "echo 2"), "jobs.d/two.yaml": upstream.job("two")}
    )
    with here.up(*up):
        here.until(APPLIED, newer)
        newest = upstream.commit({"jobs.d/two.yaml": None})
        assert (
            "main: ready: applied"
            in here.run("reconcile", "--with-source", "main", "--wait", newest[:9]).stdout
        )
        assert here.rows("SELECT name FROM objects WHERE removed_at IS NULL") == [{"name": "one"}]
    said = here.run("reconcile", "--with-source", check=1)
    assert "it was followed by a daemon with --git" in said.stderr


def test_declared_sources_are_followed_beside_the_folder_and_without_a_daemon_too(
    here: Project, upstream: Upstream
) -> None:
    here.declare(
        "runner.yaml",
        f"""\
        apiVersion: jobs.runner/v1
        kind: Runner
        metadata: {{name: runner}}
        spec:
          onInvalid: isolate
          sources:
            team: {{git: {{url: "{upstream.url}", interval: 1h}}}}
        """,
    )
    here.job("local", "true")
    here.run("reconcile", "--create")
    assert here.run("reconcile", "--with-source").stdout.startswith("team: ready: applied main@")
    with here.up():
        newer = upstream.commit({"jobs.d/two.yaml": upstream.job("two")})
        here.run("reconcile", "--with-source", "--wait", newer)
        names = here.rows("SELECT name FROM objects WHERE kind = 'Job' AND removed_at IS NULL ORDER BY name")
        assert [row["name"] for row in names] == ["local", "one", "two"]

        part = upstream.commit(
            {"jobs.d/one.yaml": "kind: Nonsense\n", "jobs.d/two.yaml": upstream.job("two", "date")}
        )
        said = here.run("reconcile", "--with-source", "team", "--wait", part, check=4)
        assert said.stdout.startswith("team: AppliedInPart: applied in part ("), said.stdout
        (source,) = json.loads(here.run("status", "-o", "json", check=1).stdout)["sources"]
        (partial,) = [each for each in source["conditions"] if each["type"] == "Partial"]
        assert (partial["status"], partial["reason"]) == ("True", "InvalidLeftAlone")
        assert "left as they are: Job/one" in partial["message"]
        assert "date" in here.run("jobs", "show", "two", "-o", "json").stdout
        here.declare("runner.yaml", "apiVersion: jobs.runner/v1\nkind: Runner\nmetadata: {name: runner}\n")
        here.until("SELECT 1 FROM events WHERE event = 'runner.updated'")
        assert here.run("reconcile", "--with-source", "other", check=1).stderr == (
            "Error: there is no git source other; there is team\n"
        )
    names = here.rows("SELECT name FROM objects WHERE kind = 'Job' AND removed_at IS NULL ORDER BY name")
    assert [row["name"] for row in names] == ["local", "one", "two"]
    gone = here.run("uninstall", "--source", "git:team", "--yes").stdout
    assert ("Job/one is uninstalled" in gone, "Job/two is uninstalled" in gone) == (True, True)
