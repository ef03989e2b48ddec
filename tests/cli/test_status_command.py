"""`runner status`: exit 1 exactly when something needs a person."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from external_lives import an_external_job, minutes, report, time_passes, under_way
from installations import NOW, Installation, a_job, an_object

from runner.execution.order import Began
from runner.execution.processes import boot_id, ticks_now
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.operations.record_run import record_process
from runner.store.daemon_lock import daemon_lock
from runner.store.holds import HoldRecord
from runner.store.instances import NewInstance
from runner.store.port import Transaction
from runner.store.slots import SlotRecord
from runner.store.steps import NewStep
from runner.vocabulary.identity import Address
from runner.vocabulary.instants import to_the_second


def kinds(say: Callable) -> list[tuple[str, str]]:
    found = say("status", "-o", "json").json["findings"]
    return [(finding["kind"], finding["name"]) for finding in found]


def a_paused_run(here: Installation, job: str, why: str) -> int:
    id = here.run(job, "PAUSED")
    here.store.transact(lambda tx: tx.instances.update(id, epoch=1, pauses=(why,), reason=why))
    return id


def test_when_all_is_well_nothing_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    said = say("status")
    assert said.code == 0
    assert said.out == ("Jobs: 1 ASLEEP; 0 running, 0 waiting; no daemon runs.\nNothing needs a person.\n")


def test_the_daemon_is_named(here: Installation, say: Callable) -> None:
    with daemon_lock(here.state):
        assert say("status", "-o", "json").json["daemon"]["pid"] > 0


def test_a_drain_is_told_with_what_it_waits_for_and_is_a_problem_only_when_it_takes_long(
    here: Installation, say: Callable
) -> None:
    steps = [{"name": "copy", "shell": "true", "interruptible": False}]
    here.install(a_job("load", steps=steps))
    id = here.run("load", "RUNNING")
    here.store.transact(lambda tx: tx.steps.create_all(id, "-", [NewStep("copy", "shell", "")]))
    move = STEP.move("PENDING", "start")
    here.store.transact(lambda tx: tx.steps.move(id, "-", "copy", move, epoch=1, at=NOW, who="test"))
    with daemon_lock(here.state) as lock:
        lock.note_drain(datetime.now(UTC))
        said = say("status")
        assert said.code == 0
        assert f"it waits for run {id} of load (RUNNING), step copy, which is not interruptible" in said.out
        assert ", draining." in said.out
        assert say("status", "-o", "json").json["daemon"]["doing"] == "draining"
        lock.note_drain(datetime.now(UTC) - timedelta(hours=1))
        assert say("status").code == 1


def test_a_run_that_was_evicted_from_a_job_that_is_held_since_is_told_with_what_ends_that(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("load", onCrash="resume"))
    id = a_paused_run(here, "load", "eviction")
    said = say("status")
    assert said.code == 1  # no daemon runs
    assert f"run {id} is PAUSED (eviction) and waits for the next daemon (runner up)" in said.out
    noted = say("jobs", "disable", "load", "--reason", "INC-7").err
    assert "load: 1 paused run goes on only when the hold ends" in noted
    waits = "the end of hold operator of root (runner jobs enable load)"
    with daemon_lock(here.state):
        said = say("status")
    assert said.code == 0
    assert f"run {id} is PAUSED (eviction) and waits for {waits}" in said.out
    assert f"run {id} waits for {waits}" in say("jobs", "show", "load").out
    assert say("instances", "show", str(id), "-o", "json").json["waits"] == {"for": waits, "behind": None}


def test_a_run_that_an_operator_paused_is_no_news(here: Installation, say: Callable) -> None:
    here.install(a_job("load", onCrash="resume"))
    a_paused_run(here, "load", "operator")
    assert kinds(say) == []


def test_a_failed_job_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), holds=("failure",))
    said = say("status")
    assert said.code == 1
    assert "runner jobs reset report" in said.out


def test_a_job_whose_last_run_failed_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "FAILED")
    assert kinds(say) == [("failed", "report")]
    error = {"code": "timeout", "description": "it ran longer than " + 20 * "its timeout "}
    here.store.transact(lambda tx: tx.instances.update(id, epoch=1, error=error))
    (finding,) = say("status", "-o", "json").json["findings"]
    assert finding["summary"].startswith(f"its last run ({id}) failed: it ran longer than its timeout")
    assert finding["summary"].endswith("…")


def test_targets_that_did_not_succeed_are_told_and_may_be_left(here: Installation, say: Callable) -> None:
    here.install(a_job("restart"))
    id = here.run("restart", "RUNNING")
    partly = INSTANCE.move("RUNNING", "succeed_partially")
    here.store.transact(lambda tx: tx.instances.move(id, partly, epoch=1, at=NOW, who="test"))
    assert kinds(say) == [("partly", "restart")]
    said = say("status")
    assert said.code == 0
    assert f"runner instances retry-failed {id}" in said.out


def test_an_unknown_run_of_another_system_says_since_when_it_is_silent_and_until_when(
    here: Installation, say: Callable
) -> None:
    here.install(an_external_job(webhook=None))
    id = under_way(here)
    report(here, id, "started", NOW + minutes(1))
    time_passes(here, NOW + minutes(12))
    said = say("status").out
    heard, decided = to_the_second(NOW + minutes(1)), to_the_second(NOW + minutes(11 + 60))
    assert f"run {id} is UNKNOWN: its system is silent since {heard}; without a word it is decided" in said
    assert decided[:14] in said
    assert f"runner instances resolve {id} --as cancelled --nothing-runs" in said


def test_a_run_that_is_unknown_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    here.run("report", "UNKNOWN")
    assert kinds(say) == [("unknown", "report")]


def test_a_run_that_somebody_has_stopped_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "RUNNING")
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as child, daemon_lock(here.state):
        process = Began(id, 1, child.pid, ticks_now())
        here.store.transact(lambda tx: record_process(tx, process, boot_id()))
        assert kinds(say) == []
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        [finding] = say("status", "-o", "json").json["findings"]
        summary = f"run {id} stands still: its process {child.pid} is stopped (SIGSTOP)"
        assert (finding["kind"], finding["name"], finding["summary"]) == ("stuck", "report", summary)
        assert finding["hint"] == f"kill -CONT {child.pid}, or: runner instances kill {id}"
        child.kill()


def test_a_run_that_is_there_long_after_its_timeout_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report", timeout="30m"), a_job("patient", timeout="9999d"))
    id, other = here.run("report", "RUNNING"), here.run("patient", "RUNNING")
    began = datetime.now(UTC) - timedelta(minutes=32)
    for run in (id, other):
        here.store.transact(lambda tx, run=run: tx.instances.update(run, epoch=1, started_at=began, pid=1))
    with daemon_lock(here.state):
        [finding] = say("status", "-o", "json").json["findings"]
    summary = f"run {id} is still there after its timeout of 30m"
    assert (finding["kind"], finding["name"], finding["summary"]) == ("stuck", "report", summary)
    assert finding["hint"] == f"runner instances kill {id}"


def test_a_run_whose_process_does_not_begin_needs_a_person(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "RUNNING")
    began = datetime.now(UTC) - timedelta(minutes=2)
    here.store.transact(lambda tx: tx.instances.update(id, epoch=1, started_at=began))
    with daemon_lock(here.state):
        [finding] = say("status", "-o", "json").json["findings"]
    assert finding["summary"] == f"run {id} was claimed, and its process has not begun"
    assert finding["hint"] == f"runner instances kill {id}"


def test_what_is_due_is_stuck_without_a_daemon(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    now = datetime.now(UTC)
    here.run("report", due_at=now - timedelta(minutes=2))
    assert kinds(say) == [("stuck", "report")]
    with daemon_lock(here.state):
        assert kinds(say) == []  # it may wait for a free place


def test_a_start_that_nobody_decided_is_missed(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule={"every": "10m"}))
    uid = here.uid("report")
    earlier = datetime.now(UTC) - timedelta(hours=1)
    here.store.transact(lambda tx: tx.slots.set_watermark(uid, "default", earlier))
    assert kinds(say) == [("missed", "report")]
    assert say("status").code == 1


def test_a_start_that_was_dropped_is_missed_until_the_job_has_succeeded(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("report"))
    uid = here.uid("report")
    then = datetime.now(UTC) - timedelta(hours=1)
    dropped = SlotRecord(uid, "default", "k", then, "skipped", "missed: policy none", None, then)
    with daemon_lock(here.state):
        here.store.transact(lambda tx: tx.slots.decide(dropped, move_watermark=False))
        assert kinds(say) == [("missed", "report")]


def test_files_that_are_invalid_need_a_person(here: Installation, say: Callable) -> None:
    (here.state / "reload.json").write_text(json.dumps({"ok": False, "text": "1 error"}))
    assert kinds(say) == [("invalid", "declarations")]


def test_a_hold_that_many_jobs_got_together_is_one_thing_to_know(here: Installation, say: Callable) -> None:
    here.install(a_job("ingest"), a_job("load"), a_job("report"))
    until = datetime.now(UTC) + timedelta(hours=1)
    for name in ("ingest", "load", "report"):
        here.hold(name, "maintenance", until=until)
    here.hold("load", "operator", until=until)
    assert kinds(say) == [("hold-ends", "-"), ("hold-ends", "load")]
    assert "hold maintenance of bob on 3 jobs ends (a test)" in say("status").out


def test_a_hold_that_ends_soon_is_told_and_is_no_problem(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    here.hold("report", "operator", until=datetime.now(UTC) + timedelta(hours=1))
    said = say("status")
    assert said.code == 0
    assert "hold operator of bob ends (a test)" in said.out


def test_a_full_disk_needs_a_person(
    here: Installation, say: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=2**40, used=2**40, free=3 * 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    said = say("status")
    assert said.code == 1
    assert f"the disk of {here.state} is almost full: 3MiB free" in said.out
    assert "make room, or move the state directory" in said.out
    assert kinds(say) == [("disk", "state")]


def test_a_run_that_its_window_has_paused_is_told_only_when_that_is_open_and_no_daemon_runs(
    here: Installation, say: Callable
) -> None:
    in_three_days = datetime.now(UTC) + timedelta(days=3)
    is_open = {"from": "2026-01-01", "start": "00:00", "end": "24:00"}
    closed = {**is_open, "weekdays": [f"{in_three_days:%a}".lower()]}
    for name, window in (("night", closed), ("now", is_open)):
        here.install(a_job(name, schedule={"window": window}))
        pause_a_run_of_its_schedule(here, name)
    assert kinds(say) == [("paused", "now")]
    with daemon_lock(here.state):
        assert kinds(say) == []


def pause_a_run_of_its_schedule(here: Installation, job: str) -> None:
    """PAUSED because its window had closed."""

    def work(tx: Transaction) -> None:
        record = tx.objects.get(Address("Job", job))
        assert record is not None
        new = NewInstance(
            job_uid=record.uid,
            job=job,
            origin="slot",
            schedule="default",
            slot_key="window:a",
            slot_at=NOW,
            due_at=NOW,
            reason="slot",
            digest=record.digest,
            revision=1,
        )
        id = tx.instances.create(new, who="test", at=NOW)
        assert id is not None
        move = INSTANCE.move("SCHEDULED", "pause")
        tx.instances.move(id, move, epoch=0, at=NOW, who="test", pauses=("window",), reason="window")

    here.store.transact(work)


def test_a_listener_that_is_declared_and_not_there_needs_a_person(here: Installation, say: Callable) -> None:
    web = {"bind": "127.0.0.1", "port": 1, "hosts": [], "origins": [], "baseUrl": None}
    here.install(an_object("Runner", "runner", {"web": web}))
    assert kinds(say) == [], "no daemon runs"
    with daemon_lock(here.state):
        here.store.transact(
            lambda tx: tx.sessions.start(
                "up", pid=os.getpid(), host="here", boot_id="b", login="ana", at=datetime.now(UTC)
            )
        )
        said = say("status")
    assert said.code == 1
    assert "nothing answers on 127.0.0.1:1, although it is declared and the daemon runs" in said.out


def test_what_is_due_and_executed_elsewhere_waits_for_no_place_of_the_daemon(
    here: Installation, say: Callable
) -> None:
    here.install(an_external_job(webhook=None))
    id = str(here.run("invoices", due_at=NOW - timedelta(days=3000)))
    assert "a listener: declare `web: {}` in the spec of the Runner" in say("instances", "show", id).out
    here.install(an_object("Runner", "runner", {"web": {}}))
    assert "its system, which has to ask for it" in say("instances", "show", id).out
    here.install(an_external_job("bills"))
    id = str(here.run("bills", due_at=NOW - timedelta(days=3000)))
    assert "the call of its webhook, which is made while the listener" in say("instances", "show", id).out


@pytest.mark.parametrize(
    ("reason", "told"), [("expired", True), ("window-end", True), ("skipped by an operator", False)]
)
def test_a_one_time_job_that_never_ran_is_told(
    here: Installation, say: Callable, reason: str, told: bool
) -> None:
    here.install(a_job("once", schedule={"fireAndForget": {}}))
    id = here.run("once")
    move = INSTANCE.move("SCHEDULED", "late")
    now = datetime.now(UTC)
    here.store.transact(lambda tx: tx.instances.move(id, move, epoch=0, at=now, who="test", reason=reason))
    hold = HoldRecord(here.uid("once"), "finished", "system:clock", "it is done", now)
    here.store.transact(lambda tx: tx.holds.add(here.uid("once"), hold))
    said = say("status")
    assert (said.code == 1) == told
    sentence = f"it never ran, and is finished: its one run {id} is SKIPPED: {reason}"
    assert (sentence in said.out) == told
