"""A row that holds something else than what was written is told with its table, and the rest is shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from installations import NOW, Installation, a_group, a_job

from runner.store.errors import ErrorRecord
from runner.store.slots import SlotRecord
from runner.store.sqlite.columns import NAMES, TIMES
from runner.store.steps import NewStep

READING = (
    ("jobs", "list", "--all"),
    ("jobs", "list", "-o", "json"),
    ("jobs", "show", "report"),
    ("status",),
    ("instances", "list"),
    ("instances", "show", "1"),
    ("logs", "report"),
    ("state", "show", "report"),
    ("schedule", "next", "report"),
    ("schedule", "calendar"),
    ("jobs", "why", "report"),
    ("jobs", "items", "report"),
    ("history",),
    ("token", "list"),
    ("doctor",),
    ("db", "check"),
)
WRONG = {
    "TEXT": ("x", "[]", '{"a":{"b":[1]}}', "2026-01-01"),
    "INTEGER": (-1, 2**62),
    "REAL": (-1.0, 1e308),
    "BLOB": (b"x",),
}
SOUND = {"TEXT": "sound", "INTEGER": 1, "REAL": 0.5, "BLOB": b""}


@pytest.fixture
def lived(here: Installation) -> Installation:
    """Two jobs with runs in several states, and at least one row in every table."""
    here.install(
        a_group("nightly"), a_job("report", groups=["nightly"]), a_job("import", schedule={"every": "15m"})
    )
    runs = [here.run("report", state, key=state) for state in ("FAILED", "SUCCEEDED", "RUNNING")]
    here.run("import")
    here.hold("import", "operator", until=NOW + timedelta(days=3650))
    uid = here.uid("report")

    def live(tx: Any) -> None:
        for id in runs:
            tx.steps.create_all(id, "-", [NewStep("load", "shell")])
            tx.errors.add(ErrorRecord(id, NOW, "warning", "W1", "little space", {"free": 1}))
        tx.state.put(uid, runs[2], "-", {"page": 1}, at=NOW)
        tx.state.put_persistent(uid, {"known": 1}, at=NOW)
        tx.slots.set_watermark(uid, "default", NOW)
        tx.slots.decide(SlotRecord(uid, "default", "k", NOW, "skipped", "missed", None, NOW))
        tx.sessions.start("up", pid=1, host="h", boot_id="b", login="ana", at=NOW)
        tx.set_serial(0, source="jobs.d", tree_digest="d", commit=None, branch=None, dirty=False, at=NOW, who="t")  # fmt: skip  # noqa: E501

    here.store.transact(live)
    here.store.close()
    connection = sqlite3.connect(here.path, isolation_level=None)
    for table in [*NAMES, "meta", "arrival_feeds"]:
        if connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,):
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            row = {name: sound_value(name, kind, empty, table, uid) for _, name, kind, _, empty, _ in columns}
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])
    connection.close()
    return here


def sound_value(column: str, kind: str, empty: str | None, table: str, uid: str) -> object:
    if column in TIMES.get(table, ()):
        return "2026-11-21T10:00:00.000Z"
    known = {"job_uid": uid, "object_uid": uid, "state": "WAITING", "verdict": "proven", "job": "report"}
    return known.get(column, empty.strip("'") if empty in ("'{}'", "'[]'") else SOUND[kind])


def spoil(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


def spoilt(path: Path, table: str, *, with_all: bool) -> Iterator[str]:
    """Each column of a table with something else in it, one after the other: one wrong value, or all."""
    whole = path.read_bytes()
    connection = sqlite3.connect(path)
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    connection.close()
    for at, column, kind, *_ in columns:
        wrong = WRONG[kind]
        for value in wrong if with_all else wrong[at % len(wrong) :][:1]:
            try:
                spoil(path, f"UPDATE OR IGNORE {table} SET {column} = ?", value)
            except sqlite3.IntegrityError:
                continue
            yield f"{table}.{column} = {value!r}"
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            path.write_bytes(whole)


@pytest.mark.parametrize("with_all", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("table", sorted([*NAMES, "meta", "arrival_feeds"]))
def test_no_damage_ends_a_reading_command_in_a_traceback(
    lived: Installation, say: Callable, table: str, with_all: bool
) -> None:
    for at, where in enumerate(spoilt(lived.path, table, with_all=with_all)):
        for words in READING if with_all else READING[at % 3 :: 3]:
            said = say(*words)  # an exception would end the test
            assert said.code in (0, 1), (where, words)
            assert "Traceback" not in said.err


def test_a_job_that_means_nothing_is_told_and_the_others_are_listed(
    lived: Installation, say: Callable
) -> None:
    spoil(lived.path, "UPDATE revisions SET resolved = '{}' WHERE file = 'jobs.d/report.yaml'")
    told = (
        "Error: Job/report is damaged in table revisions (version is not there); `runner db check` looks for "
        "more; change its declaration and run `runner reconcile`, which writes it anew\n"
    )
    listed = say("jobs", "list", "-o", "name")
    assert (listed.code, listed.out, listed.err) == (1, "import\n", told)
    assert [job["name"] for job in say("jobs", "list", "-o", "json").json] == ["import"]
    shown = say("jobs", "show", "report")
    assert (shown.code, shown.out, shown.err) == (1, "", told)
    status = say("status")
    assert (status.code, told in status.err) == (1, True)
    assert "Jobs: 1 DISABLED" in status.out
    assert told.removeprefix("Error: ").rstrip() in say("doctor").out


def test_a_schedule_that_means_nothing_leaves_the_job_in_the_list(lived: Installation, say: Callable) -> None:
    connection = sqlite3.connect(lived.path)
    query = "SELECT resolved FROM revisions WHERE file = 'jobs.d/report.yaml'"
    (text,) = connection.execute(query).fetchone()
    connection.close()
    resolved = {**json.loads(text), "schedules": {"default": {"cron": "whenever"}}}
    spoil(lived.path, "UPDATE revisions SET resolved = ? WHERE file = 'jobs.d/report.yaml'", json.dumps(resolved))  # fmt: skip  # noqa: E501
    listed = say("jobs", "list", "-o", "name")
    assert (listed.code, listed.out) == (1, "import\nreport\n")
    assert "Error: Job/report is damaged in table revisions (schedule default: " in listed.err


def test_a_run_that_is_damaged_is_told_and_the_others_are_listed(lived: Installation, say: Callable) -> None:
    spoil(lived.path, "UPDATE job_instances SET inputs = '{' WHERE id = 2")
    listed = say("instances", "list", "-o", "name")
    assert (listed.code, listed.out) == (1, "4\n3\n1\n")
    assert listed.err.startswith("Error: run 2 of report is damaged in table job_instances (")
    assert "restore a backup that `runner db check --db FILE` finds whole" in listed.err


def test_what_decides_never_leaves_a_row_out(lived: Installation, say: Callable) -> None:
    spoil(lived.path, "UPDATE holds SET since = 'x'")
    said = say("jobs", "enable", "import")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Error: hold operator of object ")


def test_a_maintenance_holds_a_damaged_job_too(lived: Installation, say: Callable) -> None:
    spoil(lived.path, "UPDATE revisions SET resolved = '{}' WHERE file = 'jobs.d/report.yaml'")
    said = say("maintenance", "on", "--reason", "upgrade", "--yes")
    assert (said.code, "Job/report held" in said.out, "Job/import held" in said.out) == (0, True, True)
    assert "report: Job/report is damaged in table revisions" in said.err
    assert "Job/report unchanged" in say("maintenance", "on", "--reason", "upgrade", "--yes").out
    assert "Job/report released" in say("maintenance", "off", "--yes").out
    assert say("maintenance", "off", "--yes").err == "No maintenance is on; nothing was done.\n"


def test_a_group_is_switched_although_another_job_is_damaged(lived: Installation, say: Callable) -> None:
    spoil(lived.path, "UPDATE revisions SET resolved = '{}' WHERE file = 'jobs.d/import.yaml'")
    said = say("groups", "disable", "nightly", "--reason", "upgrade")
    assert (said.code, "Job/report disabled" in said.out) == (0, True)
    assert "nightly: Job/import is damaged in table revisions" in said.err
    assert "whether it belongs to the group is not known" in said.err


@pytest.mark.parametrize("wrong", ["{}", "{broken"])
def test_a_verb_on_a_group_acts_although_another_job_is_damaged_and_leaves_with_1(
    lived: Installation, say: Callable, wrong: str
) -> None:
    spoil(lived.path, "UPDATE revisions SET resolved = ? WHERE file = 'jobs.d/import.yaml'", wrong)
    said = say("jobs", "pause", "--group", "nightly")
    assert said.code == 1
    assert said.out.startswith("Job/report paused: ")
    assert said.err.startswith("Error: Job/import is damaged in table revisions (")
    assert "; it is left as it is\n" in said.err
    assert say("jobs", "resume", "-l", "!team", "--yes").out.startswith("Job/report resumed: ")
    assert say("jobs", "pause", "report", "import", "--yes").out == ""


@pytest.mark.parametrize("damage", ["'{}'", "json_set(resolved, '$.schedules', json('{\"a\": 7}'))"])
def test_a_changed_declaration_writes_a_damaged_job_anew(
    here: Installation, say: Callable, tmp_path: Path, damage: str
) -> None:
    here.store.close()
    file = tmp_path / "jobs.d" / "report.yaml"
    file.parent.mkdir()
    text = (
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: report}\n"
        "spec: {enabled: true, steps: [{name: run, shell: echo one}]}\n"
    )
    file.write_text(text)
    assert say("reconcile", str(file.parent)).code == 0
    spoil(here.path, f"UPDATE revisions SET resolved = {damage}")
    assert say("jobs", "list").code == 1
    assert say("plan", str(file.parent)).code == 0
    file.write_text(text.replace("one", "two"))
    assert say("plan", str(file.parent)).code == 0
    assert say("reconcile", str(file.parent)).code == 0
    listed = say("jobs", "list", "-o", "name")
    assert (listed.code, listed.out, listed.err) == (0, "report\n", "")


def test_a_job_that_cannot_be_read_at_all_stops_a_reconcile_with_a_sentence(
    here: Installation, say: Callable, tmp_path: Path
) -> None:
    here.install(a_job("report"))
    here.store.close()
    spoil(here.path, "UPDATE revisions SET resolved = '{'")
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "report.yaml").write_text(
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: report}\n"
        "spec: {enabled: true, steps: [{name: run, shell: echo one}]}\n"
    )
    said = say("reconcile", str(tmp_path / "jobs.d"))
    assert said.code == 1
    assert "Error: Job/report is damaged in table revisions (" in said.err
    assert "restore a backup that `runner db check --db FILE` finds whole" in said.err


def test_a_job_is_shown_although_what_its_drill_found_cannot_be_read(
    lived: Installation, say: Callable[..., Any]
) -> None:
    spoil(lived.path, "REPLACE INTO drills VALUES ('report', 'd', 'perhaps', 'x', 'ana', 1, 1, '{}', '[]')")
    said = say("jobs", "show", "report")
    assert (said.code, said.out.splitlines()[0].split()) == (1, ["name", "report"])
    assert "the crash drill of job report" in said.err
