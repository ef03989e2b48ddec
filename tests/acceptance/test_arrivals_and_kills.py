"""What arrives at a daemon that is killed in the midst of it: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from pathlib import Path

from runner.access.signature import signature
from tests.acceptance.running_daemon import Project, a_free_port

SECRET = "a secret of the shop, long enough"
REQUESTS, FILES = 12, 40

RUNNER = """\
    apiVersion: jobs.runner/v1
    kind: Runner
    metadata: {{name: runner}}
    spec:
      web: {{port: {port}}}
      roots: {{incoming: {{path: incoming, access: write}}}}
    ---
    apiVersion: jobs.runner/v1
    kind: Authorization
    metadata: {{name: shop}}
    spec: {{config: {{secret: {{from: {{file: shop.secret}}}}}}}}
    """
COUNTING = """\
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: counting}
    spec:
      enabled: true
      schedule:
        trigger:
          file: {root: incoming, match: "*.txt", stableFor: 1s, then: move}
          consume: {linger: 1s}
      code: {file: counting.py, function: count}
      outputs: {sum: "${{ steps.run.outputs.sum }}"}
    """
CODE = """\
    def count(job):
        for item in job.items():
            with open(item.file["absolute"]) as file:
                job.state["sum"] = job.state.get("sum", 0) + int(file.read())
        return {"sum": job.state.get("sum", 0)}
    """


def send(port: int, id: str) -> int:
    body = json.dumps({"n": id}).encode()
    stamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "Webhook-Id": id,
        "Webhook-Timestamp": str(stamp),
        "Webhook-Signature": signature(SECRET, id, stamp, body),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/hooks/orders", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_kill_9_between_an_arrival_and_its_run_loses_and_repeats_nothing(project: Project) -> None:
    port = a_free_port()
    secret = Path(project.folder / "shop.secret")
    secret.write_text(SECRET)
    secret.chmod(0o600)
    project.declare("runner.yaml", RUNNER.format(port=port))
    project.declare("counting.py", CODE)
    project.declare("counting.yaml", COUNTING)
    hook = "{trigger: {webhook: {path: orders, secret: {authorization: shop, key: secret}}}}"
    project.job("take", 'echo "id=$ORDER" >> $RUNNER_OUTPUT', schedule=hook, more=_ORDER)
    project.job("follow", "true", schedule="{trigger: {job: {name: take}}}", more="onCrash: resume")
    project.job("boot", "true", schedule="{trigger: {startup: {}}}", more="onCrash: resume")
    incoming = project.folder / "incoming"
    incoming.mkdir()
    for n in range(FILES):
        (incoming / f"{n}.txt").write_text(str(n))
    with project.up() as first:
        first.sees(r"  listen  ")
        assert {send(port, f"m{n}") for n in range(REQUESTS)} == {202}
        project.until("SELECT 1 FROM arrivals WHERE kind = 'file' AND state != 'WAITING'")
        project.until("SELECT 1 FROM job_instances WHERE job = 'follow'")
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(60)
    with project.up() as second:
        second.sees(r"  listen  ")
        assert {send(port, f"m{n}") for n in range(REQUESTS)} == {202}  # as who was not answered would
        done = "SELECT kind, count(*) AS n FROM arrivals WHERE state = 'DONE' GROUP BY kind ORDER BY kind"
        expected = {"after": REQUESTS, "file": FILES, "startup": 2, "webhook": REQUESTS}
        project.until(done, holds=lambda rows: {row["kind"]: row["n"] for row in rows} == expected)
        unfinished = "SELECT id FROM job_instances WHERE completed_at IS NULL"
        project.until(unfinished, holds=lambda rows: not rows)
    ended = project.rows("SELECT job, outputs FROM job_instances WHERE state = 'SUCCEEDED'")
    orders = [json.loads(row["outputs"])["id"] for row in ended if row["job"] == "take"]
    assert sorted(orders) == sorted(f"m{n}" for n in range(REQUESTS))
    sums = [json.loads(row["outputs"])["sum"] for row in ended if row["job"] == "counting"]
    assert sum(sums) == sum(range(FILES))
    assert sorted(int(file.stem) for file in (incoming / "done").iterdir()) == [*range(FILES)]
    assert project.rows("SELECT count(*) AS n FROM arrivals WHERE state NOT IN ('DONE')") == [{"n": 0}]
    project.run("db", "check")


_ORDER = """
    inputs: {n: {type: string, required: true}}
    env: {ORDER: "${{ inputs.n }}"}
    onCrash: resume
    outputs: {id: "${{ steps.work.outputs.id }}"}
    """
