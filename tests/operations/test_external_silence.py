"""A system that is silent makes its run UNKNOWN, and every way out of that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from external_lives import (
    an_external_job,
    external_run,
    minutes,
    moves,
    polled,
    report,
    steps,
    time_passes,
    under_way,
)
from installations import NOW, Installation
from lives import contradictions

from runner.access.permission import Actor
from runner.operations.cancel import cancel_instances
from runner.operations.report_external import StaleReport
from runner.operations.resolve_instances import resolve_instances

ANA = Actor("ana")
SILENT = NOW + minutes(10)
DECIDED = SILENT + minutes(60)


@pytest.fixture(autouse=True)
def sound(here: Installation) -> Iterator[None]:
    here.install(
        an_external_job(webhook=None),
        an_external_job("again", webhook=None, onCrash="resume"),
        an_external_job("timed", webhook=None, timeout="5m", deadline="2h"),
    )
    yield
    assert contradictions(here) == []


def unknown(here: Installation, name: str = "invoices") -> int:
    id = under_way(here, name)
    [lost] = time_passes(here, SILENT)
    assert (lost.state, lost.reason) == ("UNKNOWN", "silent")
    return id


def test_silence_for_its_timeout_makes_it_unknown_and_not_a_moment_before(here: Installation) -> None:
    id = under_way(here)
    assert time_passes(here, SILENT - minutes(0.01)) == []
    [lost] = time_passes(here, SILENT)
    assert lost.state == "UNKNOWN"
    run = here.instance(id)
    assert (run.state, run.forced_at) == ("UNKNOWN", DECIDED)
    assert moves(here, id)[-1] == "I20"


def test_every_report_is_a_sign_of_life(here: Installation) -> None:
    id = under_way(here)
    for event, minute in (("started", 9), ("heartbeat", 18), ("progress", 27)):
        report(here, id, event, NOW + minutes(minute))
        assert time_passes(here, NOW + minutes(minute)) == []
    assert time_passes(here, NOW + minutes(36)) == []
    assert len(time_passes(here, NOW + minutes(37))) == 1


def test_no_second_one_starts_while_nobody_knows(here: Installation) -> None:
    id = unknown(here)
    other = here.run("invoices", key="other", due_at=SILENT)
    assert polled(here, now=SILENT) is None
    assert here.instance(other).reason == f"overlap: {id}"


def test_a_heartbeat_brings_it_back_and_says_how_long_it_was_silent(here: Installation) -> None:
    id = unknown(here)
    assert report(here, id, "heartbeat", SILENT + minutes(5)).state == "RUNNING"
    with here.store.read() as reader:
        [back] = [e for e in reader.events.of("instance", str(id)) if e.row == "I41"]
    assert (back.why, back.details["gap_s"]) == ("heard again after 900 s", 900.0)
    run = here.instance(id)
    assert (run.forced_at, run.reason) == (None, "")
    assert time_passes(here, SILENT + minutes(14)) == []


def test_a_late_result_counts(here: Installation) -> None:
    id = unknown(here)
    assert report(here, id, "finished", SILENT + minutes(30)).state == "SUCCEEDED"
    assert moves(here, id)[-2:] == ["I20", "I44"]


def test_a_late_failure_counts_too(here: Installation) -> None:
    id = unknown(here)
    assert report(here, id, "failed", SILENT + minutes(30), code="disk").state == "FAILED"
    assert moves(here, id)[-1] == "I43"
    run = here.instance(id)
    assert run.error is not None and run.error["code"] == "disk"


def test_when_its_time_is_over_it_has_failed_and_later_words_are_refused(here: Installation) -> None:
    id = unknown(here)
    report_at = DECIDED + minutes(1)
    [decided] = time_passes(here, DECIDED)
    assert (decided.state, decided.reason) == ("FAILED", "lost")
    assert moves(here, id)[-1] == "I43"
    with pytest.raises(StaleReport):
        report(here, id, "finished", report_at, epoch=1)
    assert here.instance(id).state == "FAILED"


def test_with_on_crash_resume_it_is_given_out_once_more_and_the_first_one_is_fenced(
    here: Installation,
) -> None:
    id = unknown(here, "again")
    [decided] = time_passes(here, DECIDED)
    assert (decided.state, decided.reason) == ("SCHEDULED", "crash")
    assert moves(here, id)[-1] == "I42"
    with pytest.raises(StaleReport):
        report(here, id, "finished", DECIDED, epoch=1)
    work = polled(here, "again", DECIDED)
    assert work is not None and work.instance.id == id
    with pytest.raises(StaleReport):
        report(here, id, "finished", DECIDED, epoch=1)
    assert report(here, id, "finished", DECIDED).state == "SUCCEEDED"


def test_the_second_time_the_budget_is_used_up(here: Installation) -> None:
    id = unknown(here, "again")
    time_passes(here, DECIDED)
    polled(here, "again", DECIDED)
    time_passes(here, DECIDED + minutes(10))
    [decided] = time_passes(here, DECIDED + minutes(70))
    assert decided.state == "FAILED"
    assert here.instance(id).state == "FAILED"


def test_an_operator_resolves_it_and_later_words_are_refused(here: Installation) -> None:
    id = unknown(here)
    report(here, id, "step", SILENT, step="load", state="started")
    time_passes(here, SILENT + minutes(10))
    here.store.transact(
        lambda tx: resolve_instances(tx, [id], actor=ANA, reason="gone", now=SILENT, nothing_runs=True)
    )
    assert (here.instance(id).state, steps(here, id)[0][1] != "STARTED") == ("CANCELLED", True)
    with pytest.raises(StaleReport):
        report(here, id, "finished", SILENT, epoch=1)


def test_its_timeout_asks_it_to_stop_and_its_end_is_a_timeout(here: Installation) -> None:
    id = under_way(here, "timed")
    assert time_passes(here, NOW + minutes(5)) == []
    run = here.instance(id)
    assert (run.state, run.reason) == ("STOPPING", "timeout")
    assert report(here, id, "heartbeat", NOW + minutes(6)).stop
    said = report(here, id, "stopped", NOW + minutes(7))
    assert (said.state, said.reason) == ("FAILED", "timeout")


def test_one_that_goes_on_although_it_is_to_stop_is_unknown_in_the_end(here: Installation) -> None:
    id = under_way(here)
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW + minutes(1)))
    time_passes(here, NOW + minutes(1))
    for minute in range(2, 10):
        assert report(here, id, "heartbeat", NOW + minutes(minute)).stop
        assert time_passes(here, NOW + minutes(minute)) == []
    [lost] = time_passes(here, SILENT)
    assert (lost.state, lost.reason) == ("UNKNOWN", "cancel")
    said = report(here, id, "heartbeat", SILENT + minutes(1))
    assert (said.state, said.stop) == ("UNKNOWN", True), "it lives, and does not stop"
    [decided] = time_passes(here, DECIDED)
    assert decided.state == "FAILED"


def test_one_that_was_to_stop_is_not_begun_again_when_it_is_lost(here: Installation) -> None:
    id = under_way(here, "again")
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    time_passes(here, NOW)
    time_passes(here, SILENT)
    [decided] = time_passes(here, DECIDED)
    assert (decided.state, here.instance(id).state) == ("FAILED", "FAILED")


def test_without_its_definition_it_still_comes_to_an_end(here: Installation) -> None:
    import sqlite3

    id = under_way(here)
    with sqlite3.connect(here.path) as connection:
        connection.execute("UPDATE job_instances SET digest = 'sha256:gone' WHERE id = ?", (id,))
    assert report(here, id, "heartbeat", NOW + minutes(1)).outcome == "recorded"
    [lost] = time_passes(here, NOW + minutes(11))
    assert lost.state == "UNKNOWN"
    [decided] = time_passes(here, NOW + minutes(71))
    assert decided.state == "FAILED"


def test_silence_is_measured_from_the_claim_when_nothing_was_ever_said(here: Installation) -> None:
    id = under_way(here)
    assert external_run(here, id).silent_at == SILENT
