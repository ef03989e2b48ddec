"""`runner instances …`, `groups …`, `state …`: what they print, and with which code they leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from installations import NOW, Installation, a_group, a_job

from runner.store.errors import ErrorRecord
from runner.store.instances import NewInstance
from runner.store.port import Transaction
from runner.store.slots import SlotRecord
from runner.store.steps import NewStep

KEYS = [
    "id", "job", "state", "reason", "origin", "slot", "slots", "due_at", "started_at", "completed_at",
    "attempt", "epoch", "session_id", "digest", "progress", "progress_said", "error", "errors", "info",
    "notifications", "tasks", "targets",
    "locks", "replaced_by", "metrics",
]  # fmt: skip


def test_list_and_show_have_exactly_the_fixed_keys(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "RUNNING")
    here.store.transact(
        lambda tx: tx.steps.create_all(id, "-", [NewStep("load", "shell", "check the mount")])
    )
    here.store.transact(lambda tx: tx.errors.add(ErrorRecord(id, NOW, "warning", "W1", "little space")))
    (listed,) = say("instances", "list", "-o", "json").json
    shown = say("instances", "show", str(id), "-o", "json").json
    assert {**listed, "commit": None, "trigger": {}, "waits": None} == shown
    assert list(listed) == KEYS
    assert shown["errors"] == [
        {"code": "W1", "severity": "warning", "description": "little space", "info": {}}
    ]
    (task,) = shown["tasks"]
    assert list(task) == [
        "target", "state", "reason", "attempt", "last_triggered_at", "next_try_at", "expires_at",
        "completed_at", "progress", "progress_said", "error", "info", "values", "steps", "metrics",
    ]  # fmt: skip
    assert list(task["steps"][0]) == [
        "name", "state", "started_at", "skipped_at", "completed_at", "error", "remedy",
    ]  # fmt: skip


def test_show_for_people_has_the_steps_and_what_happened(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "RUNNING")
    here.store.transact(lambda tx: tx.steps.create_all(id, "-", [NewStep("load", "shell")]))
    out = say("instances", "show", str(id)).out
    assert "STEP" in out
    assert "I4" in out
    assert "RUNNING" in out


def test_the_list_is_filtered(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), a_job("import"))
    failed, waiting = here.run("report", "FAILED"), here.run("import")

    def found(*filters: str) -> list[int]:
        return [int(id) for id in say("instances", "list", "-o", "name", *filters).out.split()]

    assert found() == [waiting, failed]
    assert found("-n", "1") == [waiting]
    assert found("--job", "report") == [failed]
    assert found("--state", "failed,running") == [failed]
    assert say("instances", "list", "--job", "imprt").err == (
        "Error: no Job is called 'imprt'; did you mean 'import'?\n"
    )
    assert say("instances", "list", "--state", "FAILD").code == 64


def test_a_job_that_was_removed_still_has_its_history(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), a_job("unused"))
    id = here.run("report", "FAILED")
    for name in ("report", "unused"):
        uid = here.uid(name)
        digest = a_job(name).digest
        here.store.transact(
            lambda tx, uid=uid, digest=digest: tx.objects.remove(uid, expected_digest=digest, at=NOW, who="t")
        )
    assert say("instances", "list", "--job", "report", "-o", "name").out == f"{id}\n"
    assert say("instances", "list", "--job", "unused").code == 0


def test_cancel_ends_what_waits_and_asks_for_the_end_of_what_runs(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), a_job("import"))
    waiting, running = here.run("report"), here.run("import", "RUNNING")
    said = say("instances", "cancel", str(waiting), str(running), "--yes", "--reason", "wrong input")
    assert said.code == 0
    assert said.out.splitlines() == [
        f"instance {waiting} of report: CANCELLED",
        f"instance {running} of import: STOPPING",
    ]
    assert said.err == "No daemon runs: what is STOPPING is ended by the next `runner up`.\n"
    assert (
        say("instances", "cancel", str(waiting)).out == f"instance {waiting} of report: CANCELLED already\n"
    )


def test_cancel_is_refused_when_it_is_too_late(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id = here.run("report", "SUCCEEDED")
    said = say("instances", "cancel", str(id))
    assert said.code == 3
    assert said.err == (
        f"Refused: instance {id} of report is SUCCEEDED; "
        "cancel is accepted in SCHEDULED, PAUSED, RUNNING, PAUSING\n"
    )


@pytest.mark.parametrize("id", ["0", "-1", "abc", "99999999999999999999"])
def test_what_is_no_number_of_a_run_is_wrong_usage(here: Installation, say: Callable, id: str) -> None:
    assert say("instances", "show", "--", id).code == 64


def test_an_unknown_run_is_an_error(here: Installation, say: Callable) -> None:
    said = say("instances", "show", "7")
    assert (said.code, said.err) == (1, "Error: there is no instance 7; there has been none yet\n")


def test_groups_switch_their_jobs(here: Installation, say: Callable) -> None:
    here.install(a_group("nightly"), a_job("report", groups=["nightly"]))
    assert say("groups", "disable", "nightly", "--reason", "upgrade").out.splitlines() == [
        "Group/nightly disabled, 1 job",
        "  Job/report disabled: DISABLED",
    ]
    assert say("groups", "disable", "nightly", "--reason", "upgrade").out.startswith(
        "Group/nightly unchanged"
    )
    enabled = say("groups", "enable", "nightly", "-o", "json").json
    assert enabled == [
        {
            "group": "nightly",
            "changed": True,
            "jobs": [{"name": "report", "changed": True, "status": "ASLEEP", "detail": "", "notes": []}],
        }
    ]


def test_state_is_shown_and_cleared(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id, uid = here.run("report", "FAILED"), here.uid("report")
    here.store.transact(lambda tx: tx.state.put(uid, id, "-", {"page": 3}, at=NOW))
    here.store.transact(lambda tx: tx.state.put_persistent(uid, {"seen": 9}, at=NOW))
    saved = say("state", "show", "report", "-o", "json").json
    assert list(saved) == ["job", "state", "persistent"]
    assert saved["state"][0]["data"] == {"page": 3}
    assert say("state", "clear", "report").out == "report: 1 row deleted\n"
    assert say("state", "show", "report", "-o", "json").json["persistent"]["data"] == {"seen": 9}
    assert say("state", "clear", "report", "--persistent").out == (
        "report: 0 rows and its persistent state deleted\n"
    )
    assert say("state", "show", "report").err == "report has saved nothing.\n"


def test_state_is_not_cleared_under_a_running_job(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    here.run("report", "RUNNING")
    said = say("state", "clear", "report")
    assert said.code == 3
    assert said.err == (
        "Refused: Job/report is RUNNING; its state can be cleared in ASLEEP, DISABLED, FAILED\n"
    )


def test_state_is_set_key_by_key_and_the_event_names_no_value(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    id, uid = here.run("report", "FAILED"), here.uid("report")
    here.store.transact(lambda tx: tx.state.put(uid, id, "-", {"page": 3, "token": "s3cret"}, at=NOW))
    said = say("state", "set", "report", "page:=4", "by=ana", "--remove", "token", "--reason", "cut")
    assert said.out == f'report: instance {id}, target -: {{"page": 4, "by": "ana"}}\n'
    with here.store.read() as reader:
        event = reader.events.of("Job", "report", limit=1)[0]
    assert (event.event, event.why, event.details["keys"]) == ("state.set", "cut", ["by", "page", "token"])
    said = say("state", "set", "report", "--persistent", "seen:=[1]", "-o", "json")
    assert said.json == {
        "job": "report", "instance_id": None, "target": None, "persistent": True, "data": {"seen": [1]},
    }  # fmt: skip


def test_state_is_set_as_a_whole_from_a_file(here: Installation, say: Callable, tmp_path: Path) -> None:
    here.install(a_job("report"))
    file = tmp_path / "state.json"
    file.write_text('{"page": 9}')
    assert say("state", "set", "report", "--file", str(file)).err == (
        "Error: Job/report has saved no state that could be set; --persistent sets what it keeps for good\n"
    )
    assert say("state", "set", "report", "--persistent", "--file", str(file)).code == 0
    file.write_text("[1]")
    said = say("state", "set", "report", "--persistent", "--file", str(file))
    assert (said.code, "it holds no JSON map" in said.err) == (64, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("page",), "'page' is not KEY=TEXT or KEY:=JSON"),
        (("page:=x",), "the value of page is not JSON"),
        (("page:=NaN",), "NaN is no JSON number"),
        (("page=1", "page=2"), "'page' is given twice"),
        ((), "nothing to set"),
        (("page=1", "--persistent", "--instance", "3"), "--persistent belongs to the job"),
    ],
)
def test_what_cannot_be_set_is_wrong_usage(
    here: Installation, say: Callable, arguments: tuple[str, ...], told: str
) -> None:
    here.install(a_job("report"))
    said = say("state", "set", "report", *arguments)
    assert (said.code, told in said.err) == (64, True), said.err


def test_watching_is_for_people(say) -> None:
    said = say("instances", "list", "--watch", "-o", "json")
    assert (said.code, said.out) == (64, "")
    assert "--watch is for people" in said.err


def test_the_words_of_others_show_and_cancel_a_run(here, say) -> None:
    here.install(a_job("sums"))
    assert say("jobs", "trigger", "sums").code == 0
    shown = say("jobs", "runtime-status", "1", "-o", "json")
    assert shown.json == say("instances", "show", "1", "-o", "json").json
    assert say("jobs", "terminate", "1").code == 0
    assert say("instances", "show", "1", "-o", "json").json["state"] == "CANCELLED"


def test_all_slots_that_a_run_stands_for_are_in_the_json(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    uid, keys = here.uid("report"), [f"2027-03-28T02:{minute}[Europe/Zurich]" for minute in ("00", "30")]

    def work(tx: Transaction) -> int:
        new = NewInstance(
            job_uid=uid, job="report", origin="slot", slot_key=keys[0], schedule="default", slot_at=NOW,
            due_at=NOW, reason="slot", digest="d", revision=1,
        )  # fmt: skip
        id = tx.instances.create(new, who="test", at=NOW)
        assert id is not None
        tx.slots.decide(SlotRecord(uid, "default", keys[1], NOW, "merged", "", id, NOW))
        return id

    id = here.store.transact(work)
    by_hand = here.run("report")
    assert [(each["slot"], each["slots"]) for each in say("instances", "list", "-o", "json").json] == [
        (None, []),
        (keys[0], keys),
    ]
    shown = say("instances", "show", str(id)).out
    assert "2027-03-28 02:00 Europe/Zurich, 2027-03-28 02:30 Europe/Zurich" in shown
    assert say("instances", "show", str(by_hand), "-o", "json").json["slots"] == []
