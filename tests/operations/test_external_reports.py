"""What another system reports: recorded once, fenced by the epoch, and never believed without its token."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from external_lives import (
    BILLING,
    HOOK,
    an_external_job,
    called,
    external_run,
    minutes,
    moves,
    polled,
    report,
    steps,
    time_passes,
    token,
    under_way,
)
from installations import NOW, Installation, a_job
from lives import contradictions

from runner.access.permission import Actor
from runner.operations.cancel import cancel_instances
from runner.operations.claim_instance import Claimed, NotStarted, Waits
from runner.operations.recover import left_behind, recover
from runner.operations.report_external import StaleReport
from runner.vocabulary.errors import NotAllowed, Refused, UnknownName
from runner.vocabulary.identity import Address

ANA = Actor("ana")


@pytest.fixture(autouse=True)
def sound(here: Installation) -> Iterator[None]:
    here.install(an_external_job(webhook=None))
    yield
    assert contradictions(here) == []


def test_a_run_is_reported_from_its_start_to_its_end(here: Installation) -> None:
    id = under_way(here)
    assert report(here, id, "started").outcome == "recorded"
    report(here, id, "step", step="collect", state="started")
    report(here, id, "progress", done=1, total=4, text="invoices")
    assert here.instance(id).progress == 0.25
    report(here, id, "step", step="collect", state="completed", outputs={"rows": 7})
    said = report(here, id, "finished", outputs={"rows": 7}, info={"batch": "b1"})
    assert (said.outcome, said.state, said.stop) == ("recorded", "SUCCEEDED", False)
    run = here.instance(id)
    assert (dict(run.outputs), dict(run.info)) == ({"rows": 7}, {"batch": "b1"})
    assert steps(here, id) == [("collect", "COMPLETED")]
    assert moves(here, id) == ["I2", "I4", "I12"]


def test_it_takes_a_claim_and_its_token_says_which_one(here: Installation) -> None:
    id = here.run("invoices")
    work = polled(here)
    assert work is not None
    message = work.message("http://127.0.0.1:8470")
    assert (message["job"], message["instance"], message["epoch"]) == ("invoices", id, 1)
    assert message["report"]["url"] == f"http://127.0.0.1:8470/api/v1/instances/{id}/reports"
    assert message["report"]["token"] == token(here, id)
    assert message["report"]["within_s"] == 600
    assert polled(here) is None, "it was claimed once"


def test_it_is_not_time_before_the_run_is_due(here: Installation) -> None:
    id = here.run("invoices", due_at=NOW + minutes(5))
    assert polled(here) is None
    work = polled(here, now=NOW + minutes(5))
    assert work is not None and work.instance.id == id


def test_a_held_job_is_not_given_out(here: Installation) -> None:
    id = here.run("invoices")
    here.hold("invoices", "operator")
    assert polled(here) is None
    assert here.instance(id).state == "SKIPPED"


def test_while_one_is_under_way_the_next_is_not_given_out(here: Installation) -> None:
    id = under_way(here)
    other = here.run("invoices", key="other")
    assert polled(here) is None
    assert here.instance(other).reason == f"overlap: {id}"


def test_only_jobs_that_are_to_be_asked_for_are(here: Installation) -> None:
    here.install(an_external_job("called"), a_job("own"))
    with pytest.raises(Refused, match="Job/called has a webhook"):
        polled(here, "called")
    with pytest.raises(Refused, match="Job/own is executed by the runner itself"):
        polled(here, "own")
    with pytest.raises(UnknownName):
        polled(here, "invoice")


def test_who_may_only_read_neither_asks_nor_reports(here: Installation) -> None:
    id = under_way(here)
    reader = Actor("token:eyes", role="reader")
    with pytest.raises(NotAllowed):
        polled(here, actor=reader)
    with pytest.raises(NotAllowed):
        report(here, id, "finished", actor=reader)
    assert here.instance(id).state == "RUNNING"


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "e1.",
        "e1.AAAA",
        "e1." + "A" * 43,
        "e999999999999999999999.A",
        "e-1.A",
        "e١.A",
        "x" * 200,
        "e1.\ud800",
    ],
)
def test_a_forged_token_is_refused_and_changes_nothing(here: Installation, forged: str) -> None:
    id = under_way(here)
    before = external_run(here, id)
    with pytest.raises(NotAllowed, match=f"not the token for reports on instance {id}"):
        report(here, id, "finished", NOW + minutes(1), with_token=forged)
    assert (here.instance(id).state, external_run(here, id)) == ("RUNNING", before)


def test_the_token_of_one_run_is_none_for_another(here: Installation) -> None:
    here.install(an_external_job("others", webhook=None))
    mine, other = under_way(here), under_way(here, "others")
    with pytest.raises(NotAllowed):
        report(here, other, "finished", with_token=token(here, mine))
    with pytest.raises(NotAllowed):
        report(here, 4711, "finished", with_token=token(here, mine))


def test_a_run_of_the_runner_itself_takes_no_reports(here: Installation) -> None:
    here.install(a_job("own"))
    id = here.run("own", "RUNNING")
    with pytest.raises(NotAllowed):
        report(here, id, "finished")


def test_a_report_of_an_earlier_attempt_is_refused(here: Installation) -> None:
    here.install(an_external_job("twice", webhook=None, retry={"initial": "1m", "maxAttempts": 3}))
    id = under_way(here, "twice")
    assert report(here, id, "failed", code="busy", description="try later").state == "SCHEDULED"
    work = polled(here, "twice", NOW + minutes(2))
    assert work is not None and work.instance.epoch == 2
    for event in ("heartbeat", "finished", "failed"):
        with pytest.raises(StaleReport, match="at epoch 2, and the report is of epoch 1; stop"):
            report(here, id, event, NOW + minutes(3), epoch=1)
    assert here.instance(id).state == "RUNNING"
    assert report(here, id, "finished", NOW + minutes(4)).state == "SUCCEEDED"


def test_a_token_of_a_later_epoch_cannot_be_had_before_it_begins(here: Installation) -> None:
    id = under_way(here)
    with pytest.raises(StaleReport):
        report(here, id, "finished", epoch=2)


@pytest.mark.parametrize(("event", "state"), [("finished", "SUCCEEDED"), ("failed", "FAILED")])
def test_an_end_that_is_sent_twice_is_recorded_once(here: Installation, event: Any, state: str) -> None:
    here.install(an_external_job("once", webhook=None, retry="none"))
    id = under_way(here, "once")
    assert report(here, id, event).state == state
    events = moves(here, id)
    again = report(here, id, event)
    assert (again.outcome, again.state) == ("repeated", state)
    assert moves(here, id) == events


def test_a_failure_that_is_tried_again_may_be_sent_twice_too(here: Installation) -> None:
    here.install(an_external_job("twice", webhook=None, retry={"initial": "1m", "maxAttempts": 3}))
    id = under_way(here, "twice")
    report(here, id, "failed")
    assert report(here, id, "failed").outcome == "repeated"
    assert here.instance(id).failures == 1
    with pytest.raises(StaleReport, match="not under way"):
        report(here, id, "finished")


def test_the_first_end_counts(here: Installation) -> None:
    here.install(an_external_job("once", webhook=None, retry="none"))
    id = under_way(here, "once")
    report(here, id, "failed")
    with pytest.raises(StaleReport, match="has ended: it is FAILED"):
        report(here, id, "finished")
    with pytest.raises(StaleReport):
        report(here, id, "heartbeat")
    assert here.instance(id).state == "FAILED"


def test_numbered_reports_change_nothing_when_they_come_late_or_twice(here: Installation) -> None:
    id = under_way(here)
    report(here, id, "progress", number=1, done=1, total=10)
    report(here, id, "progress", NOW + minutes(1), number=3, done=3, total=10)
    silent_at = external_run(here, id).silent_at
    late = report(here, id, "progress", NOW + minutes(5), number=2, done=2, total=10)
    twice = report(here, id, "progress", NOW + minutes(5), number=3, done=3, total=10)
    assert (late.outcome, twice.outcome) == ("late", "repeated")
    assert here.instance(id).progress == 0.3
    assert external_run(here, id).silent_at == silent_at, "a recording keeps nothing alive"


def test_steps_that_come_out_of_order_end_as_they_should(here: Installation) -> None:
    id = under_way(here)
    assert report(here, id, "step", step="load", state="completed").outcome == "recorded"
    assert report(here, id, "step", step="load", state="started").outcome == "late"
    assert report(here, id, "step", step="load", state="completed").outcome == "repeated"
    assert report(here, id, "step", step="load", state="failed").outcome == "late"
    report(here, id, "step", step="mail", state="skipped")
    report(here, id, "step", step="check", state="failed", code="bad", description="no")
    assert steps(here, id) == [("load", "COMPLETED"), ("mail", "SKIPPED"), ("check", "FAILED")]


def test_what_had_begun_is_complete_when_the_whole_is(here: Installation) -> None:
    id = under_way(here)
    report(here, id, "step", step="load", state="started")
    report(here, id, "finished")
    assert steps(here, id) == [("load", "COMPLETED")]


def test_steps_are_bounded(here: Installation) -> None:
    from runner.operations.external_steps import MOST_STEPS

    id = under_way(here)
    for number in range(MOST_STEPS):
        report(here, id, "step", step=f"s{number}", state="started")
    with pytest.raises(Refused, match="has 200 steps already"):
        report(here, id, "step", step="more", state="started")
    assert report(here, id, "step", step="s1", state="completed").outcome == "recorded"


def test_a_failure_spends_a_retry_unless_it_is_final(here: Installation) -> None:
    here.install(an_external_job("twice", webhook=None, retry={"initial": "1m", "maxAttempts": 3}))
    id = under_way(here, "twice")
    said = report(here, id, "failed", code="schema", description="wrong file", retryable=False)
    assert said.state == "FAILED"
    error = here.instance(id).error
    assert error is not None
    assert (error["code"], error["description"]) == ("schema", "wrong file")


def test_a_second_start_is_a_repeat(here: Installation) -> None:
    id = under_way(here)
    assert report(here, id, "started").outcome == "recorded"
    assert report(here, id, "started").outcome == "repeated"


def test_what_is_to_stop_hears_of_it_and_says_when_it_has(here: Installation) -> None:
    id = under_way(here)
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="wrong day", now=NOW))
    time_passes(here, NOW)
    said = report(here, id, "progress", NOW + minutes(1))
    assert (said.state, said.stop, said.reason) == ("STOPPING", True, "cancel")
    assert report(here, id, "stopped", NOW + minutes(2)).state == "CANCELLED"
    assert report(here, id, "stopped", NOW + minutes(2)).outcome == "repeated"


def test_the_result_wins_over_the_wish_to_stop(here: Installation) -> None:
    id = under_way(here)
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    assert report(here, id, "finished").state == "SUCCEEDED"
    assert moves(here, id)[-1] == "I39"


def test_a_stop_that_nobody_asked_for_is_a_failure_that_is_not_tried_again(here: Installation) -> None:
    id = under_way(here)
    assert report(here, id, "stopped").state == "FAILED"


def test_another_daemon_does_not_take_it_for_dead(here: Installation) -> None:
    id = under_way(here)
    with here.store.read() as reader:
        ids = left_behind(reader)
    assert here.store.transact(lambda tx: recover(tx, ids, NOW)) == ()
    assert here.instance(id).state == "RUNNING"
    assert report(here, id, "finished").state == "SUCCEEDED"


def test_a_run_to_be_called_is_claimed_with_its_first_call_due(here: Installation) -> None:
    here.install(an_external_job("called"))
    id = here.run("called")
    assert isinstance(called(here, id), Claimed)
    run = external_run(here, id)
    assert (run.means, run.call_at, run.calls, run.perhaps_heard) == ("webhook", NOW, 0, False)


def test_a_run_that_nobody_will_ask_for_any_more_ends(here: Installation) -> None:
    id = here.run("invoices")
    ended = called(here, id)
    assert isinstance(ended, NotStarted)
    assert (ended.outcome, ended.reason) == ("SKIPPED", "nobody asks for it any more")


def test_a_paused_job_is_not_called(here: Installation) -> None:
    here.install(an_external_job("called", webhook=HOOK), holds=("paused",))
    assert isinstance(called(here, here.run("called")), Waits)


def test_who_reported_stands_in_the_events(here: Installation) -> None:
    id = under_way(here)
    report(here, id, "started")
    with here.store.read() as reader:
        [started] = [e for e in reader.events.of("instance", str(id)) if e.event == "started"]
    assert started.who == str(BILLING) == "token:billing"


def test_it_knows_no_pause(here: Installation) -> None:
    from runner.lifecycle.pausing import NotPausable
    from runner.operations.pausing import how_to_pause

    here.install(an_external_job("again", webhook=None, onCrash="resume"))
    id = under_way(here, "again")
    with here.store.read() as reader:
        assert isinstance(how_to_pause(reader, here.instance(id)), NotPausable)


def test_every_event_of_an_end_names_the_token_that_reported_it_and_the_hold_names_the_rule(
    here: Installation,
) -> None:
    here.install(an_external_job("bills", webhook=None, failAfter=1, retry="none"))
    record = here.store.transact(lambda tx: tx.objects.get(Address("Job", "bills")))
    id = here.run("bills", key="slot:1")
    slot_run(here, id)
    polled(here, "bills")
    report(here, id, "step", step="collect", state="started")
    report(here, id, "failed", code="no-route", description="no way there", retryable=False)
    with here.store.read() as reader:
        events = reader.events.of("instance", str(id))
        holds = reader.holds.of(record.uid)
    assert {e.row: e.who for e in events if e.row in ("S5", "T7", "I14")} == dict.fromkeys(
        ("S5", "T7", "I14"), str(BILLING)
    )
    assert [(hold.kind, hold.owner) for hold in holds] == [("failure", "system:supervisor")]


def test_a_late_failure_names_its_token_and_never_owns_the_hold(here: Installation) -> None:
    here.install(an_external_job("bills", webhook=None, failAfter=1, retry="none"))
    record = here.store.transact(lambda tx: tx.objects.get(Address("Job", "bills")))
    id = here.run("bills", key="slot:1")
    slot_run(here, id)
    polled(here, "bills")
    time_passes(here, NOW + minutes(11))
    assert here.instance(id).state == "UNKNOWN"
    report(here, id, "failed", NOW + minutes(12), code="no-route", retryable=False)
    with here.store.read() as reader:
        events = reader.events.of("instance", str(id))
        holds = reader.holds.of(record.uid)
    assert [e.who for e in events if e.row == "I43"] == [str(BILLING)]
    assert [(hold.kind, hold.owner) for hold in holds] == [("failure", "system:supervisor")]


def slot_run(here: Installation, id: int) -> None:
    """As if its schedule had started it: only such failures count."""
    with sqlite3.connect(here.path) as connection:
        connection.execute("UPDATE job_instances SET origin = 'slot' WHERE id = ?", (id,))
