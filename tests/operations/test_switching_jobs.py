"""Enable, disable and reset: holds with owners, all names or none, and twice is once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job

from runner.access.permission import Actor
from runner.operations.disable import disable_jobs, starts_between
from runner.operations.enable import enable_jobs
from runner.operations.holding import Acted
from runner.operations.pause_jobs import pause_jobs
from runner.operations.reset import reset_jobs
from runner.operations.selection import installed
from runner.vocabulary.errors import IllegalTransition, NotAllowed, UnknownName
from runner.vocabulary.instants import to_the_second

LATER = NOW + timedelta(hours=1)


def act(
    here: Installation, verb: Callable[..., tuple[Acted, ...]], *names: str, **more: Any
) -> tuple[Acted, ...]:
    arguments = {"actor": ANA, "reason": "", "now": NOW, **more}
    return here.store.transact(lambda tx: verb(tx, names, **arguments))


def test_a_disabled_job_has_a_hold_of_the_operator_and_is_disabled(here: Installation) -> None:
    here.install(a_job("report"))
    (done,) = act(here, disable_jobs, "report", reason="INC-1")
    assert (done.changed, done.status) == (True, "DISABLED")
    assert here.holds("report") == [("operator", "ana")]


def test_the_name_given_with_as_owns_the_hold_and_the_event_has_both(here: Installation) -> None:
    here.install(a_job("report"))
    act(here, disable_jobs, "report", actor=Actor("ana", "ci"))
    assert here.holds("report") == [("operator", "ci")]
    with here.store.read() as reader:
        assert any(event.who == "ci (ana)" for event in reader.events.of("Job", "report"))


def test_disabling_twice_changes_nothing_the_second_time(here: Installation) -> None:
    here.install(a_job("report"))
    act(here, disable_jobs, "report", reason="INC-1")
    (again,) = act(here, disable_jobs, "report", reason="INC-1", now=LATER)
    assert again.changed is False
    assert here.holds("report") == [("operator", "ana")]


@pytest.mark.parametrize("verb", [disable_jobs, pause_jobs])
def test_holding_again_keeps_what_is_not_given_and_says_what_changes(here: Installation, verb: Any) -> None:
    here.install(a_job("report"))
    kind = "operator" if verb is disable_jobs else "paused"
    act(here, verb, "report", reason="INC-1", until=LATER)
    has = f"has hold {kind} of ana since {to_the_second(NOW)} until {to_the_second(LATER)} (INC-1) already"
    (same,) = act(here, verb, "report", now=NOW + timedelta(minutes=1))
    assert (same.changed, same.notes) == (False, (f"{has}; unchanged",))
    much_later = NOW + timedelta(hours=5)
    (longer,) = act(here, verb, "report", until=much_later)
    assert (longer.changed, longer.notes) == (
        True,
        (f"{has}; its end was {to_the_second(LATER)}, and is {to_the_second(much_later)}",),
    )
    (other,) = act(here, verb, "report", reason="INC-2")
    assert other.changed and other.notes[0].endswith("; its reason was 'INC-1'")
    with here.store.read() as reader:
        (hold,) = reader.holds.of(here.uid("report"))
    assert (hold.reason, hold.until, hold.since) == ("INC-2", much_later, NOW)


def test_disabling_drops_the_starts_that_wait_and_lets_finish_what_runs(here: Installation) -> None:
    here.install(a_job("report", concurrency={"policy": "allow"}))
    waiting, running = here.run("report", key="1"), here.run("report", "RUNNING", key="2")
    (done,) = act(here, disable_jobs, "report")
    assert done.notes == ("1 waiting start dropped", "1 run finishes first")
    dropped = here.instance(waiting)
    assert (dropped.state, dropped.reason) == ("SKIPPED", "hold operator")
    assert here.instance(running).state == "RUNNING"
    assert (done.status, done.detail) == ("RUNNING", "draining")


def test_disabling_stops_what_runs_when_the_job_says_so(here: Installation) -> None:
    here.install(a_job("report", onDisable="stop"))
    running = here.run("report", "RUNNING")
    act(here, disable_jobs, "report")
    stopping = here.instance(running)
    assert (stopping.state, stopping.reason) == ("STOPPING", "disable")


def test_an_unknown_name_is_told_with_the_nearest_one_and_nothing_is_done(here: Installation) -> None:
    here.install(a_job("report"), a_job("import"))
    with pytest.raises(UnknownName) as refused:
        act(here, disable_jobs, "report", "imprt")
    assert str(refused.value) == "no Job is called 'imprt'; did you mean 'import'?"
    assert here.holds("report") == []


def test_a_protected_job_is_not_disabled_by_accident(here: Installation) -> None:
    here.install(a_job("housekeeping", type="system"))
    with pytest.raises(NotAllowed) as refused:
        act(here, disable_jobs, "housekeeping")
    assert str(refused.value) == "Job/housekeeping is protected; disable needs --allow-protected"
    (done,) = act(here, disable_jobs, "housekeeping", allow_protected=True)
    assert done.status == "DISABLED"


def test_enabling_ends_every_operators_hold_and_hold_new(here: Installation) -> None:
    here.install(a_job("report"), holds=("operator", "new"))
    (done,) = act(here, enable_jobs, "report")
    assert (done.changed, done.status) == (True, "ASLEEP")
    assert here.holds("report") == []


def test_what_was_due_while_disabled_is_not_caught_up(here: Installation) -> None:
    here.install(a_job("report"), holds=("operator",))
    act(here, enable_jobs, "report", now=LATER)
    with here.store.read() as reader:
        mark = reader.slots.watermark(here.uid("report"), "default")
    assert mark is not None
    assert mark.at == LATER


def test_enabling_a_job_that_is_enabled_leaves_its_watermark_alone(here: Installation) -> None:
    here.install(a_job("report"))
    uid = here.uid("report")
    here.store.transact(lambda tx: tx.slots.set_watermark(uid, "default", NOW))
    (done,) = act(here, enable_jobs, "report", now=LATER)
    assert done.changed is False
    with here.store.read() as reader:
        mark = reader.slots.watermark(uid, "default")
    assert mark is not None
    assert mark.at == NOW


def test_an_operator_does_not_edit_what_git_says(here: Installation) -> None:
    here.install(a_job("report", enabled=False), holds=("git",))
    with pytest.raises(IllegalTransition) as refused:
        act(here, enable_jobs, "report")
    assert str(refused.value) == (
        "Job/report is DISABLED by git (spec.enabled: false, jobs.d/report.yaml:1); enable is accepted when "
        "only an operator disabled it, so change it there and apply"
    )


def test_a_job_whose_group_is_disabled_says_so_when_it_is_enabled(here: Installation) -> None:
    here.install(a_job("report"), holds=("operator", "group:nightly"))
    (done,) = act(here, enable_jobs, "report")
    assert done.status == "DISABLED"
    assert done.notes == ("stays DISABLED by hold group:nightly of bob: a test",)


def test_a_failed_job_that_is_enabled_again_shows_that_it_has_failed(here: Installation) -> None:
    here.install(a_job("report"), holds=("operator", "failure"))
    (done,) = act(here, enable_jobs, "report")
    assert done.status == "FAILED"


def test_reset_lets_a_failed_job_sleep_again_and_writes_the_row(here: Installation) -> None:
    here.install(a_job("report"), holds=("failure",))
    (done,) = act(here, reset_jobs, "report", reason="disk replaced")
    assert (done.changed, done.status) == (True, "ASLEEP")
    with here.store.read() as reader:
        (event,) = [e for e in reader.events.of("Job", "report") if e.event == "reset"]
    assert (event.row, event.before, event.after, event.why) == ("J9", "FAILED", "ASLEEP", "disk replaced")


def test_resetting_a_job_that_sleeps_changes_nothing(here: Installation) -> None:
    here.install(a_job("report"))
    (done,) = act(here, reset_jobs, "report")
    assert done.changed is False


@pytest.mark.parametrize(
    ("holds", "run", "status"),
    [(("operator", "failure"), None, "DISABLED"), (("failure",), "RUNNING", "RUNNING")],
)
def test_reset_is_refused_where_the_table_has_no_such_move(
    here: Installation, holds: tuple[str, ...], run: str | None, status: str
) -> None:
    here.install(a_job("report"), holds=holds)
    if run:
        here.run("report", run)
    with pytest.raises(IllegalTransition) as refused:
        act(here, reset_jobs, "report")
    assert str(refused.value) == f"Job/report is {status}; reset is accepted in FAILED"


def test_one_refusal_leaves_all_of_them_as_they_were(here: Installation) -> None:
    here.install(a_job("failed"), holds=("failure",))
    here.install(a_job("disabled"), holds=("operator",))
    with pytest.raises(IllegalTransition):
        act(here, reset_jobs, "failed", "disabled")
    assert here.holds("failed") == [("failure", "bob")]


def test_the_starts_that_fall_into_a_hold_can_be_told(here: Installation) -> None:
    here.install(a_job("report", schedule="*/15 * * * *"), a_job("by-hand", schedule=None))
    with here.store.read() as reader:
        starts, more = starts_between(installed(reader, "Job", "report"), NOW, LATER)
        assert [f"{start:%H:%M}" for start in starts] == ["12:15", "12:30", "12:45", "13:00"]
        assert more is False
        assert starts_between(installed(reader, "Job", "by-hand"), NOW, LATER) == ([], False)


def test_the_run_of_a_range_of_windows_is_no_start_that_a_hold_drops(here: Installation) -> None:
    hours = {"from": f"{NOW:%Y-%m-%d}", "start": "12:30", "end": "12:45"}
    here.install(a_job("range", schedule={"window": hours}))
    here.install(a_job("each", schedule={"window": {**hours, "repeat": "each"}}))
    with here.store.read() as reader:
        assert starts_between(installed(reader, "Job", "range"), NOW, LATER) == ([], False)
        starts, _ = starts_between(installed(reader, "Job", "each"), NOW, LATER)
        assert [f"{start:%H:%M}" for start in starts] == ["12:30"]
