"""`runner jobs …`: what it prints, and with which code it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from installations import NOW, Installation, a_group, a_job

from runner.execution.still import Still
from runner.operations import daemon_now
from runner.store.daemon_lock import daemon_lock

LIST_KEYS = [
    "name", "uid", "type", "status", "detail", "holds", "mode", "next_at", "triggers", "items",
    "last_instance_id", "last_state", "progress", "labels", "groups", "flow", "digest",
]  # fmt: skip


def names(out: str) -> list[str]:
    return out.split()


def test_the_list_has_exactly_the_fixed_keys(here: Installation, say: Callable) -> None:
    here.install(a_job("report", labels={"team": "bi"}), holds=("operator",))
    here.run("report", "FAILED")
    (job,) = say("jobs", "list", "-o", "json").json
    assert list(job) == LIST_KEYS
    assert (job["status"], job["last_state"], job["next_at"]) == ("DISABLED", "FAILED", None)
    assert job["holds"] == [
        {
            "kind": "operator",
            "owner": "bob",
            "reason": "a test",
            "since": "2026-11-23T12:00:00.000Z",
            "until": None,
        }
    ]


def test_show_adds_the_resolved_spec_and_the_source(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    job = say("jobs", "show", "report", "-o", "json").json
    assert list(job) == [*LIST_KEYS, "spec", "source", "drill", "waits", "refused", "failing"]
    assert job["source"] == {"file": "jobs.d/report.yaml", "line": 1, "commit": None}
    assert job["spec"]["schedules"]["default"]["cron"] == "0 2 * * *"


def test_the_list_for_people_has_a_heading_and_one_line_for_each_job(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("report"), a_job("import"))
    lines = say("jobs", "list").out.splitlines()
    assert lines[0].split() == ["NAME", "TYPE", "STATUS", "DETAIL", "NEXT", "LAST", "HOLDS"]
    assert [line.split()[0] for line in lines[1:]] == ["import", "report"]


def test_hidden_jobs_are_listed_only_when_asked_for(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), a_job("housekeeping", type="system"))
    assert names(say("jobs", "list", "-o", "name").out) == ["report"]
    assert names(say("jobs", "list", "-o", "name", "--all").out) == ["housekeeping", "report"]


def test_the_list_says_how_many_jobs_it_hides(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), a_job("housekeeping", type="system"))
    told = "1 hidden (system) job fits and is not listed: runner jobs list --all\n"
    assert say("jobs", "list").err == told
    assert say("jobs", "list", "--type", "system").err == f"{told}No job fits.\n"
    assert say("jobs", "list", "--all").err == ""
    assert say("jobs", "list", "--type", "standard").err == ""
    assert say("jobs", "list", "-o", "json").err == ""
    here.install(a_job("upkeep", type="system"))
    assert "2 hidden (system) jobs fit and are not listed" in say("jobs", "list").err


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("-l", "team=bi"), ["report"]),
        (("-l", "team!=bi"), ["import", "manual"]),
        (("-l", "team"), ["import", "report"]),
        (("-l", "!team"), ["manual"]),
        (("-l", "team=bi,tier"), []),
        (("--group", "nightly"), ["report"]),
        (("--status", "disabled"), ["import"]),
        (("--flow", "in"), ["import"]),
        (("--type", "external"), []),
        (("--sort", "next"), ["report", "import", "manual"]),
        (("--sort", "status"), ["manual", "report", "import"]),
    ],
)
def test_the_list_is_filtered_and_sorted(
    here: Installation, say: Callable, filters: tuple[str, ...], found: list[str]
) -> None:
    here.install(
        a_group("nightly"),
        a_job("report", labels={"team": "bi"}, groups=["nightly"]),
        a_job("manual", schedule=None),
    )
    here.install(
        a_job("import", labels={"team": "ops"}, flow={"direction": "in", "subject": "orders"}),
        holds=("operator",),
    )
    said = say("jobs", "list", "-o", "name", *filters)
    assert (said.code, names(said.out)) == (0, found)


def test_a_selector_that_says_nothing_is_an_error(here: Installation, say: Callable) -> None:
    said = say("jobs", "list", "-l", "=bi")
    assert said.code == 64
    assert said.err == "Error: '=bi' selects nothing; write it like team=bi, team!=bi, team or !team\n"


def test_an_unknown_job_is_told_with_the_nearest_name(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    said = say("jobs", "show", "reprot")
    assert (said.code, said.out) == (1, "")
    assert said.err == "Error: no Job is called 'reprot'; did you mean 'report'?\n"


def test_without_a_database_there_is_one_clear_sentence(say: Callable) -> None:
    said = say("jobs", "list")
    assert said.code == 1
    assert said.err.startswith("Error: There is no database at ")


def test_disable_and_enable_say_what_they_did_and_twice_is_once(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    assert say("jobs", "disable", "report", "--reason", "INC-1", "--as", "ci").out == (
        "Job/report disabled: DISABLED\n"
    )
    assert here.holds("report") == [("operator", "ci")]
    again = say("jobs", "disable", "report", "--reason", "INC-1", "--as", "ci")
    assert (again.code, again.out) == (0, "Job/report unchanged: DISABLED\n")
    assert say("jobs", "enable", "report").out == "Job/report enabled: ASLEEP\n"
    assert say("jobs", "enable", "report", "-o", "json").json == [
        {"name": "report", "changed": False, "status": "ASLEEP", "detail": "", "notes": []}
    ]


def test_no_start_is_shown_after_the_end_of_a_job(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule="0 2 * * *", validUntil="2025-06-30"))
    assert say("jobs", "list", "-o", "json").json[0]["next_at"] is None
    said = say("schedule", "next", "report")
    assert (said.out, said.err.splitlines()) == (
        "",
        ["Job 'report' ends at 2025-07-01 00:00:00Z (validUntil).", "No start follows."],
    )


def test_without_a_daemon_nothing_is_paused_or_ended_and_that_is_said(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("report", onCrash="resume"))
    here.run("report", "RUNNING")
    said = "No daemon runs: nothing of these jobs runs either; the next `runner up` decides"
    assert said in say("jobs", "pause", "report").err
    with daemon_lock(here.state):
        assert said not in say("jobs", "resume", "report").err


def test_a_hold_for_a_time_ends_by_itself_and_says_what_is_dropped(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule={"every": "30m"}))
    said = say("jobs", "disable", "report", "--for", "2h")
    assert "report: starts that fall into that time and are dropped: 4 (" in said.err
    (hold,) = say("jobs", "show", "report", "-o", "json").json["holds"]
    until = datetime.fromisoformat(hold["until"])
    assert timedelta(hours=1, minutes=59) < until - datetime.now(UTC) <= timedelta(hours=2)


@pytest.mark.parametrize("lasting", ["soon", "0s", "-2h", "9999999h"])
def test_a_time_that_is_none_is_wrong_usage(here: Installation, say: Callable, lasting: str) -> None:
    here.install(a_job("report"))
    assert say("jobs", "disable", "report", "--for", lasting).code == 64
    assert here.holds("report") == []


def test_more_than_one_job_is_previewed_and_needs_a_yes(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), a_job("import"))
    said = say("jobs", "disable", "report", "import")
    assert said.code == 3
    assert said.err.splitlines() == [
        "disable 2 objects:",
        "  Job/report",
        "  Job/import",
        "Refused: disable of 2 objects needs --yes where nobody can be asked; nothing was done",
    ]
    assert here.holds("report") == []
    assert say("jobs", "disable", "report", "import", "--yes").code == 0
    assert here.holds("import") != []


def test_a_job_that_is_named_twice_is_one_job(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    assert say("jobs", "disable", "report", "report", "Job/report").code == 0


def test_jobs_are_selected_by_label_and_group(here: Installation, say: Callable) -> None:
    here.install(
        a_group("nightly"), a_job("report", labels={"team": "bi"}), a_job("import", groups=["nightly"])
    )
    assert say("jobs", "disable", "-l", "team=bi", "-o", "name").out == "report\n"
    assert say("jobs", "disable", "--group", "nightly", "-o", "name").out == "import\n"
    said = say("jobs", "disable", "-l", "team=nobody")
    assert (said.code, said.err) == (0, "No job fits; nothing was done.\n")
    assert say("jobs", "disable", "--group", "nigthly").code == 1


def test_naming_nothing_is_wrong_usage(here: Installation, say: Callable) -> None:
    assert say("jobs", "disable").code == 64
    assert say("jobs", "list", "--statsu", "FAILED").code == 64


def test_a_verb_that_the_state_does_not_allow_is_refused_with_the_states_that_do(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("report"), holds=("operator", "failure"))
    said = say("jobs", "reset", "report")
    assert (said.code, said.out) == (3, "")
    assert said.err == "Refused: Job/report is DISABLED; reset is accepted in FAILED\n"


def test_reset_lets_a_failed_job_sleep(here: Installation, say: Callable) -> None:
    here.install(a_job("report"), holds=("failure",))
    assert say("jobs", "reset", "report").out == "Job/report reset: ASLEEP\n"


def test_without_a_daemon_a_start_is_recorded_and_that_is_said(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    said = say("jobs", "trigger", "report")
    assert (said.code, said.out) == (0, "instance 1 of report: SCHEDULED\n")
    assert said.err == "No daemon runs: the start is recorded, and carried out by the next `runner up`.\n"
    assert here.instance(1).state == "SCHEDULED"


def test_a_daemon_that_drains_starts_nothing_and_that_is_said(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    failed = here.run("report", "FAILED")
    with daemon_lock(here.state) as lock:
        lock.note_drain(NOW)
        drains = f"The daemon (pid {os.getpid()}) drains: the start is recorded, and carried out by the next"
        assert drains in say("instances", "rerun", str(failed)).err
        assert drains in say("jobs", "trigger", "report").err
        refused = say("jobs", "trigger", "report", "--wait")
    assert (refused.code, "drains, so nothing would end the waiting" in refused.err) == (3, True)


def test_a_daemon_that_stands_still_starts_nothing_and_that_is_said(
    here: Installation, say: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.install(a_job("report"))
    monkeypatch.setattr(daemon_now, "stands_still", lambda pid: Still(pid, by_debugger=False))
    with daemon_lock(here.state):
        refused = say("jobs", "trigger", "report", "--wait")
    stopped = (
        f"the daemon (pid {os.getpid()}) is stopped (SIGSTOP; kill -CONT {os.getpid()}), so nothing would"
    )
    assert (refused.code, stopped in refused.err) == (3, True)


def test_without_a_daemon_nobody_waits_and_nothing_is_recorded(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    said = say("jobs", "trigger", "report", "--wait")
    assert said.code == 3
    assert said.err.startswith("Refused: no daemon runs")
    with here.store.read() as reader:
        assert reader.instances.list() == []


def test_inputs_are_checked_before_anything_is_recorded(here: Installation, say: Callable) -> None:
    here.install(a_job("report", inputs={"days": {"type": "integer", "default": 7}}))
    wrong = say("jobs", "trigger", "report", "-p", "day=3")
    assert wrong.code == 1
    assert "did you mean 'days'?" in wrong.err
    assert say("jobs", "trigger", "report", "-p", "days=3", "-o", "json").json == {
        "id": 1, "job": "report", "state": "SCHEDULED", "inputs": {"days": 3}, "for_slot": None,
    }  # fmt: skip
    assert say("jobs", "trigger", "report", "-p", "days").code == 64
    assert say("jobs", "trigger", "report", "-p", "days=1", "-p", "days=2").code == 64


@pytest.mark.parametrize(
    ("event", "code"), [("succeed", 0), ("succeed_partially", 4), ("fail", 1), (None, 124)]
)
def test_waiting_leaves_with_the_code_of_the_end(
    here: Installation, say: Callable, monkeypatch: pytest.MonkeyPatch, event: str | None, code: int
) -> None:
    from runner.lifecycle.instance import INSTANCE
    from runner.operations import trigger as trigger_module

    here.install(a_job("report"))
    record = trigger_module.trigger_job

    def trigger_and_end(*args: object, **kwargs: object) -> object:
        """The daemon's part, done at once."""
        start = record(*args, **kwargs)  # type: ignore[arg-type]
        claim = INSTANCE.move("SCHEDULED", "claim")
        here.store.transact(lambda tx: tx.instances.claim(start.id, claim, epoch=0, at=NOW, who="test"))
        if event:
            move = INSTANCE.move("RUNNING", event)
            here.store.transact(lambda tx: tx.instances.move(start.id, move, epoch=1, at=NOW, who="test"))
        return start

    monkeypatch.setattr(trigger_module, "trigger_job", trigger_and_end)
    with daemon_lock(here.state):
        said = say("jobs", "trigger", "report", "--wait", "--timeout", "0.2s")
    assert said.code == code
    assert ("report: see: runner instances show 1" in said.err) == (code in (1, 4))


def test_text_from_a_declaration_cannot_write_to_the_terminal(here: Installation, say: Callable) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2Jred\u202e\x9b31m\nFAKE  LINE"
    here.install(a_job("report", description=hostile, labels={"team": hostile}))
    here.hold("report", "operator", owner=hostile)
    for words in (("jobs", "list"), ("jobs", "show", "report"), ("jobs", "enable", "report")):
        for output in ("text", "json", "yaml"):
            said = say(*words, "-o", output)
            assert said.code == 0
            assert not set("\x1b\x07\x9b\u202e") & set(said.out + said.err), (words, output)
    assert "\nFAKE" not in say("jobs", "show", "report").out


def test_listing_jobs_imports_nothing_heavy(here: Installation, tmp_path: Path) -> None:
    here.install(a_job("report"))
    code = (
        "import sys\n"
        "from runner.cli.main import main\n"
        "try: main(['jobs', 'list'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "RUNNER_PROJECT": str(tmp_path)},
    )
    heavy = {"pydantic", "rich", "jsonschema", "sqlite_utils", "croniter", "ruamel", "sqlalchemy", "asyncio"}
    assert not heavy & set(done.stderr.split())


def test_a_type_that_nobody_declares_is_unknown(here, say) -> None:
    here.install(a_job("sums"))
    assert say("jobs", "list", "--type", "standard", "-o", "name").out == "sums\n"
    said = say("jobs", "list", "--type", "standart")
    assert (said.code, said.err) == (1, "Error: no JobType is called 'standart'; did you mean 'standard'?\n")


def test_a_job_is_shown_without_what_is_a_secret_by_its_looks(say: Callable, tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "a.yaml").write_text(
        """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: a}
spec:
  enabled: true
  env: {API_TOKEN: hunter2, DB: "postgresql://etl:hunter2@db/x", DSN: "User=sa;Password=hunter2"}
  steps:
    - name: a
      http: {url: "https://x.example/?token=hunter2", headers: {Authorization: "Bearer hunter2"}}
    - {name: b, shell: "curl --token hunter2 https://bob:hunter2@x.example"}
"""
    )
    said = [say("validate"), say("reconcile", "--create")]
    said += [say("jobs", "show", "a", "-o", output) for output in ("text", "json", "yaml")]
    said += [say("blame", "Job/a"), say("history", "1", "-o", "json"), say("history", "Job/a", "-o", "json")]
    assert "hunter2" not in "".join(each.out + each.err for each in said)
    assert said[3].json["spec"]["env"]["DB"] == "postgresql://etl:(masked)@db/x"
    plan = tmp_path / "plan.json"
    (tmp_path / "jobs.d" / "b.yaml").write_text(
        (tmp_path / "jobs.d" / "a.yaml").read_text().replace("name: a}", "name: b}")
    )
    say("plan", "--out", str(plan))
    assert plan.stat().st_mode & 0o077 == 0
