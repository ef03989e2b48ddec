"""An external run outlives the daemon that began it: the next one takes its reports, at the same address."""

from __future__ import annotations

import http.client
import json
import os
import signal
from typing import Any

from tests.acceptance.running_daemon import Project, a_free_port

JOB = """\
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: payments}
    spec: {type: external, enabled: true}
    """


def post(port: int, path: str, body: Any, token: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def test_after_kill_9_of_the_daemon_the_run_goes_on_and_its_end_is_recorded(project: Project) -> None:
    port = a_free_port()
    project.declare("payments.yaml", JOB)
    project.declare(
        "runner.yaml",
        f"""\
        apiVersion: jobs.runner/v1
        kind: Runner
        metadata: {{name: runner}}
        spec: {{web: {{port: {port}}}}}
        """,
    )
    with project.up() as first:
        first.sees(r"  listen  ")
        token = project.run("token", "create", "billing", "--role", "reporter").stdout.strip()
        project.run("jobs", "trigger", "payments")
        status, task = post(port, "/api/v1/external/claims", {"job": "payments"}, token)
        assert status == 200
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(30)
    with project.up() as second:
        second.sees(r"  listen  ")
        path = task["report"]["url"].partition(str(port))[2]
        report = {"token": task["report"]["token"], "event": "finished", "outputs": {"paid": 3}}
        status, said = post(port, path, report, token)
        assert (status, said["state"]) == (200, "SUCCEEDED")
        rows = project.rows("SELECT state, epoch, crashes FROM job_instances")
        assert rows == [{"state": "SUCCEEDED", "epoch": 1, "crashes": 0}]
    assert token not in "\n".join([*first.lines, *second.lines])
    assert task["report"]["token"] not in "\n".join([*first.lines, *second.lines])
