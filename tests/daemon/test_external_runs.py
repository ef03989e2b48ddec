"""The daemon and the runs that other systems execute: claimed without a place, never taken for lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from daemons import Daemon, StandingClock, waits_for
from external_lives import (
    HOOK,
    an_external_job,
    external_run,
    minutes,
    polled,
    report,
    token,
)
from installations import NOW, Installation, a_job
from lives import at, set_watermark

Start = Callable[..., Daemon]


class Reached:
    """Other systems as a test wants them."""

    def __init__(self, *, reachable: bool = True) -> None:
        self.reachable = reachable
        self.calls = 0

    def call(self) -> None:
        self.calls += 1


def test_it_takes_no_place_of_those_that_have_a_process(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(an_external_job(), a_job("own", schedule=None, steps=waits_for(tmp_path / "go")))
    outside = Reached()
    up = a_daemon(parallel=1, outside=outside)
    own = up.trigger("own")
    up.until_running(own)
    id = up.trigger("invoices")
    up.until_heard("started", id)
    run = here.instance(id)
    assert (run.state, run.pid) == ("RUNNING", None)
    assert outside.calls == 1
    (tmp_path / "go").touch()
    up.until_ended(own)
    up.until(lambda: up.engine.running == 0)
    assert report(here, id, "finished").state == "SUCCEEDED"
    up.engine.look()
    up.until_heard("finished", (id, "SUCCEEDED", ""))


def test_one_that_waits_to_be_asked_for_is_in_nobodys_way(here: Installation, a_daemon: Start) -> None:
    here.install(an_external_job(webhook=None), a_job("own", schedule=None))
    up = a_daemon(parallel=1, outside=Reached())
    waiting = [up.trigger("invoices", key=str(number)) for number in range(3)]
    own = up.trigger("own")
    assert up.until_ended(own).state == "SUCCEEDED"
    assert {here.instance(id).state for id in waiting} == {"SCHEDULED"}
    assert set(up.heard.of("started")) == {own}


def test_a_slot_of_it_falls_due_and_can_then_be_claimed(here: Installation, a_daemon: Start) -> None:
    here.install(an_external_job(webhook=None, schedule={"every": "1h"}))
    set_watermark(here, "invoices", at(0.5))
    up = a_daemon(clock=StandingClock(at(0.6)), outside=Reached())
    assert polled(here, now=at(0.9)) is None
    up.passes(to=at(1))
    up.until(lambda: _count(here) == 1)
    work = polled(here, now=at(1))
    assert work is not None and work.instance.slot_at == at(1)
    up.engine.look()
    up.until_heard("started", work.instance.id)
    report(here, work.instance.id, "finished", at(1.1))
    up.engine.look()
    up.until_heard("finished", (work.instance.id, "SUCCEEDED", ""))


def _count(here: Installation) -> int:
    with here.store.read() as reader:
        return len(reader.instances.list())


def test_without_a_listener_nothing_is_begun_and_that_is_told(here: Installation, a_daemon: Start) -> None:
    here.install(an_external_job())
    outside = Reached(reachable=False)
    up = a_daemon(outside=outside)
    id = up.trigger("invoices")
    doing, problem = up.until_heard("trouble")
    assert doing == "starting external jobs"
    assert "declare spec.web of the Runner" in problem
    assert here.instance(id).state == "SCHEDULED"
    outside.reachable = True
    up.engine.look()
    up.until_heard("started", id)


def test_silence_is_noticed_by_the_clock(here: Installation, a_daemon: Start) -> None:
    here.install(an_external_job())
    up = a_daemon(outside=Reached())
    id = up.trigger("invoices")
    up.until_heard("started", id)
    report(here, id, "started")
    up.passes(minutes=11)
    up.until_heard("finished", (id, "UNKNOWN", "silent"))
    assert report(here, id, "heartbeat", NOW + minutes(12)).state == "RUNNING"
    up.engine.look()  # as whoever takes reports has it do
    up.passes(minutes=30)
    up.until(lambda: here.instance(id).state == "UNKNOWN")
    up.passes(minutes=61)
    up.until_heard("finished", (id, "FAILED", "lost"))


def test_a_daemon_that_comes_and_goes_does_not_end_it(here: Installation, a_daemon: Start) -> None:
    here.install(an_external_job())
    first = a_daemon(outside=Reached())
    id = first.trigger("invoices")
    first.until_heard("started", id)
    assert first.stop() == 0
    assert here.instance(id).state == "RUNNING"
    second = a_daemon(outside=Reached())
    second.engine.look()
    assert second.heard.of("recovered") == []
    assert (here.instance(id).state, here.instance(id).epoch) == ("RUNNING", 1)
    assert report(here, id, "finished").state == "SUCCEEDED"
    second.engine.look()
    second.until_heard("finished", (id, "SUCCEEDED", ""))


def test_it_is_claimed_once_by_whoever_looks(here: Installation, a_daemon: Start) -> None:
    here.install(an_external_job())
    outside = Reached()
    up = a_daemon(outside=outside)
    id = up.trigger("invoices")
    for _ in range(5):
        up.engine.look()
    up.until_heard("started", id)
    up.settle()
    assert (outside.calls, here.instance(id).epoch) == (1, 1)


def test_a_cancelled_one_that_nobody_was_told_of_ends_at_once(here: Installation, a_daemon: Start) -> None:
    from installations import ANA

    from runner.operations.cancel import cancel_instances

    here.install(an_external_job())
    up = a_daemon(outside=Reached())
    id = up.trigger("invoices")
    up.until_heard("started", id)
    assert not external_run(here, id).perhaps_heard
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    up.engine.look()
    assert up.until_ended(id).state == "CANCELLED"


@pytest.mark.parametrize("was", ["process", "external"])
def test_a_run_goes_to_whoever_its_own_definition_names(
    here: Installation, a_daemon: Start, was: str
) -> None:
    own, theirs = a_job("invoices", schedule=None), an_external_job(webhook=HOOK)
    before, now = (own, theirs) if was == "process" else (theirs, own)
    here.install(before)
    id = here.run("invoices")
    uid = here.uid("invoices")
    here.store.transact(
        lambda tx: tx.objects.update(uid, now, expected_digest=before.digest, at=NOW, who="test")
    )
    up = a_daemon(outside=Reached())
    if was == "process":
        assert up.until_ended(id).state == "SUCCEEDED"
    else:
        up.until_heard("started", id)
        up.settle()
        assert external_run(here, id).call_at is not None
        assert report(here, id, "finished", with_token=token(here, id)).state == "SUCCEEDED"


def test_the_timeout_that_counts_is_that_of_its_own_definition_and_nothing_spins(
    here: Installation, a_daemon: Start
) -> None:
    before, now = an_external_job(timeout="8m"), an_external_job(timeout="1m", external={})
    here.install(before)
    up = a_daemon(outside=Reached())
    id = up.trigger("invoices")
    up.until_heard("started", id)
    uid = here.uid("invoices")
    here.store.transact(
        lambda tx: tx.objects.update(uid, now, expected_digest=before.digest, at=NOW, who="test")
    )
    up.passes(minutes=2)
    up.settle()
    assert here.instance(id).state == "RUNNING"
    assert up.engine._external.next_at == NOW + minutes(8)
    report(here, id, "heartbeat", NOW + minutes(7))
    up.passes(minutes=6)
    up.until(lambda: here.instance(id).state == "STOPPING")
    assert here.instance(id).reason == "timeout"


def test_what_cannot_be_decided_is_tried_again_after_a_while_and_not_at_once(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.daemon import external

    here.install(an_external_job())
    up = a_daemon(outside=Reached())
    id = up.trigger("invoices")
    up.until_heard("started", id)
    tried: list[int] = []
    monkeypatch.setattr(external, "pass_time", lambda tx, live, now, draw: tried.append(id))
    up.passes(minutes=11)
    up.until(lambda: bool(tried))
    up.settle()
    next_at = up.engine._external.next_at
    assert next_at is not None and next_at > up.clock.now()
    assert len(tried) < 5
