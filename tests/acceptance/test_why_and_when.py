"""A daemon that is killed and started again, and what the record says about the time between."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.acceptance.running_daemon import Project, until


def ask(project: Project, at: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(project.run("jobs", "why", "tick", at, "-o", "json").stdout)
    return answer


def test_a_start_that_a_dead_daemon_missed_is_explained_and_can_be_made_good(project: Project) -> None:
    project.job("tick", "true", schedule="{every: 1s}", more="missed: {policy: none}")
    with project.up() as up:
        project.until("SELECT id FROM job_instances WHERE state = 'SUCCEEDED'")
        up.kill()
    [last] = project.rows("SELECT max(slot_at) AS at FROM slots")
    missed = datetime.fromisoformat(last["at"]).timestamp() + 2
    until(lambda: datetime.now(UTC).timestamp() > missed + 1.5, "a slot has passed that nobody saw")
    slot = datetime.fromtimestamp(missed, UTC).isoformat(timespec="seconds")
    assert ask(project, slot)["answer"] == "daemon-down"
    with project.up():
        decided = "SELECT 1 FROM slots WHERE decision = 'skipped' AND rule = 'missed-none' AND slot_at >= ?"
        project.until(decided, f"{slot[:19]}.000Z")
        answer = ask(project, slot)
        assert (answer["answer"], answer["rule"]) == ("skipped", "missed-none")
        assert answer["blocker"].startswith("the daemon was down from ")
        project.run("jobs", "backfill", "tick", "--from", slot, "--to", slot)
        project.until("SELECT id FROM job_instances WHERE origin = 'manual' AND state = 'SUCCEEDED'")
    again = project.run("jobs", "backfill", "tick", "--from", slot, "--to", slot, "-o", "json")
    filled = json.loads(again.stdout)
    assert filled[0]["left_out"].startswith("it succeeded (instance ")
    first, second = project.rows("SELECT began_by, ended_by, boot_id FROM presence ORDER BY id")
    assert (first["ended_by"], second["ended_by"]) == ("lost", "stop")
    assert first["boot_id"] == second["boot_id"]
