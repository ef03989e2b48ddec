"""The operator's verbs as they are typed: previews, lines, JSON, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

from installations import Installation, a_group, a_job


def test_jobs_are_paused_by_selector_after_a_yes_and_say_which_starts_fall_into_the_time(
    here: Installation, say: Callable
) -> None:
    here.install(*(a_job(name, labels={"team": "bi"}, schedule="*/15 * * * *") for name in ("a", "b")))
    refused = say("jobs", "pause", "-l", "team=bi", "--for", "1h")
    assert refused.code == 3
    assert refused.err.splitlines()[:3] == ["pause 2 objects:", "  Job/a", "  Job/b"]
    said = say("jobs", "pause", "-l", "team=bi", "--for", "1h", "--yes", "--reason", "INC-1")
    assert said.out.splitlines() == ["Job/a paused: ASLEEP (paused)", "Job/b paused: ASLEEP (paused)"]
    assert "a: starts that fall into that time and wait for the missed policy: 4" in said.err
    assert [job["detail"] for job in say("jobs", "list", "-o", "json").json] == ["paused", "paused"]
    status = say("status")
    assert "Jobs: 2 ASLEEP (2 paused); 0 running, 0 waiting" in status.out
    again = say("jobs", "resume", "a", "b", "--yes", "-o", "json")
    assert [(act["name"], act["changed"]) for act in again.json] == [("a", True), ("b", True)]


def test_a_disable_without_an_end_says_what_it_drops_in_the_next_day(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("a", schedule="0 */6 * * *"))
    assert "starts that fall into the next 24 h and are dropped: 4" in say("jobs", "disable", "a").err


def test_a_run_is_paused_and_resumed_by_its_number(here: Installation, say: Callable) -> None:
    here.install(a_job("load"))
    id = str(here.run("load"))
    assert say("instances", "pause", id).out == f"instance {id} of load: PAUSED\n"
    assert say("instances", "pause", id).out == f"instance {id} of load: PAUSED already\n"
    assert say("instances", "resume", id, "-o", "json").json == [
        {"id": int(id), "job": "load", "changed": True, "state": "SCHEDULED", "notes": []}
    ]


def test_what_is_under_way_says_who_ends_it_when_no_daemon_runs(here: Installation, say: Callable) -> None:
    here.install(a_job("load", onCrash="resume"))
    id = str(here.run("load", "RUNNING"))
    said = say("instances", "pause", id)
    assert said.out == f"instance {id} of load: PAUSING\n"
    assert said.err == "No daemon runs: what is PAUSING is ended by the next `runner up`.\n"
    assert say("instances", "kill", id).out == f"instance {id} of load: STOPPING\n"


def test_a_run_is_resolved_only_when_somebody_says_that_nothing_runs(
    here: Installation, say: Callable
) -> None:
    here.install(a_job("load"))
    id = str(here.run("load", "UNKNOWN"))
    assert say("instances", "resolve", id).code == 64
    refused = say("instances", "resolve", id, "--as", "cancelled")
    assert (refused.code, "resolve needs --nothing-runs" in refused.err) == (3, True)
    said = say("instances", "resolve", id, "--as", "cancelled", "--nothing-runs")
    assert said.out == f"instance {id} of load: CANCELLED\n"


def test_an_ended_run_is_run_again(here: Installation, say: Callable) -> None:
    here.install(a_job("load"))
    id = here.run("load", "FAILED")
    said = say("instances", "rerun", str(id))
    assert said.out == f"instance {id + 1} of load runs instance {id} again\n"
    twice = say("instances", "rerun", str(id))
    assert (twice.code, twice.out) == (0, f"instance {id + 1} of load runs instance {id} again already\n")
    other = here.run("load", "FAILED", key="other")
    said = say("instances", "retry-failed", str(other), "-o", "json").json
    assert list(said) == ["id", "job", "state", "rerun_of", "changed", "notes", "taken_over", "targets"]
    assert (said["rerun_of"], said["state"], said["changed"]) == (other, "SCHEDULED", True)
    assert said["notes"][0].startswith(f"instance {id + 1} is SCHEDULED; if it has started")
    assert say("instances", "rerun", str(id + 1)).code == 3


def test_a_step_of_no_run_is_not_skipped(here: Installation, say: Callable) -> None:
    here.install(a_job("load"))
    id = str(here.run("load"))
    said = say("instances", "skip-step", id, "run")
    assert (said.code, "has not begun" in said.err) == (3, True)
    assert say("instances", "skip-step", id, "nothing").code == 1


def test_a_maintenance_is_one_word_for_all_jobs(here: Installation, say: Callable) -> None:
    here.install(a_job("a"), a_job("b"))
    assert say("maintenance", "on").code == 64
    asked = say("maintenance", "on", "--reason", "upgrade")
    assert (asked.code, asked.err.splitlines()[:3]) == (
        3,
        ["maintenance on 2 objects:", "  Job/a", "  Job/b"],
    )
    said = say("maintenance", "on", "--reason", "upgrade", "--yes")
    assert said.out.splitlines() == ["Job/a held: DISABLED", "Job/b held: DISABLED"]
    assert say("maintenance", "off").code == 3
    said = say("maintenance", "off", "--yes")
    assert said.out.splitlines() == ["Job/a released: ASLEEP", "Job/b released: ASLEEP"]
    again = say("maintenance", "off")
    assert (again.code, again.out, again.err) == (0, "", "No maintenance is on; nothing was done.\n")


def test_a_group_is_switched_after_its_jobs_have_been_shown(here: Installation, say: Callable) -> None:
    here.install(a_group("nightly"), a_job("a", groups=["nightly"]), a_job("b", groups=["nightly"]))
    asked = say("groups", "disable", "nightly")
    assert (asked.code, asked.err.splitlines()[:3]) == (
        3,
        ["disable 2 objects:", "  Job/a (Group/nightly)", "  Job/b (Group/nightly)"],
    )
    assert (
        say("groups", "disable", "nightly", "--yes").out.splitlines()[0] == "Group/nightly disabled, 2 jobs"
    )


def test_a_choice_that_is_missing_is_told_in_one_line(here: Installation, say: Callable) -> None:
    said = say("instances", "resolve", "7", "--nothing-runs")
    assert (said.code, said.err.splitlines()[-1]) == (
        64,
        "Error: Missing option '--as'. Choose from: cancelled",
    )


def test_there_is_nothing_to_drain_where_no_daemon_runs(here: Installation, say: Callable) -> None:
    said = say("drain")
    assert (said.code, said.err) == (0, "No daemon runs here; there is nothing to drain.\n")


def test_jobs_are_killed_bounced_and_skipped_by_name(here: Installation, say: Callable) -> None:
    here.install(a_job("a"), a_job("b", schedule=None))
    assert say("jobs", "kill", "a").out == "Job/a killed: DISABLED\n"
    refused = say("jobs", "bounce", "b")
    assert (refused.code, "bounce is accepted in RUNNING and FAILED" in refused.err) == (3, True)
    assert say("jobs", "skip", "b").code == 3
